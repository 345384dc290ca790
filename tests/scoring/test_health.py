"""A night's measurements: what each says, and when it is an alarm."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emotion_core.scoring.health import (
    CheckedNight,
    Limits,
    Measurement,
    QueueState,
    Scored,
    measurements,
)
from emotion_core.store.health import LatestNight

QUIET = QueueState(datetime(2026, 11, 20, 3, tzinfo=UTC), 4.0, 0, 0.0)
NOTHING = Scored(np.empty((0, 8)), np.empty((0, 2)))


def scored(counts: list[int], confidence: float = 0.8, valence: float = 0.1) -> Scored:
    """So many images of each expression, all equally sure."""
    called = np.repeat(np.arange(8), counts)
    probabilities = np.full((len(called), 8), (1 - confidence) / 7)
    probabilities[np.arange(len(called)), called] = confidence
    spread = np.linspace(-0.3, 0.3, len(called)) if len(called) else np.empty(0)
    return Scored(probabilities, np.stack([valence + spread, spread], axis=1))


NIGHT = CheckedNight(
    LatestNight(1, "scheduled__20", 1, "resnet50 v1", 1, 410, 10, 0.02, 0.8, 0.77),
    scored=scored([50] * 8),
    validation=scored([100] * 8),
    recent=scored([300] * 8),
)


def of_batch(night: CheckedNight = NIGHT, **changes: Any) -> CheckedNight:
    return replace(night, batch=replace(night.batch, **changes))


def found(
    night: CheckedNight | None, queue: QueueState = QUIET
) -> dict[tuple[str, str], Measurement]:
    return {(r.measure, r.against): r for r in measurements(night, queue, Limits())}


def test_a_night_like_its_references_is_fine_in_every_measure() -> None:
    measured = found(NIGHT)

    assert len(measured) == 12
    assert {measurement.status for measurement in measured.values()} == {"fine"}


def test_another_mix_alarms_against_what_it_differs_from_and_says_in_what() -> None:
    measured = found(replace(NIGHT, scored=scored([190, 30, 30, 30, 30, 30, 30, 30])))

    for against in ("validation", "recent nights"):
        for measure in ("psi_expression", "js_expression"):
            measurement = measured[measure, against]
            assert measurement.status == "alarm"
            assert "Neutral is 48% of the images, 12% there" in measurement.sentence
    assert measured["ks_valence", "validation"].status == "fine"


def test_another_mean_valence_alarms_in_valence_alone() -> None:
    measured = found(replace(NIGHT, scored=scored([50] * 8, valence=0.4)))

    alarms = {key for key, measurement in measured.items() if measurement.status == "alarm"}

    assert alarms == {("ks_valence", "validation"), ("ks_valence", "recent nights")}
    assert "+0.40, +0.10 there" in measured["ks_valence", "validation"].sentence


def test_a_night_of_no_images_says_so_and_alarms_of_nothing() -> None:
    measured = found(
        of_batch(replace(NIGHT, scored=NOTHING, recent=NOTHING), count_found=0, count_refused=0)
    )

    assert {measurement.status for measurement in measured.values()} == {
        "fine",
        "too few",
        "no reference",
    }
    assert measured["psi_expression", "validation"].status == "too few"
    assert measured["psi_expression", "recent nights"].status == "no reference"
    assert measured["expected_accuracy", "validation"].status == "too few"
    assert measured["refused_share", "limit"].status == "too few"


def test_before_the_first_night_freshness_and_backlog_are_told_alone() -> None:
    measured = found(None, QueueState(None, None, 0, 0.0))

    assert {key: measurement.status for key, measurement in measured.items()} == {
        ("freshness_hours", "limit"): "no reference",
        ("backlog_hours", "limit"): "fine",
    }


def test_expected_accuracy_is_the_mean_calibrated_confidence_with_its_interval() -> None:
    measurement = found(NIGHT)["expected_accuracy", "validation"]

    half = 1.96 * np.sqrt(0.8 * 0.2 / 400) + 0.02
    assert measurement.value == pytest.approx(0.8)
    assert (measurement.low, measurement.high) == (
        pytest.approx(0.8 - half),
        pytest.approx(0.8 + half),
    )


@pytest.mark.parametrize(("confidence", "status"), [(0.76, "fine"), (0.6, "alarm")])
def test_a_clear_loss_of_expected_accuracy_is_an_alarm_and_a_small_one_is_not(
    confidence: float, status: str
) -> None:
    measured = found(replace(NIGHT, scored=scored([50] * 8, confidence)))

    assert measured["expected_accuracy", "validation"].status == status


def test_without_a_calibration_no_accuracy_is_expected() -> None:
    measured = found(of_batch(ece_after=None))

    assert measured["expected_accuracy", "validation"].status == "no reference"


@pytest.mark.parametrize(
    ("count_found", "count_refused", "status"),
    [(9, 9, "too few"), (20, 6, "fine"), (20, 12, "alarm"), (1000, 230, "alarm")],
)
def test_a_share_of_refused_files_alarms_when_it_is_surely_over_the_limit(
    count_found: int, count_refused: int, status: str
) -> None:
    night = of_batch(count_found=count_found, count_refused=count_refused)

    assert found(night)["refused_share", "limit"].status == status


def test_old_predictions_and_long_waits_are_alarms() -> None:
    queue = QueueState(datetime(2026, 11, 18, tzinfo=UTC), 50.0, 1_234, 13.0)

    measured = found(NIGHT, queue)

    assert measured["freshness_hours", "limit"].status == "alarm"
    assert measured["backlog_hours", "limit"].status == "alarm"
    assert "1,234 images wait for a worker" in measured["backlog_hours", "limit"].sentence


def test_operations_say_what_each_alert_means_and_what_to_do() -> None:
    page = (Path(__file__).parents[2] / "docs" / "deploy" / "operations.md").read_text(
        encoding="utf-8"
    )
    section = page.split("## Alerts")[1].split("\n## ")[0]

    rows = re.findall(r"^\| (`[a-z_`, ]+`) \| (.+) \| (.+) \|$", section, re.MULTILINE)

    told = [name for names, _, _ in rows for name in re.findall(r"`(\w+)`", names)]
    assert sorted(told) == sorted({measure for measure, _ in found(NIGHT)})
    assert min(len(text) for row in rows for text in row[1:]) > 5
