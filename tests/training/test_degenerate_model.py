"""Trainings that learned nothing are noticed; weak ones are not accused."""

import numpy as np
import pytest

from emotion_core.training.degenerate_model import why_degenerate
from emotion_core.vision.scores import Scores

COUNT = 400
TRUTH = np.arange(COUNT) % 8
TRUTH_VA = np.random.default_rng(0).uniform(-1, 1, (COUNT, 2))
GUESSES = np.random.default_rng(1).integers(0, 8, COUNT)
FLAT = np.zeros((COUNT, 2))


def reason(
    said: np.ndarray, va: np.ndarray, *, truth: np.ndarray = TRUTH, learns_affect: bool = True
) -> str | None:
    scores = Scores(np.eye(8, dtype=np.float32)[said], va.astype(np.float32))
    return why_degenerate(truth, TRUTH_VA[: len(truth)], scores, learns_affect=learns_affect)


@pytest.mark.parametrize(
    ("said", "va", "named"),
    [
        (np.full(COUNT, 1), TRUTH_VA, ["Happy takes 100% of the predictions", "learning_rate"]),
        (GUESSES, 0.02 * TRUTH_VA + 0.3, ["valence hardly varies", "arousal hardly varies"]),
    ],
)
def test_one_expression_for_everything_and_guesses_with_flat_affect_are_degenerate(
    said: np.ndarray, va: np.ndarray, named: list[str]
) -> None:
    found = reason(said, va)

    assert found is not None
    assert all(words in found for words in named)


def test_flat_affect_alone_is_fine_when_it_was_not_learned() -> None:
    assert reason(GUESSES, FLAT, learns_affect=False) is None


@pytest.mark.parametrize("share_right", [0.25, 0.5, 1.0])
def test_a_network_that_knows_something_is_never_degenerate(share_right: float) -> None:
    is_right = np.random.default_rng(2).random(COUNT) < share_right

    assert reason(np.where(is_right, TRUTH, 0), FLAT) is None


def test_few_images_prove_nothing() -> None:
    assert reason(np.zeros(40, dtype=np.int64), TRUTH_VA[:40], truth=TRUTH[:40]) is None


def test_the_most_frequent_expression_is_the_chance_to_beat() -> None:
    mostly_surprise = np.where(np.arange(COUNT) % 10 < 7, 3, 5)

    found = reason(np.full(COUNT, 3), TRUTH_VA, truth=mostly_surprise)

    assert found is not None
    assert "chance (0.700)" in found
