"""A night's readings: what each says, and when it is an alarm."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from emotion_core.scoring.health import Limits, Night, Pulse, Reading, Scored, readings_of

QUIET = Pulse(datetime(2026, 11, 20, 3, tzinfo=UTC), 4.0, 0, 0.0)
NOTHING = Scored(np.empty((0, 8)), np.empty((0, 2)))


def scored(counts: list[int], confidence: float = 0.8, valence: float = 0.1) -> Scored:
    """So many images of each expression, all equally sure."""
    called = np.repeat(np.arange(8), counts)
    probabilities = np.full((len(called), 8), (1 - confidence) / 7)
    probabilities[np.arange(len(called)), called] = confidence
    spread = np.linspace(-0.3, 0.3, len(called)) if len(called) else np.empty(0)
    return Scored(probabilities, np.stack([valence + spread, spread], axis=1))


NIGHT = Night(
    run_key="scheduled__20",
    model="resnet50 v1",
    scored=scored([50] * 8),
    validation=scored([100] * 8),
    recent=scored([300] * 8),
    count_found=410,
    count_refused=10,
    calibration_error=0.02,
    validation_accuracy=(0.8, 0.77),
)


def found(night: Night | None, pulse: Pulse = QUIET) -> dict[tuple[str, str], Reading]:
    return {(r.measure, r.against): r for r in readings_of(night, pulse, Limits())}


def test_a_night_like_its_references_is_fine_in_every_measure() -> None:
    readings = found(NIGHT)

    assert len(readings) == 12
    assert {reading.status for reading in readings.values()} == {"fine"}


def test_another_mix_alarms_against_what_it_differs_from_and_says_in_what() -> None:
    readings = found(replace(NIGHT, scored=scored([190, 30, 30, 30, 30, 30, 30, 30])))

    for against in ("validation", "recent nights"):
        for measure in ("psi_expression", "js_expression"):
            reading = readings[measure, against]
            assert reading.status == "alarm"
            assert "Neutral is 48% of the images, 12% there" in reading.sentence
    assert readings["ks_valence", "validation"].status == "fine"


def test_another_mean_valence_alarms_in_valence_alone() -> None:
    readings = found(replace(NIGHT, scored=scored([50] * 8, valence=0.4)))

    alarms = {key for key, reading in readings.items() if reading.status == "alarm"}

    assert alarms == {("ks_valence", "validation"), ("ks_valence", "recent nights")}
    assert "+0.40, +0.10 there" in readings["ks_valence", "validation"].sentence


def test_a_night_of_no_images_says_so_and_alarms_of_nothing() -> None:
    readings = found(replace(NIGHT, scored=NOTHING, recent=NOTHING, count_found=0, count_refused=0))

    assert {reading.status for reading in readings.values()} == {
        "fine",
        "too few",
        "no reference",
    }
    assert readings["psi_expression", "validation"].status == "too few"
    assert readings["psi_expression", "recent nights"].status == "no reference"
    assert readings["expected_accuracy", "validation"].status == "too few"
    assert readings["refused_share", "limit"].status == "too few"


def test_before_the_first_night_freshness_and_backlog_are_told_alone() -> None:
    readings = found(None, Pulse(None, None, 0, 0.0))

    assert {key: reading.status for key, reading in readings.items()} == {
        ("freshness_hours", "limit"): "no reference",
        ("backlog_hours", "limit"): "fine",
    }


def test_expected_accuracy_is_the_mean_calibrated_confidence_with_its_interval() -> None:
    reading = found(NIGHT)["expected_accuracy", "validation"]

    half = 1.96 * np.sqrt(0.8 * 0.2 / 400) + 0.02
    assert reading.value == pytest.approx(0.8)
    assert (reading.low, reading.high) == (pytest.approx(0.8 - half), pytest.approx(0.8 + half))


@pytest.mark.parametrize(("confidence", "status"), [(0.76, "fine"), (0.6, "alarm")])
def test_a_clear_loss_of_expected_accuracy_is_an_alarm_and_a_small_one_is_not(
    confidence: float, status: str
) -> None:
    readings = found(replace(NIGHT, scored=scored([50] * 8, confidence)))

    assert readings["expected_accuracy", "validation"].status == status


def test_without_a_calibration_no_accuracy_is_expected() -> None:
    readings = found(replace(NIGHT, calibration_error=None))

    assert readings["expected_accuracy", "validation"].status == "no reference"


@pytest.mark.parametrize(
    ("count_found", "count_refused", "status"),
    [(9, 9, "too few"), (20, 6, "fine"), (20, 12, "alarm"), (1000, 230, "alarm")],
)
def test_a_share_of_refused_files_alarms_when_it_is_surely_over_the_limit(
    count_found: int, count_refused: int, status: str
) -> None:
    night = replace(NIGHT, count_found=count_found, count_refused=count_refused)

    assert found(night)["refused_share", "limit"].status == status


def test_old_predictions_and_long_waits_are_alarms() -> None:
    pulse = Pulse(datetime(2026, 11, 18, tzinfo=UTC), 50.0, 1_234, 13.0)

    readings = found(NIGHT, pulse)

    assert readings["freshness_hours", "limit"].status == "alarm"
    assert readings["backlog_hours", "limit"].status == "alarm"
    assert "1,234 images wait for a worker" in readings["backlog_hours", "limit"].sentence


def test_operations_say_what_each_alert_means_and_what_to_do() -> None:
    page = (Path(__file__).parents[2] / "docs" / "deploy" / "operations.md").read_text(
        encoding="utf-8"
    )
    section = page.split("## Alerts")[1].split("\n## ")[0]

    rows = re.findall(r"^\| (`[a-z_`, ]+`) \| (.+) \| (.+) \|$", section, re.MULTILINE)

    told = [name for names, _, _ in rows for name in re.findall(r"`(\w+)`", names)]
    assert sorted(told) == sorted({measure for measure, _ in found(NIGHT)})
    assert min(len(text) for row in rows for text in row[1:]) > 5
