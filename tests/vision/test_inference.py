"""Scoring pixels with a stored model."""

from pathlib import Path

import numpy as np
import pytest
import torch
from model_folder import NETWORK, store_model

from emotion_core.errors import ScoringError, SettingsError, WeightsError
from emotion_core.vision.network import build_network
from emotion_core.vision.scorer import Scorer


def random_pixels(count: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    torch.manual_seed(0)
    network = build_network(NETWORK)
    return Scorer(store_model(tmp_path_factory.mktemp("models") / "m", network), device="cpu")


def test_scores_are_probabilities_and_bounded_affect(scorer: Scorer) -> None:
    scores = scorer.score(random_pixels(5))

    assert (scores.probabilities.shape, scores.va.shape) == ((5, 8), (5, 2))
    assert scores.probabilities.dtype == scores.va.dtype == np.float32
    assert np.allclose(scores.probabilities.sum(axis=1), 1, atol=1e-5)
    assert np.abs(scores.va).max() <= 1
    assert np.array_equal(scores.expressions, scores.probabilities.argmax(axis=1))


def test_an_image_scores_the_same_whatever_its_neighbours(scorer: Scorer) -> None:
    pixels = random_pixels(70)

    together, alone = scorer.score(pixels), scorer.score(pixels[69:])

    assert np.allclose(together.probabilities[69], alone.probabilities[0], atol=1e-5)
    assert np.allclose(together.va[69], alone.va[0], atol=1e-5)


def test_no_images_give_no_scores(scorer: Scorer) -> None:
    scores = scorer.score(random_pixels(0))

    assert (scores.probabilities.shape, scores.va.shape) == ((0, 8), (0, 2))


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((2, 31, 32, 3), dtype=np.uint8),
        np.zeros((2, 3, 32, 32), dtype=np.uint8),
        np.zeros((2, 32, 32, 3), dtype=np.float32),
    ],
)
def test_pixels_from_elsewhere_are_refused(scorer: Scorer, pixels: np.ndarray) -> None:
    with pytest.raises(ScoringError, match=r"\[N, 32, 32, 3\]"):
        scorer.score(pixels)


def test_a_model_that_answers_no_numbers_is_not_believed(tmp_path: Path) -> None:
    network = build_network(NETWORK)
    with torch.no_grad():
        next(network.affect_head.parameters()).fill_(float("nan"))
    broken = Scorer(store_model(tmp_path / "m", network), device="cpu")

    with pytest.raises(ScoringError, match="not a number"):
        broken.score(random_pixels(1))


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="nothing-here"):
        Scorer(tmp_path / "nothing-here", device="cpu")


def test_an_unknown_device_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="tpu"):
        Scorer(tmp_path, device="tpu")
