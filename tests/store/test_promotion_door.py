"""The database's own door to the champion: every way around it, as every role."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from asking import ask
from factories import make_model
from promotions import champion_of, forget_champion, gate_of, make_champion, move, roll_back
from sqlalchemy.exc import DBAPIError, ProgrammingError

from emotion_core.errors import PromotionRefusedError, StoreError
from emotion_core.store import aliases, gates, models
from emotion_core.store.database import Database
from emotion_core.store.models import ModelVersion

TASK_ROLES = ("emotion_train", "emotion_score", "emotion_report", "emotion_erase")


def test_only_what_passed_the_gate_becomes_champion(
    database: Database, rivals: dict[str, ModelVersion]
) -> None:
    refused = gate_of(database, rivals["equal"])
    passed = gate_of(database, rivals["better"])

    with pytest.raises(PromotionRefusedError, match="did not pass the gate"):
        move(database, refused)
    move(database, passed)

    assert champion_of(database) == rivals["better"].name


def test_an_override_is_recorded_as_one_and_cannot_pass_a_model_that_changed(
    database: Database, rivals: dict[str, ModelVersion]
) -> None:
    broken = gate_of(database, rivals["better"], golden="failed", golden_detail="off by 0.4")
    refused = gate_of(database, rivals["worse"])

    with pytest.raises(PromotionRefusedError, match="no longer gives its own answers"):
        move(database, broken, is_override=True)
    move(database, refused, is_override=True)

    with database.transaction("emotion_report") as connection:
        newest = aliases.alias_changes(connection, 1)[0]
    assert (newest.kind, newest.to_model) == ("override", rivals["worse"].name)
    assert (newest.from_model, newest.changed_by) == (rivals["champion"].name, "who")


def test_a_gate_serves_once_and_only_against_the_champion_it_was_held_against(
    database: Database, rivals: dict[str, ModelVersion]
) -> None:
    first = gate_of(database, rivals["better"])
    second = gate_of(database, rivals["in affect"])
    move(database, first)

    with pytest.raises(StoreError, match="moved by somebody else"):
        move(database, second)
    roll_back(database)
    with pytest.raises(PromotionRefusedError, match="duplicate key"):
        move(database, first)

    assert champion_of(database) == rivals["champion"].name


def test_a_gate_of_last_week_is_too_old(
    database: Database, owner: Database, rivals: dict[str, ModelVersion]
) -> None:
    gate = gate_of(database, rivals["better"])
    for statement in (
        "ALTER TABLE promotion_gate DISABLE TRIGGER USER",
        f"UPDATE promotion_gate SET checked_at = now() - interval '8 days' WHERE id = {gate.id}",
        "ALTER TABLE promotion_gate ENABLE TRIGGER USER",
    ):
        ask(owner, statement, role="emotion_owner")

    with pytest.raises(PromotionRefusedError, match="older than seven days"):
        move(database, gate)


STATEMENTS = {
    "point the alias elsewhere": "UPDATE model_alias SET model_version_id = :id",
    "make the alias anew": "INSERT INTO model_alias VALUES ('champion', :id) "
    "ON CONFLICT (alias) DO UPDATE SET model_version_id = excluded.model_version_id",
    "take the alias away": "DELETE FROM model_alias WHERE alias = 'champion' AND 0 < :id",
    "write the history": "INSERT INTO model_alias_change "
    "(alias, from_id, to_id, kind, reason, changed_by) "
    "SELECT 'champion', model_version_id, :id, 'ungated', 'because', 'me' FROM model_alias",
    "rewrite the history": "UPDATE model_alias_change SET to_id = :id WHERE alias = 'champion'",
    "rewrite a gate": "UPDATE promotion_gate SET golden = 'passed' WHERE 0 < :id",
    "call the door without a gate": "SELECT move_alias('champion', "
    "(SELECT model_version_id FROM model_alias WHERE alias = 'champion'), :id, "
    "'promotion', NULL, NULL, 'because', 'me')",
    "call it a rollback": "SELECT move_alias('champion', "
    "(SELECT model_version_id FROM model_alias WHERE alias = 'champion'), :id, "
    "'rollback', NULL, NULL, 'because', 'me')",
}


@pytest.fixture(scope="module")
def outsider(urls: dict[str, str]) -> ModelVersion:
    """A model that never passed a gate, beside a champion."""
    opened = Database(urls["emotion_app"])
    with opened.transaction("emotion_train") as connection:
        make_champion(connection, make_model(connection))
        made = make_model(connection)
    opened.close()
    return made


@pytest.mark.parametrize("role", (*TASK_ROLES, "emotion_owner", "emotion_analyst"))
@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS.keys())
def test_no_statement_of_any_role_goes_around_the_door(
    urls: dict[str, str],
    database: Database,
    outsider: ModelVersion,
    role: str,
    statement: str,
) -> None:
    login = {"emotion_owner": "emotion_migrate", "emotion_analyst": "emotion_analyst"}.get(
        role, "emotion_app"
    )
    intruder = Database(urls[login])
    before = champion_of(database)

    with pytest.raises((DBAPIError, ProgrammingError)):
        ask(intruder, statement, role=None if role == login else role, id=outsider.id)
    intruder.close()

    assert champion_of(database) == before != outsider.name


def test_a_rollback_goes_back_one_promotion_each_time_and_never_forth(
    urls: dict[str, str], database: Database
) -> None:
    forget_champion(urls)
    with database.transaction("emotion_train") as connection:
        made = [make_model(connection) for _ in range(3)]
        for model in made:
            make_champion(connection, model)

    assert [roll_back(database), roll_back(database)] == [made[1].name, made[0].name]
    with pytest.raises(PromotionRefusedError):
        roll_back(database)
    with database.transaction("emotion_report") as connection:
        kinds = [change.kind for change in aliases.alias_changes(connection, 5)]
    assert kinds == ["rollback", "rollback", "override", "override", "override"]


def test_a_challenger_that_becomes_champion_challenges_no_more(database: Database) -> None:
    with database.transaction("emotion_train") as connection:
        model = make_model(connection)
        before = models.current_model(connection, "challenger")
        aliases.move_challenger(
            connection,
            from_id=before.id if before else None,
            to_id=model.id,
            reason="to be seen",
            changed_by="who",
        )
        make_champion(connection, model)

    with database.transaction("emotion_report") as connection:
        assert models.current_model(connection, "challenger") is None
        newest = aliases.alias_changes(connection, 1)[0]
    assert (newest.alias, newest.kind, newest.to_model) == ("challenger", "withdrawal", None)


def test_of_two_who_promote_at_once_one_is_told_that_he_came_too_late(
    database: Database, rivals: dict[str, ModelVersion]
) -> None:
    chosen = [gate_of(database, rivals[name]) for name in ("better", "in affect")]
    start = Barrier(2)

    def promote(gate: gates.Gate) -> str:
        start.wait()
        try:
            move(database, gate)
        except StoreError as late:
            return str(late)
        return gate.candidate

    with ThreadPoolExecutor(2) as people:
        answers = list(people.map(promote, chosen))

    (winner,) = [answer for answer in answers if "moved by somebody else" not in answer]
    assert champion_of(database) == winner
