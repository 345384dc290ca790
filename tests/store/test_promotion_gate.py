"""The gate: what a candidate must show against the champion, and what nobody can claim."""

import pytest
from asking import ask, ask_one
from promotions import gate_of, make_champion, make_rival, make_shared_labels, move
from scipy.stats import binomtest

from emotion_core.errors import StoreError
from emotion_core.store import gates
from emotion_core.store.database import Database
from emotion_core.store.models import ModelVersion

TASK_ROLES = ("emotion_train", "emotion_score", "emotion_report", "emotion_erase")


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
    statement = f"SELECT mcnemar_p({only_candidate}, {only_champion})"
    found = ask_one(owner, statement, role="emotion_owner")

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
    (told,) = ask(
        database,
        "SELECT asked_for, attempt FROM promotion_check WHERE gate = :gate "
        "AND figure LIKE 'better%'",
        gate=made[3].id,
    )
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

    (told,) = ask(
        database,
        "INSERT INTO promotion_gate (model_version_id, champion_id, golden, golden_detail, alpha, "
        f"minimum_images, count_images, asked_by, {lie}) "
        f"SELECT {rivals['mixed'].id}, champion_id, golden, golden_detail, alpha, "
        f"minimum_images, count_images, asked_by, {lie} FROM promotion_gate WHERE id = :id "
        "RETURNING attempt, better_below",
        role="emotion_train",
        id=gate.id,
    )

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
