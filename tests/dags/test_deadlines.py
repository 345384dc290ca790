"""A run that fails is told once; a run that does not end is told while it goes on."""

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
from airflow.models.callback import CallbackState
from airflow.models.dagrun import DagRun
from airflow.models.deadline import Deadline
from airflow.sdk import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineReference
from airflow.triggers.callback import CallbackTrigger
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from promotions import forget_champion

from emotion_core.settings import Settings


@pytest.fixture
def told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """What a web server of this test was told through ``EMOTION_ALERT_WEBHOOK``."""
    messages: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("EMOTION_HOME", str(settings.home))
    monkeypatch.setenv("EMOTION_DATABASE_URL", settings.require_database_url())
    monkeypatch.setenv("EMOTION_ALERT_WEBHOOK", f"http://127.0.0.1:{server.server_port}/hook")
    yield messages
    server.shutdown()
    server.server_close()


def test_every_dag_tells_when_a_run_of_it_fails(bag: DagBag) -> None:
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


def test_airflows_command_that_tests_a_dag_ends_well_all_the_same(
    airflow_tables: None, settings: Settings, urls: dict[str, str]
) -> None:
    forget_champion(urls)  # so that every task is skipped, and the run succeeds
    given = {
        "EMOTION_HOME": str(settings.home),
        "EMOTION_DATABASE_URL": settings.require_database_url(),
    }

    done = subprocess.run(
        [sys.executable, "-m", "airflow", "dags", "test", "score_new_images"],
        env={**os.environ, **given},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Marking run" in done.stdout + done.stderr
    assert "no model is champion yet" in done.stdout + done.stderr


def test_a_failed_run_is_told_once_with_its_name_and_where_to_look(
    bag: DagBag, told: list[Any]
) -> None:
    result = bag.dags["train_and_compare"].test(run_conf={"preset": "quick", "data": "/nowhere"})

    assert result.state == DagRunState.FAILED
    assert len(told) == 1
    assert told[0]["check"] == result.run_id
    assert "Train and compare failed" in told[0]["text"]
    assert "/nowhere" not in json.dumps(told), "what a task wrote stays in its log"


def test_a_night_that_does_not_end_is_told_by_airflows_own_scheduler_and_triggerer(
    bag: DagBag, told: list[Any]
) -> None:
    """The deadline as Airflow stores it when a run is queued; then what its scheduler does with a
    deadline that has passed, and what its triggerer awaits."""
    with create_session() as session:
        DagBundlesManager().sync_bundles_to_db(session=session)
    sync_bag_to_db(bag, "dags-folder", None)
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
    assert "Score new images has not ended 5 hours after it was queued" in told[0]["text"]
    assert told[0]["check"] == run_id


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
