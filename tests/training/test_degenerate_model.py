"""Trainings that learned nothing are noticed; weak ones are not accused."""

import numpy as np
import pytest

from emotion_core.training.degenerate_model import collapse
from emotion_core.vision.scores import Scores

COUNT = 400
TRUTH = np.arange(COUNT) % 8
TRUTH_VA = np.random.default_rng(0).uniform(-1, 1, (COUNT, 2))


def scores(said: np.ndarray, va: np.ndarray) -> Scores:
    return Scores(np.eye(8, dtype=np.float32)[said], va.astype(np.float32))


def guesses() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 8, COUNT)


def test_one_expression_for_everything_is_a_collapse() -> None:
    reason = collapse(TRUTH, TRUTH_VA, scores(np.full(COUNT, 1), TRUTH_VA), learns_affect=True)

    assert reason is not None
    assert "Happy takes 100% of the predictions" in reason
    assert "learning_rate" in reason


def test_guesses_with_flat_affect_are_a_collapse() -> None:
    reason = collapse(TRUTH, TRUTH_VA, scores(guesses(), 0.02 * TRUTH_VA + 0.3), learns_affect=True)

    assert reason is not None
    assert "valence hardly varies" in reason
    assert "arousal hardly varies" in reason


def test_flat_affect_alone_is_none_when_it_was_not_learned() -> None:
    said = scores(guesses(), np.zeros((COUNT, 2)))

    assert collapse(TRUTH, TRUTH_VA, said, learns_affect=False) is None


@pytest.mark.parametrize("share_right", [0.25, 0.5, 1.0])
def test_a_network_that_knows_something_is_never_a_collapse(share_right: float) -> None:
    is_right = np.random.default_rng(2).random(COUNT) < share_right
    said = np.where(is_right, TRUTH, 0)

    assert collapse(TRUTH, TRUTH_VA, scores(said, np.zeros((COUNT, 2))), learns_affect=True) is None


def test_few_images_prove_nothing() -> None:
    said = scores(np.zeros(COUNT, dtype=np.int64), TRUTH_VA)

    few = Scores(said.probabilities[:40], said.va[:40])

    assert collapse(TRUTH[:40], TRUTH_VA[:40], few, learns_affect=True) is None


def test_the_most_frequent_expression_is_the_chance_to_beat() -> None:
    truth = np.where(np.arange(COUNT) % 10 < 7, 3, 5)  # 70 % Surprise
    said = scores(np.full(COUNT, 3), TRUTH_VA)

    reason = collapse(truth, TRUTH_VA, said, learns_affect=True)

    assert reason is not None
    assert "chance (0.700)" in reason
