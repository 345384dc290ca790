"""A model's golden outputs, and noticing that they changed."""

from pathlib import Path

import numpy as np
import pytest

from emotion_core.errors import WeightsError
from emotion_core.vision.golden_outputs import EXACT, GOLDEN_FILE, GoldenOutputs
from emotion_core.vision.scores import Scores

RNG = np.random.default_rng(4)
SCORES = Scores(
    RNG.dirichlet(np.ones(8), 3).astype(np.float32),
    RNG.uniform(-1, 1, (3, 2)).astype(np.float32),
)
GOLDEN = GoldenOutputs(RNG.integers(0, 256, (3, 8, 8, 3), dtype=np.uint8), SCORES)


def moved(task: str, by: float) -> Scores:
    scores = Scores(SCORES.probabilities.copy(), SCORES.va.copy())
    getattr(scores, task)[1, 1] += np.float32(by)
    return scores


def test_golden_outputs_come_back_bit_by_bit(tmp_path: Path) -> None:
    GOLDEN.write(tmp_path)

    found = GoldenOutputs.read(tmp_path)

    assert np.array_equal(found.pixels, GOLDEN.pixels)
    assert np.array_equal(found.scores.probabilities, SCORES.probabilities)
    assert np.array_equal(found.scores.va, SCORES.va)


@pytest.mark.parametrize("task", ["probabilities", "va"])
def test_the_same_outputs_pass_and_drifted_ones_stop_scoring_naming_the_model(task: str) -> None:
    GOLDEN.check(lambda pixels: moved(task, 1e-4), tolerance=EXACT, source="resnet50 v1")

    for drift in (0.02, -0.5, np.nan):
        with pytest.raises(WeightsError, match="resnet50 v1 no longer gives"):
            GOLDEN.check(lambda _, by=drift: moved(task, by), tolerance=EXACT, source="resnet50 v1")  # type: ignore[misc]


@pytest.mark.parametrize("content", [None, b"", b"not one"])
def test_missing_or_damaged_outputs_are_named(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / GOLDEN_FILE).write_bytes(content)

    with pytest.raises(WeightsError, match=GOLDEN_FILE):
        GoldenOutputs.read(tmp_path)
