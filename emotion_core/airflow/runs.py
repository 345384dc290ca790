"""Runs that our pages start through Airflow's own service, as whoever pressed the button."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final
from urllib.parse import quote

from airflow.api_fastapi.app import API_ROOT_PATH
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.log import Log
from airflow.utils.session import create_session

from emotion_core.errors import RunRefusedError

EVENT: Final = "trigger_dag_run"
"""In Airflow's audit log, as for a run that is started from its own pages."""


def start_run(user: BaseUser, dag_id: str, run_id: str, conf: Mapping[str, Any]) -> None:
    """Start a run through Airflow's own service; a run that is there already is left as it is.

    Args:
        user: Kept with the run and in the audit log; may start it (:mod:`.access`).
        dag_id: The DAG.
        run_id: Names this one press of a button: pressing twice starts one run.
        conf: The form's fields; the DAG checks them.

    Raises:
        RunRefusedError: The DAG is paused or unknown, or a field is not what it asks for.
    """
    from airflow.api_fastapi.core_api.datamodels.dag_run import TriggerDAGRunPostBody
    from airflow.utils.state import DagRunState
    from airflow.utils.types import DagRunTriggeredByType, DagRunType

    body = TriggerDAGRunPostBody(dag_run_id=run_id, logical_date=None, conf=dict(conf))
    try:
        with create_session() as session:
            if _is_there(session, dag_id, run_id):
                return
            model = session.get(DagModel, dag_id)
            dag = _dags().get_latest_version_of_dag(dag_id, session=session)
            if model is None or dag is None:
                raise RunRefusedError(f"Airflow does not know {dag_id}: is its DAG bundle read?")
            if model.is_paused:
                raise RunRefusedError(
                    f"{dag_id} is paused, so that its run would wait for ever: unpause it in the "
                    "list of DAGs, then try again"
                )
            named = body.validate_context(dag)
            dag.create_dagrun(
                run_id=run_id,
                logical_date=None,
                data_interval=named["data_interval"],
                run_after=named["run_after"],
                conf=named["conf"],
                run_type=DagRunType.MANUAL,
                triggered_by=DagRunTriggeredByType.UI,
                triggering_user_name=user.get_name(),
                state=DagRunState.QUEUED,
                session=session,
            )
            session.add(_audited(user, dag_id, run_id, conf))
    except RunRefusedError:
        raise
    except ValueError as refusal:  # a field that the DAG does not take
        reason = str(refusal).splitlines()[0]
        raise RunRefusedError(f"{dag_id} was not started: {reason}") from refusal
    except Exception:
        with create_session() as session:  # pressed twice, and the other press was faster
            if not _is_there(session, dag_id, run_id):
                raise


def run_address(dag_id: str, run_id: str) -> str:
    """The page of a run in Airflow's UI, from the server's root."""
    root = API_ROOT_PATH.rstrip("/")
    return f"{root}/dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}"


def _audited(user: BaseUser, dag_id: str, run_id: str, conf: Mapping[str, Any]) -> Log:
    return Log(
        event=EVENT,
        task_instance=None,
        owner=user.get_name(),
        owner_display_name=user.get_name(),
        extra=json.dumps({"conf": dict(conf), "method": "POST"}),
        dag_id=dag_id,
        run_id=run_id,
    )


def _is_there(session: Any, dag_id: str, run_id: str) -> bool:
    return bool(session.query(DagRun).filter_by(dag_id=dag_id, run_id=run_id).count())


@cache
def _dags() -> Any:
    """The DAGs as Airflow's database has them, kept for as long as its API server keeps them."""
    from airflow.api_fastapi.common.dagbag import create_dag_bag

    return create_dag_bag()
