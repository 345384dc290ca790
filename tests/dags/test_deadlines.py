"""An alert fires once for a run that fails, and for a run that does not end while it goes on."""

import asyncio
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.cli.cli_parser import get_parser
from airflow.dag_processing.dagbag import DagBag
from airflow.models.callback import CallbackState
from airflow.models.dagrun import DagRun
from airflow.models.deadline import Deadline
from airflow.sdk import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineReference
from airflow.triggers.callback import CallbackTrigger
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from dag_runs import states
from promotions import forget_champion
from receiver import Receiver

from emotion_core.settings import Settings
from emotion_core.store import training_runs
from emotion_core.store.database import Database


@pytest.fixture
def told(configured: Settings, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Receiver:
    """The server that ``EMOTION_ALERT_WEBHOOK`` names."""
    monkeypatch.setenv("EMOTION_ALERT_WEBHOOK", f"{receiver.address}/hook")
    return receiver


def test_every_dag_alerts_when_a_run_of_it_fails(bag: DagBag) -> None:
    for dag in bag.dags.values():
        assert type(dag.on_failure_callback).__name__ == "FailureNotifier", dag.dag_id


def test_the_night_has_a_deadline_and_says_in_its_sentence_the_same_hours(bag: DagBag) -> None:
    (deadline,) = bag.dags["score_new_images"].deadline

    assert deadline.reference == DeadlineReference.DAGRUN_QUEUED_AT
    assert isinstance(deadline.callback, AsyncCallback)
    assert deadline.callback.kwargs == {
        "title": bag.dags["score_new_images"].dag_display_name,
        "hours": deadline.interval.total_seconds() / 3600,
    }


def test_airflows_command_that_tests_a_dag_skips_a_night_without_a_champion_and_ends_well(
    airflow_tables: None,
    configured: Settings,
    urls: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    forget_champion(urls)  # so that every task is skipped, and the run succeeds
    command = ["dags", "test", "score_new_images"]
    monkeypatch.setattr(sys, "argv", ["airflow", *command])
    arguments = get_parser().parse_args(command)

    arguments.func(arguments)

    said = caplog.text + "".join(capfd.readouterr())
    assert "Marking run" in said
    assert "no model is champion yet" in said
    assert "Traceback" not in said
    with create_session() as session:
        run = session.query(DagRun).filter_by(dag_id=command[2]).order_by(DagRun.id.desc()).first()
        assert states(run)["ingest"] == "skipped"


def test_a_bad_form_fails_before_training_and_alerts_once_with_the_run_and_where_to_look(
    run_dag: Callable[..., Any], told: Receiver, database: Database
) -> None:
    result = run_dag("train_and_compare", preset="quick", data="/nowhere")

    (message,) = told.messages
    assert result.state == DagRunState.FAILED
    with database.transaction("emotion_report") as connection:
        assert training_runs.runs_in_group(connection, result.run_id) == []
    assert message["check"] == result.run_id
    assert "Train and compare failed" in message["text"]
    assert "/nowhere" not in json.dumps(message), "what a task wrote stays in its log"


def test_a_night_that_does_not_end_alerts_through_airflows_own_scheduler_and_triggerer(
    stored_dags: None, told: Receiver
) -> None:
    """The deadline as Airflow stores it when a run is queued; then what its scheduler does with a
    deadline that has passed, and what its triggerer awaits."""
    run_id = f"a_night_that_hangs_{datetime.now(UTC):%H:%M:%S.%f}"
    with create_session() as session:
        _queue_run(session, "score_new_images", run_id)

    with create_session() as session:
        run = session.query(DagRun).filter_by(run_id=run_id).one()
        deadline = session.query(Deadline).filter_by(dagrun_id=run.id).one()
        assert deadline.deadline_time - run.queued_at == timedelta(hours=5)
        deadline.handle_miss(session)
        data = deadline.callback.data
        run.state = DagRunState.FAILED
        trigger = CallbackTrigger(data["path"], dict(data["kwargs"]))

    async def await_it() -> list[Any]:
        return [event.payload async for event in trigger.run()]

    payloads = asyncio.run(await_it())

    assert payloads[-1]["state"] == CallbackState.SUCCESS, payloads
    (message,) = told.messages
    assert "Score new images has not ended 5 hours after it was queued" in message["text"]
    assert message["check"] == run_id


def _queue_run(session: Any, dag_id: str, run_id: str) -> None:
    from airflow.models.dagbag import DBDagBag
    from airflow.utils.types import DagRunTriggeredByType, DagRunType

    dag = DBDagBag().get_latest_version_of_dag(dag_id, session=session)
    now = datetime.now(UTC)
    dag.create_dagrun(
        run_id=run_id,
        logical_date=None,
        data_interval=None,
        run_after=now,
        run_type=DagRunType.MANUAL,
        triggered_by=DagRunTriggeredByType.TEST,
        state=DagRunState.QUEUED,
        session=session,
    )
