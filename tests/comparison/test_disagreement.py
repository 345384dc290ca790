"""Single images: confident errors, the farthest predictions, and likely label errors."""

import numpy as np
import pandas as pd
import pytest
from comparison_factory import make_predictions, make_validation_images

from emotion_core.comparison.compared_run import DOUBT_COLUMNS
from emotion_core.comparison.disagreement import (
    SHOWN,
    disagreements,
    failures,
    likely_label_errors,
    misses,
)
from emotion_core.emotions import EXPRESSIONS, PROBABILITY_COLUMNS
from emotion_core.statistics.predictions import Evaluation

IMAGES = make_validation_images(120)
FRAMES = [make_predictions(IMAGES, skill=1.0, seed=seed) for seed in (1, 2)]
NO_DOUBTS = pd.DataFrame(columns=list(DOUBT_COLUMNS))


def say(frame: pd.DataFrame, place: int, expression: int, p: float) -> pd.DataFrame:
    """The network calls this image so, with this probability."""
    said = frame.copy()
    ratings = np.full(8, (1 - p) / 7)
    ratings[expression] = p
    said.loc[place, list(PROBABILITY_COLUMNS)] = ratings
    return said


def test_the_most_confident_error_stands_first_with_what_the_label_got() -> None:
    evaluation = Evaluation.from_frame(say(FRAMES[0], 8, 5, 0.9999))

    first, *rest = failures(evaluation)

    assert (first.sample_id, first.truth, first.predicted) == ("41", "Neutral", "Disgust")
    assert first.confidence == pytest.approx(0.9999)
    assert first.p_truth == pytest.approx(0.0001 / 7)
    assert len(rest) < SHOWN
    assert all(f.truth != f.predicted and f.confidence <= first.confidence for f in rest)


def test_the_farthest_answer_stands_first() -> None:
    frame = FRAMES[0].copy()
    frame.loc[3, ["valence", "arousal", "predicted_valence", "predicted_arousal"]] = [-1, -1, 1, 1]

    first = misses(Evaluation.from_frame(frame))[0]

    assert first.sample_id == "16"
    assert first.distance == pytest.approx(8**0.5)


def test_networks_disagree_where_each_is_sure_of_something_else() -> None:
    one, other = say(FRAMES[0], 16, 1, 0.97), say(FRAMES[1], 16, 4, 0.98)

    found = disagreements([Evaluation.from_frame(one), Evaluation.from_frame(other)])

    first = found[0]
    assert (first.sample_id, first.truth) == ("81", "Neutral")
    assert [call.expression for call in first.calls] == ["Happy", "Fear"]
    assert first.least_confidence == pytest.approx(0.97)
    assert not any(call.is_right for call in first.calls)


def test_one_network_disagrees_with_nobody_and_doubts_nothing() -> None:
    evaluation = Evaluation.from_frame(FRAMES[0])

    assert disagreements([evaluation]) == ()
    assert likely_label_errors([evaluation], NO_DOUBTS) == ()


def test_a_label_that_every_network_contradicts_alike_is_doubted_after_recorded_doubts() -> None:
    evaluations = [Evaluation.from_frame(say(frame, 24, 6, 0.96)) for frame in FRAMES]
    recorded = pd.DataFrame([("9", "Sad", "Fear", 0.1, 0.8, "a night")], columns=DOUBT_COLUMNS)

    first, second, *_ = likely_label_errors(evaluations, recorded)

    assert (first.sample_id, first.found_by) == ("9", "a night")
    assert (second.sample_id, second.labelled, second.suggested) == ("121", "Neutral", "Anger")
    assert second.found_by == "all 2 networks"
    assert second.suggested in EXPRESSIONS
