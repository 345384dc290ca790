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
from fastapi import HTTPException, Request

from emotion_core.errors import RunRefusedError

# What Airflow takes for its own UI: a request that says where it comes from.
_FROM_A_PAGE: Final = Request({"type": "http", "headers": [(b"referer", b"/emotion")]})


def start_run(user: BaseUser, dag_id: str, run_id: str, conf: Mapping[str, Any]) -> None:
    """Start a run through Airflow's own service; a run that exists already is left as it is.

    Args:
        user: Stored with the run and in the audit log; may start it (:mod:`.access`).
        dag_id: The DAG.
        run_id: An idempotency key: a button pressed twice starts one run.
        conf: The form's fields; the DAG checks them.

    Raises:
        RunRefusedError: The DAG is paused or unknown, or a field is not what it asks for.
    """
    from airflow.api_fastapi.core_api.datamodels.dag_run import TriggerDAGRunPostBody
    from airflow.api_fastapi.core_api.routes.public.dag_run import trigger_dag_run

    if _exists(dag_id, run_id):
        return
    body = TriggerDAGRunPostBody(dag_run_id=run_id, logical_date=None, conf=dict(conf))
    try:
        with create_session() as session:
            model = session.get(DagModel, dag_id)
            if model is not None and model.is_paused:
                raise HTTPException(
                    409, "it is paused; unpause it in the list of DAGs, then try again"
                )
            trigger_dag_run(dag_id, body, _dags(), user, session, _FROM_A_PAGE)
            session.add(_audited(user, dag_id, run_id, conf))
    except HTTPException as refusal:  # a paused or unknown DAG, or a field that it does not take
        reason = str(refusal.detail).splitlines()[0]
        raise RunRefusedError(f"{dag_id} was not started: {reason}") from refusal
    except Exception:
        if not _exists(dag_id, run_id):  # pressed twice, and the other press was faster
            raise


def run_address(dag_id: str, run_id: str) -> str:
    """The page of a run in Airflow's UI, from the server's root."""
    root = API_ROOT_PATH.rstrip("/")
    return f"{root}/dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}"


def _audited(user: BaseUser, dag_id: str, run_id: str, conf: Mapping[str, Any]) -> Log:
    """The entry that Airflow's audit log has for a run started from its own pages."""
    return Log(
        event="trigger_dag_run",
        task_instance=None,
        owner=user.get_name(),
        owner_display_name=user.get_name(),
        extra=json.dumps({"conf": dict(conf), "method": "POST"}),
        dag_id=dag_id,
        run_id=run_id,
    )


def _exists(dag_id: str, run_id: str) -> bool:
    with create_session() as session:
        return session.query(DagRun).filter_by(dag_id=dag_id, run_id=run_id).count() > 0


@cache
def _dags() -> Any:
    """The DAGs as Airflow's database has them, kept for as long as its API server keeps them."""
    from airflow.api_fastapi.common.dagbag import create_dag_bag

    return create_dag_bag()
