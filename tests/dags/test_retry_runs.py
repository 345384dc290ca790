"""Refused files retried through Airflow: by reason and batch, in somebody's name."""

from collections.abc import Callable
from typing import Any

import pytest
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from dag_runs import states
from factories import make_arrivals, make_model
from sqlalchemy import text

from emotion_core.settings import Settings
from emotion_core.store import batches
from emotion_core.store.batches import ArrivedFile
from emotion_core.store.database import Database

RunDag = Callable[..., Any]


@pytest.fixture
def night(configured: Settings, database: Database) -> str:
    """A batch that refused two files, closed."""
    key = f"refused in {configured.home}"
    files = [
        ArrivedFile(f"{n}.jpg".encode(), n, n, None, "unreadable_file", "denied") for n in (1, 2)
    ]
    with database.transaction("emotion_train") as connection:
        model = make_model(connection)
    with database.transaction("emotion_score") as connection:
        batch = batches.open_batch(connection, run_key=key, source=key, model_version_id=model.id)
        batches.enter_files(connection, batch, files)
        assert batches.close_batch(connection, batch.id)
    return key


def waiting(database: Database, night: str) -> list[str]:
    """Who asked for the files of a night that wait to be tried again."""
    with database.transaction("emotion_report") as connection:
        return list(
            connection.execute(
                text(
                    "SELECT requested_by FROM refusal_retry "
                    "JOIN batch ON batch.id = from_batch_id "
                    "WHERE run_key = :night AND to_batch_id IS NULL"
                ),
                {"night": night},
            ).scalars()
        )


def test_files_are_marked_once_and_a_night_is_started(
    run_dag: RunDag, night: str, database: Database
) -> None:
    result = run_dag("retry_refused", reason="unreadable_file", batch=night)

    assert result.state == DagRunState.SUCCESS
    assert waiting(database, night) == ["dag_test", "dag_test"], "who triggered it"
    with create_session() as session:
        started = session.query(DagRun).filter_by(run_id=result.run_id).all()
    assert {one.dag_id for one in started} == {"retry_refused", "score_new_images"}

    again = run_dag("retry_refused", reason="unreadable_file", batch=night, score_now=False)

    assert (again.state, states(again)["score"]) == (DagRunState.SUCCESS, "skipped")
    assert len(waiting(database, night)) == 2


def test_a_reason_that_is_none_is_refused_at_once(
    run_dag: RunDag, night: str, database: Database
) -> None:
    result = run_dag("retry_refused", reason="bad weather", batch=night)

    assert result.state == DagRunState.FAILED
    assert waiting(database, night) == []


def test_a_batch_that_is_open_is_left_alone(
    run_dag: RunDag, night: str, database: Database
) -> None:
    with database.transaction("emotion_score") as connection:
        model_version_id = batches.batch_by_key(connection, night).model_version_id
        batch = batches.open_batch(
            connection,
            run_key=f"open after {night}",
            source=f"open {night}",
            model_version_id=model_version_id,
        )
        batches.enter_files(connection, batch, make_arrivals(1, night), plans=True)

    result = run_dag("retry_refused", reason="unreadable_file", batch=f"open after {night}")

    assert result.state == DagRunState.FAILED
