"""The database's own door to the champion: every way around it, as every role."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from threading import Barrier

import pytest
from factories import make_model
from promotions import forget_champion, make_champion, make_rival, make_shared_labels, record_gate
from scipy.stats import binomtest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from emotion_core.comparison.gate import paired_figures
from emotion_core.errors import PromotionRefusedError, StoreError
from emotion_core.store import aliases, gates, models
from emotion_core.store.database import Database
from emotion_core.store.models import ModelVersion

PASSES = {"golden": "passed", "golden_detail": "the golden outputs came back"}
TASK_ROLES = ("emotion_train", "emotion_score", "emotion_report", "emotion_erase")


@pytest.fixture
def owner(urls: dict[str, str]) -> Iterator[Database]:
    opened = Database(urls["emotion_migrate"])
    yield opened
    opened.close()


@pytest.fixture
def rivals(database: Database) -> dict[str, ModelVersion]:
    """A champion that is right half of the time, and models around it on the same images."""
    labels = make_shared_labels()
    with database.transaction("emotion_train") as connection:
        made = {
            "champion": make_rival(connection, labels, share_right=0.5),
            "better": make_rival(connection, labels, share_right=0.7),
            "equal": make_rival(connection, labels, share_right=0.51),
            "worse": make_rival(connection, labels, share_right=0.3),
            "mixed": make_rival(connection, labels, share_right=0.7, noise=0.6),
            "in affect": make_rival(connection, labels, share_right=0.5, noise=0.05),
            "uncalibrated": make_rival(connection, labels, share_right=0.7, is_calibrated=False),
        }
        make_champion(connection, made["champion"])
    return made


def gate_of(database: Database, candidate: ModelVersion, **facts: object) -> gates.Gate:
    """The gate as the steps record it, with everything but the figures in order."""
    with database.transaction("emotion_train") as connection:
        champion = models.current_model(connection)
        assert champion is not None
        both = gates.held_out_by_both(connection, candidate.id, champion.id)
        figures = asdict(paired_figures(*both))
        return record_gate(connection, candidate, **{**figures, **PASSES, **facts})


def champion_of(database: Database) -> str:
    with database.transaction("emotion_report") as connection:
        champion = models.current_model(connection)
    assert champion is not None
    return champion.name


def move(database: Database, gate: gates.Gate, *, is_override: bool = False) -> None:
    with database.transaction("emotion_train") as connection:
        aliases.move_champion(
            connection, gate, is_override=is_override, reason="why", changed_by="who"
        )


@pytest.mark.parametrize(
    ("name", "is_passed"),
    [
        ("better", True),
        ("in affect", True),
        ("equal", False),
        ("worse", False),
        ("mixed", False),
        ("uncalibrated", False),
    ],
)
def test_the_databases_verdict_is_the_reasons_that_are_given(
    database: Database, rivals: dict[str, ModelVersion], name: str, is_passed: bool
) -> None:
    gate = gate_of(database, rivals[name])

    assert gate.is_passed is is_passed
    assert all(figure.is_passed for figure in gate.figures) is is_passed
    assert ("Not passed" in gate.verdict) is not is_passed
    assert (gate.count_images, gate.minimum_images) == (240, 100)


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
    with database.transaction("emotion_train") as connection:
        undoable = aliases.change_to_undo(connection)
        assert undoable is not None
        aliases.roll_back_champion(connection, undoable, reason="r", changed_by="w")
    with pytest.raises(PromotionRefusedError, match="duplicate key"):
        move(database, first)

    assert champion_of(database) == rivals["champion"].name


def test_a_gate_of_last_week_is_too_old(
    database: Database, owner: Database, rivals: dict[str, ModelVersion]
) -> None:
    gate = gate_of(database, rivals["better"])
    with owner.transaction("emotion_owner") as connection:
        connection.execute(text("ALTER TABLE promotion_gate DISABLE TRIGGER USER"))
        connection.execute(
            text("UPDATE promotion_gate SET checked_at = now() - interval '8 days' WHERE id = :id"),
            {"id": gate.id},
        )
        connection.execute(text("ALTER TABLE promotion_gate ENABLE TRIGGER USER"))

    with pytest.raises(PromotionRefusedError, match="older than seven days"):
        move(database, gate)


@pytest.mark.parametrize(
    "lie",
    [
        {"count_images": 5000},
        {"only_candidate": 200},
        {"accuracy_p": 1e-9},
        {"ccc_candidate": 0.99},
    ],
)
def test_a_gate_cannot_claim_what_the_stored_predictions_do_not_say(
    database: Database, rivals: dict[str, ModelVersion], lie: dict[str, float]
) -> None:
    with pytest.raises(StoreError, match="not those of the stored predictions"):
        gate_of(database, rivals["equal"], **lie)


@pytest.mark.parametrize(
    ("only_candidate", "only_champion", "p"),
    [
        (60_000, 59_000, 0.00378),
        (538, 537, 1.0),
        (600, 475, 0.000153),
        (500_500, 499_500, 0.318),
        (3, 9, 0.146),
        (0, 1, 1.0),
        (0, 0, 1.0),
        (1_075, 0, 0.0),
        (0, 1_000_000, 0.0),
    ],
)
def test_mcnemars_test_is_exact_however_many_images_there_are(
    owner: Database, only_candidate: int, only_champion: int, p: float
) -> None:
    with owner.transaction("emotion_owner") as connection:
        found = connection.execute(
            text("SELECT mcnemar_p(:first, :second)"),
            {"first": only_candidate, "second": only_champion},
        ).scalar_one()

    tosses = only_candidate + only_champion
    exact = binomtest(only_candidate, tosses).pvalue if tosses else 1.0
    assert found == pytest.approx(exact, rel=1e-6, abs=1e-300)
    assert found == pytest.approx(p, rel=2e-3)


def test_a_gate_over_more_images_than_a_double_has_halvings_is_kept_and_decides(
    database: Database,
) -> None:
    labels = make_shared_labels(2_600)
    with database.transaction("emotion_train") as connection:
        shares = {"champion": 0.5, "useless": 0.0, "better": 0.9}
        made = {
            name: make_rival(connection, labels, share_right=share)
            for name, share in shares.items()
        }
        make_champion(connection, made["champion"])
    move(database, gate_of(database, made["useless"]), is_override=True)

    gate = gate_of(database, made["better"])

    assert (gate.only_candidate, gate.only_champion, gate.accuracy_p) == (1_170, 0, 0.0)
    assert gate.is_passed


def test_byte_identical_samples_are_one_toss(database: Database) -> None:
    # Held out are 60 copies of one image, two copies of another under two labels, 138 distinct.
    labels = make_shared_labels(400)
    held_out = labels.index[200:]
    labels.loc[held_out[:60], "sha256"] = labels.loc[held_out[0], "sha256"]
    labels.loc[held_out[60:62], "sha256"] = labels.loc[held_out[60], "sha256"]
    labels.loc[held_out, "sample_id"] = [f"s{n:03d}" for n in range(200)]
    with database.transaction("emotion_train") as connection:
        champion = make_rival(connection, labels, share_right=0.0)
        lucky = make_rival(connection, labels, share_right=61 / 200)
        make_champion(connection, champion)

    gate = gate_of(database, lucky)

    # Of the other pair each model has one label right: the champion the second, which follows the
    # first in the order of the expressions.
    assert (gate.count_images, gate.only_candidate, gate.only_champion) == (140, 1, 0)
    assert gate.accuracy_p == 1.0
    assert not gate.is_passed


def test_each_further_candidate_against_a_champion_must_show_more(
    database: Database, rivals: dict[str, ModelVersion]
) -> None:
    names = ("equal", "worse", "equal", "mixed", "better", "equal")
    made = [gate_of(database, rivals[name]) for name in names]

    assert [gate.attempt for gate in made] == [1, 2, 1, 3, 4, 1]
    assert [gate.better_below for gate in made] == pytest.approx(
        [0.05 / (k * (k + 1)) for k in (1, 2, 1, 3, 4, 1)]
    )
    # Over any number of attempts the chances of being taken for better add up to alpha.
    assert sum(0.05 / (k * (k + 1)) for k in range(1, 100_000)) <= 0.05
    required = "p below 0.0025 in one of them: 0.05 / (4 × 5), candidate 4 against this champion"
    assert required in made[4].verdict
    with database.transaction("emotion_report") as connection:
        told = connection.execute(
            text(
                "SELECT asked_for, attempt FROM promotion_check WHERE gate = :gate "
                "AND figure LIKE 'better%'"
            ),
            {"gate": made[3].id},
        ).one()
    assert told == (
        "p below 0.00417 in one of them: 0.05 / (3 × 4), candidate 3 against this champion",
        3,
    )

    move(database, made[4])
    assert gate_of(database, rivals["in affect"]).attempt == 1
    assert gate_of(database, rivals["equal"]).attempt == 2


def test_a_candidate_that_was_compared_on_no_image_is_no_attempt(
    database: Database, rivals: dict[str, ModelVersion]
) -> None:
    with database.transaction("emotion_train") as connection:
        strangers = [make_rival(connection, make_shared_labels(), share_right=1) for _ in range(2)]

    assert [gate_of(database, stranger).attempt for stranger in strangers] == [1, 1]
    assert gate_of(database, rivals["equal"]).attempt == 1


@pytest.mark.parametrize("lie", ["attempt", "better_below"])
def test_nobody_can_write_how_manieth_his_attempt_is(
    database: Database, rivals: dict[str, ModelVersion], lie: str
) -> None:
    for name in ("worse", "equal"):
        gate = gate_of(database, rivals[name])

    with database.transaction("emotion_train") as connection:
        told = connection.execute(
            text(
                "INSERT INTO promotion_gate "
                "(model_version_id, champion_id, golden, golden_detail, "
                f"alpha, minimum_images, count_images, asked_by, {lie}) "
                f"SELECT {rivals['mixed'].id}, champion_id, golden, golden_detail, alpha, "
                f"minimum_images, count_images, asked_by, {lie} FROM promotion_gate WHERE id = :id "
                "RETURNING attempt, better_below"
            ),
            {"id": gate.id},
        ).one()

    assert told == (3, pytest.approx(0.05 / 12))


@pytest.mark.parametrize("alpha", [0.0, 0.9])
def test_a_limit_that_lets_everything_through_is_refused(
    database: Database, rivals: dict[str, ModelVersion], alpha: float
) -> None:
    with pytest.raises(StoreError, match="alpha"):
        gate_of(database, rivals["equal"], alpha=alpha)


def test_images_that_one_of_the_two_was_trained_on_are_not_compared(
    database: Database, rivals: dict[str, ModelVersion]
) -> None:
    labels = make_shared_labels(400)
    # The other half is held out: what one was validated on, the other has learnt.
    turned = labels.iloc[list(range(200, 400)) + list(range(100)) + list(range(300, 400))]
    turned = turned.drop_duplicates("sample_id")
    with database.transaction("emotion_train") as connection:
        first = make_rival(connection, labels, share_right=0.5)
        second = make_rival(connection, turned, share_right=0.9)
        candidate, champion = gates.held_out_by_both(connection, second.id, first.id)

    held_out = set(labels["sha256"][200:]) & set(turned["sha256"][len(turned) // 2 :])
    assert set(candidate["sha256"]) == set(champion["sha256"]) == held_out
    assert not held_out & set(turned["sha256"][: len(turned) // 2])


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

    with (
        pytest.raises((DBAPIError, ProgrammingError)),
        intruder.connect() as connection,
        connection.begin(),
    ):
        if role != login:
            connection.execute(text(f"SET LOCAL ROLE {role}"))
        connection.execute(text(statement), {"id": outsider.id})
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

    def roll_back() -> str:
        with database.transaction("emotion_train") as connection:
            undoable = aliases.change_to_undo(connection)
            assert undoable is not None
            aliases.roll_back_champion(connection, undoable, reason="r", changed_by="w")
        return champion_of(database)

    assert [roll_back(), roll_back()] == [made[1].name, made[0].name]
    with pytest.raises(PromotionRefusedError):
        roll_back()
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
