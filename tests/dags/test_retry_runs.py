"""Refused files put back through Airflow: by reason and batch, in somebody's name."""

from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from factories import make_arrivals, make_model
from sqlalchemy import text

from emotion_core.settings import Settings
from emotion_core.store import batches
from emotion_core.store.batches import ArrivedFile
from emotion_core.store.database import Database


@pytest.fixture
def night(settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch) -> str:
    """A batch that refused two files, closed."""
    monkeypatch.setenv("EMOTION_HOME", str(settings.home))
    monkeypatch.setenv("EMOTION_DATABASE_URL", settings.require_database_url())
    key = f"refused in {settings.home}"
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


def run(bag: DagBag, **form: Any) -> Any:
    return bag.dags["retry_refused"].test(run_conf=form)


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


def test_files_are_put_back_once_and_a_night_is_started(
    bag: DagBag, night: str, database: Database
) -> None:
    result = run(bag, reason="unreadable_file", batch=night)

    assert result.state == DagRunState.SUCCESS
    assert waiting(database, night) == ["dag_test", "dag_test"], "who triggered it"
    with create_session() as session:
        started = session.query(DagRun).filter_by(run_id=result.run_id).all()
    assert {one.dag_id for one in started} == {"retry_refused", "score_new_images"}

    again = run(bag, reason="unreadable_file", batch=night, score_now=False)

    states = {ti.task_id: str(ti.state) for ti in again.get_task_instances()}
    assert (again.state, states["score"]) == (DagRunState.SUCCESS, "skipped")
    assert len(waiting(database, night)) == 2


def test_a_reason_that_is_none_is_refused_at_once(
    bag: DagBag, night: str, database: Database
) -> None:
    result = run(bag, reason="bad weather", batch=night)

    assert result.state == DagRunState.FAILED
    assert waiting(database, night) == []


def test_a_batch_that_is_open_is_left_alone(bag: DagBag, night: str, database: Database) -> None:
    with database.transaction("emotion_score") as connection:
        model_version_id = batches.batch_by_key(connection, night).model_version_id
        batch = batches.open_batch(
            connection,
            run_key=f"open after {night}",
            source=f"open {night}",
            model_version_id=model_version_id,
        )
        batches.enter_files(connection, batch, make_arrivals(1, night), plans=True)

    result = run(bag, reason="unreadable_file", batch=f"open after {night}")

    assert result.state == DagRunState.FAILED
