"""Promotion and rollback through Airflow: the gate, a person's answer, the switch."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from dag_runs import deliver, events, states
from factories import make_jpeg, make_model
from rivals import Field
from sqlalchemy import text

from emotion_core.steps import promotion
from emotion_core.store.aliases import AliasChange, alias_changes
from emotion_core.store.batches import batch_summary, scored_files
from emotion_core.store.database import Database

# A person who never answers must not hold the tests for ever.
pytestmark = pytest.mark.timeout(240)
RunDag = Callable[..., Any]


@contextmanager
def answering(person: str, option: str) -> Iterator[list[str]]:
    """Somebody at Airflow's pages, who answers the next request; yields what they were shown."""
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from airflow.api_fastapi.core_api.datamodels.hitl import UpdateHITLDetailPayload
    from airflow.api_fastapi.core_api.routes.public.hitl import update_hitl_detail
    from airflow.models.hitl import HITLDetail

    shown: list[str] = []
    is_over = threading.Event()

    def answer() -> None:
        while not is_over.wait(0.5):
            with create_session() as session:
                for request in session.query(HITLDetail).filter_by(responded_at=None):
                    waiting = request.task_instance
                    if str(waiting.state) != "awaiting_input":
                        continue
                    shown.append(str(request.body))
                    update_hitl_detail(
                        dag_id=waiting.dag_id,
                        dag_run_id=waiting.run_id,
                        task_id=waiting.task_id,
                        update_hitl_detail_payload=UpdateHITLDetailPayload(chosen_options=[option]),
                        user=SimpleAuthManagerUser(username=person, role="op"),
                        session=session,
                    )

    somebody = threading.Thread(target=answer)
    somebody.start()
    try:
        yield shown
    finally:
        is_over.set()
        somebody.join()


@pytest.fixture
def newest(database: Database) -> Callable[[], AliasChange]:
    def look() -> AliasChange:
        with database.transaction("emotion_report") as connection:
            return alias_changes(connection, 1)[0]

    return look


def test_what_the_gate_lets_through_waits_for_a_person_whose_name_is_kept(
    run_dag: RunDag, field: Field, newest: Callable[[], AliasChange]
) -> None:
    form = {"model": field.better.name, "reason": "better", "rescore": True}

    with answering("grace", "Approve") as shown:
        result = run_dag("promote_model", **form)

    change = newest()
    assert result.state == DagRunState.SUCCESS
    assert "may become champion" in shown[0] and "accuracy 0.700 against 0.500" in shown[0]
    assert (change.kind, change.to_model) == ("promotion", field.better.name)
    assert (change.changed_by, change.reason) == ("grace", "better")
    assert states(result)["rescore"] == "success"
    assert events(result) == {"emotion_champion", "emotion_rescoring_wanted"}

    rolled = run_dag("roll_back_champion", reason="complaints")

    assert rolled.state == DagRunState.SUCCESS
    assert (newest().kind, newest().to_model) == ("rollback", field.champion.name)
    assert newest().reason == f"complaints ({rolled.run_id})"
    assert newest().changed_by == "dag_test", "who triggered it"


def test_a_person_who_rejects_leaves_the_champion_where_it_is(
    run_dag: RunDag, field: Field, newest: Callable[[], AliasChange]
) -> None:
    before = newest()

    with answering("grace", "Reject"):
        result = run_dag("promote_model", model=field.better.name, reason="better")

    assert states(result)["switch"] == "skipped"
    assert newest() == before


def test_a_model_that_falls_short_never_reaches_the_person(
    run_dag: RunDag, field: Field, newest: Callable[[], AliasChange]
) -> None:
    before = newest()

    with answering("grace", "Approve") as shown:
        result = run_dag("promote_model", model=field.equal.name, reason="hope")

    assert result.state == DagRunState.FAILED
    assert states(result)["check"] == "failed"
    assert shown == []
    assert newest() == before


def test_an_override_shows_the_approver_what_fell_short_and_carries_their_name(
    run_dag: RunDag, field: Field, newest: Callable[[], AliasChange]
) -> None:
    form = {
        "model": field.equal.name,
        "reason": "new licence",
        "override": "legal asked for it",
        "rescore": False,
    }

    with answering("grace", "Approve") as shown:
        result = run_dag("promote_model", **form)

    assert result.state == DagRunState.SUCCESS
    assert "may not become champion" in shown[0] and "Override: legal asked for it" in shown[0]
    assert (newest().kind, newest().changed_by) == ("override", "grace")
    assert states(result)["rescore"] == "skipped"


def test_a_challenger_scores_beside_the_champion_and_its_failure_is_not_the_nights(
    run_dag: RunDag, field: Field, database: Database, tmp_path: Path
) -> None:
    inbox = deliver(field.here.settings, "night", (10, 120, 200))
    promotion.challenge(field.here, field.better.name, reason="to be seen", changed_by="test")

    result = run_dag("score_new_images")

    assert result.state == DagRunState.SUCCESS
    assert states(result)["shadow"] == "success"
    with database.transaction("emotion_report") as connection:
        scored_by = connection.execute(
            text(
                "SELECT model_version.name FROM prediction "
                "JOIN model_version ON model_version.id = model_version_id "
                "WHERE model_version.id IN (:a, :b) ORDER BY model_version.id"
            ),
            {"a": field.champion.id, "b": field.better.id},
        ).scalars()
        assert list(scored_by) == [field.champion.name, field.better.name]

    (inbox / "b.jpg").write_bytes(make_jpeg((200, 10, 120)))
    with database.transaction("emotion_train") as connection:
        broken = make_model(connection, folder=tmp_path / "gone")
    promotion.challenge(field.here, broken.name, reason="to be seen", changed_by="test")

    result = run_dag("score_new_images")

    assert result.state == DagRunState.SUCCESS
    assert (states(result)["close"], states(result)["shadow"]) == ("success", "failed")
    with database.transaction("emotion_report") as connection:
        summary = batch_summary(connection, result.run_id)
    assert summary is not None and summary.is_closed and summary.count_done == 1


def test_the_archive_is_scored_again_through_its_dag(
    run_dag: RunDag, field: Field, database: Database
) -> None:
    deliver(field.here.settings, "archive", (90, 220, 20))
    assert run_dag("score_new_images").state == DagRunState.SUCCESS

    result = run_dag("rescore_archive", model=field.better.name, images_per_second=0)

    assert result.state == DagRunState.SUCCESS
    with database.transaction("emotion_report") as connection:
        whole = connection.execute(
            text("SELECT is_whole FROM rescoring_summary WHERE rescoring = :r"),
            {"r": result.run_id},
        ).scalar_one()
        files = scored_files(
            connection,
            source=str(field.here.settings.inbox_dir),
            only=None,
            model_version_id=field.better.id,
            limit=9,
        )
    assert whole
    assert [(file.file, file.expression is not None) for file in files] == [("archive/0.jpg", True)]
