"""What a network's confidence is worth, from its validation predictions."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from comparison_factory import MADE_AT, make_run_facts, make_validation_images

from emotion_core.comparison.compared_run import RunFacts
from emotion_core.comparison.comparison import compare
from emotion_core.comparison.confidence import Confidence, confidence_of
from emotion_core.emotions import PROBABILITY_COLUMNS
from emotion_core.pages.comparison_report import render_comparison
from emotion_core.statistics.calibration import Calibration
from emotion_core.statistics.predictions import Evaluation


def facts_that_say(confidence: float, count_right: int) -> RunFacts:
    """80 images, each answered with this confidence, the first ``count_right`` rightly."""
    facts = make_run_facts(images=make_validation_images(80))
    predictions = Evaluation.from_frame(facts.predictions)
    frame = facts.predictions.sort_values("sample_id").reset_index(drop=True)
    frame[list(PROBABILITY_COLUMNS)] = (1 - confidence) / 7
    for row, truth in enumerate(predictions.truth):
        said = truth if row < count_right else (truth + 1) % 8
        frame.loc[row, PROBABILITY_COLUMNS[said]] = confidence
    return dataclasses.replace(facts, predictions=frame)


def confidence_in(facts: RunFacts) -> Confidence:
    return confidence_of(Evaluation.from_frame(facts.predictions), None)


def test_the_error_is_the_distance_of_the_bins_from_the_truth() -> None:
    found = confidence_in(facts_that_say(0.9, 40))

    assert [(b.count, b.accuracy) for b in found.bins] == [(80, 0.5)]
    assert found.bins[0].confidence == pytest.approx(0.9)
    assert found.ece == pytest.approx(0.4)
    assert found.risk_coverage == ((1.0, 0.5),)


@pytest.mark.parametrize(
    ("confidence", "count_right", "words"),
    [(0.9, 40, "overconfident"), (0.3, 60, "underconfident"), (0.5, 40, "well calibrated")],
)
def test_one_sentence_says_whether_it_can_be_trusted(
    confidence: float, count_right: int, words: str
) -> None:
    assert words in confidence_in(facts_that_say(confidence, count_right)).sentence


def test_a_network_that_is_right_as_often_as_it_says_is_seldom_called_anything_else() -> None:
    alarms = 0
    for seed in range(60):
        facts = make_run_facts(images=make_validation_images(152), seed=seed + 1)
        rows = facts.predictions[list(PROBABILITY_COLUMNS)].to_numpy()
        drawn = np.random.default_rng(seed).random((152, 1))
        truth = (rows.cumsum(axis=1) < drawn).sum(axis=1)
        found = confidence_in(
            dataclasses.replace(facts, predictions=facts.predictions.assign(expression=truth))
        )
        assert 0.03 < found.ece_of_calibrated < found.ece_limit < 0.2
        alarms += "confident" in found.sentence

    assert alarms <= 8


def test_copies_raise_what_a_calibrated_network_may_show() -> None:
    facts = facts_that_say(0.6, 40)
    once = confidence_in(facts)
    copies = facts.predictions.assign(sha256="ab" * 32)

    assert confidence_in(dataclasses.replace(facts, predictions=copies)).ece_limit > 3 * (
        once.ece_limit
    )


def test_all_images_kept_are_wrong_as_often_as_the_accuracy_says() -> None:
    found = confidence_in(make_run_facts())

    assert found.risk_coverage[-1] == (1.0, pytest.approx(1 - found.accuracy))
    assert sum(b.count for b in found.bins) == 600


def test_the_page_names_the_recorded_temperature_or_says_that_there_is_none(tmp_path: Path) -> None:
    facts = make_run_facts(images=make_validation_images(80))
    with_it = dataclasses.replace(facts, calibration=Calibration(1.37, 0.211, 0.052, 80))

    shown = render_comparison(compare([with_it], MADE_AT), tmp_path / "a").read_text("utf-8")
    missing = render_comparison(compare([facts], MADE_AT), tmp_path / "b").read_text("utf-8")

    assert ".211, and .052 once its logits are divided by the temperature 1.37" in shown
    assert "no calibration was recorded" in missing
    assert "a calibrated network shows" in shown


def test_a_temperature_that_was_not_better_is_not_told_as_one(tmp_path: Path) -> None:
    facts = make_run_facts(images=make_validation_images(80))
    kept = dataclasses.replace(facts, calibration=Calibration(1.0, 0.053, 0.053, 80))

    page = render_comparison(compare([kept], MADE_AT), tmp_path).read_text("utf-8")

    assert "no temperature was better on images that it was not fitted on" in page
