"""A model's stored answers, and noticing that they changed."""

from pathlib import Path

import numpy as np
import pytest

from emotion_core.errors import WeightsError
from emotion_core.vision.golden_outputs import EXACT, GOLDEN_FILE, Golden

RNG = np.random.default_rng(4)
GOLDEN = Golden(
    pixels=RNG.integers(0, 256, (3, 8, 8, 3), dtype=np.uint8),
    probabilities=RNG.dirichlet(np.ones(8), 3).astype(np.float32),
    va=RNG.uniform(-1, 1, (3, 2)).astype(np.float32),
)


def test_stored_answers_come_back_bit_by_bit(tmp_path: Path) -> None:
    GOLDEN.write(tmp_path)

    found = Golden.read(tmp_path)

    assert np.array_equal(found.pixels, GOLDEN.pixels)
    assert np.array_equal(found.probabilities, GOLDEN.probabilities)
    assert np.array_equal(found.va, GOLDEN.va)


def test_the_same_answers_pass() -> None:
    GOLDEN.check(
        lambda pixels: (GOLDEN.probabilities + np.float32(1e-4), GOLDEN.va),
        tolerance=EXACT,
        source="resnet50 v1",
    )


@pytest.mark.parametrize("drift", [0.02, -0.5, np.nan])
@pytest.mark.parametrize("task", ["expression", "affect"])
def test_drifted_answers_stop_scoring_naming_the_model(drift: float, task: str) -> None:
    probabilities, va = GOLDEN.probabilities.copy(), GOLDEN.va.copy()
    (probabilities if task == "expression" else va)[1, 1] += np.float32(drift)

    with pytest.raises(WeightsError, match="resnet50 v1 no longer gives"):
        GOLDEN.check(lambda pixels: (probabilities, va), tolerance=EXACT, source="resnet50 v1")


@pytest.mark.parametrize("content", [None, b"", b"not one"])
def test_missing_or_damaged_answers_are_named(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / GOLDEN_FILE).write_bytes(content)

    with pytest.raises(WeightsError, match=GOLDEN_FILE):
        Golden.read(tmp_path)
