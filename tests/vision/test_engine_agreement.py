"""Which engines may stand in for the reference."""

import numpy as np
import pytest

from emotion_core.vision.engine_agreement import compare, patterns
from emotion_core.vision.scores import Scores


def scores(count: int = 200, lead: float = 0.4) -> Scores:
    rest = (1 - lead) / 8
    probabilities = np.full((count, 8), rest, np.float32)
    probabilities[np.arange(count), np.arange(count) % 8] += lead
    return Scores(probabilities, np.zeros((count, 2), np.float32))


def test_the_same_scores_keep_the_scores() -> None:
    agreement = compare(scores(), scores(), count_faces=200)

    assert agreement.keeps_scores
    assert (agreement.same_label_share, agreement.widest_flip) == (1.0, 0.0)


def flipped(reference: Scores, count: int) -> Scores:
    changed = reference.probabilities.copy()
    changed[:count] = np.roll(changed[:count], 1, axis=1)
    return Scores(changed, reference.va)


def test_a_flip_is_forgiven_only_where_the_two_best_were_close() -> None:
    close, clear = scores(lead=0.01), scores(lead=0.4)

    assert compare(close, flipped(close, 2), count_faces=0).keeps_scores
    assert not compare(clear, flipped(clear, 1), count_faces=0).keeps_scores


def test_more_than_one_flip_in_a_hundred_is_too_many() -> None:
    close = scores(lead=0.01)

    assert not compare(close, flipped(close, 3), count_faces=0).keeps_scores


def test_affect_that_moved_far_is_found() -> None:
    reference = scores()
    moved = Scores(reference.probabilities, reference.va + 0.2)

    assert not compare(reference, moved, count_faces=0).keeps_scores


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_engine_that_answers_no_numbers_agrees_with_nothing(value: float) -> None:
    reference = scores()
    broken = Scores(reference.probabilities.copy(), reference.va)
    broken.probabilities[7, 1] = value

    assert not compare(reference, broken, count_faces=0).keeps_scores


def test_patterns_are_the_same_everywhere_and_differ_from_one_another() -> None:
    made = patterns(16)

    assert made.dtype == np.uint8
    assert made.shape == (32, 16, 16, 3)
    assert np.array_equal(made, patterns(16))
    assert len({picture.tobytes() for picture in made}) == 32


def test_a_temperature_changes_confidence_and_no_label() -> None:
    cooled = scores().calibrated(2.0)

    assert np.array_equal(cooled.expressions, scores().expressions)
    assert (cooled.probabilities.max(axis=1) < scores().probabilities.max(axis=1)).all()
    assert np.allclose(cooled.probabilities.sum(axis=1), 1, atol=1e-6)
