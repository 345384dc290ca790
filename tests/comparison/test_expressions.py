"""Single expressions against scikit-learn: intervals hold, curves and differences add up."""

import numpy as np
import pytest
from comparison_factory import make_predictions, make_validation_images
from sklearn.metrics import (
    average_precision_score,
    precision_recall_curve,
    precision_recall_fscore_support,
)
from statsmodels.stats.proportion import proportion_confint

from emotion_core.comparison.expressions import (
    class_scores,
    confused_pairs,
    confusion_difference,
    mistakes,
)
from emotion_core.emotions import EXPRESSIONS
from emotion_core.statistics.jackknife import Jackknife
from emotion_core.statistics.predictions import Evaluation

IMAGES = make_validation_images(240)
FIRST, SECOND = (
    Evaluation.from_frame(make_predictions(IMAGES, skill=skill, seed=seed))
    for skill, seed in ((0.8, 1), (0.3, 2))
)


def test_every_expression_agrees_with_scikit_learn_and_lies_in_its_interval() -> None:
    found = class_scores(Jackknife(FIRST))

    theirs = precision_recall_fscore_support(FIRST.truth, FIRST.predicted, labels=range(8))
    for label, score in enumerate(found):
        for estimate, value in zip(
            (score.precision, score.recall, score.f1), (t[label] for t in theirs[:3]), strict=True
        ):
            assert estimate.value == pytest.approx(value)
            assert estimate.low is not None and estimate.high is not None
            assert estimate.low <= value <= estimate.high
        assert score.count == theirs[3][label]
        assert score.average_precision is not None
        assert score.average_precision.value == pytest.approx(
            average_precision_score(FIRST.truth == label, FIRST.probabilities[:, label])
        )


def test_a_curve_holds_points_of_scikit_learns_from_the_first_to_full_recall() -> None:
    found = class_scores(Jackknife(FIRST))

    for label, score in enumerate(found):
        precision, recall, _ = precision_recall_curve(
            FIRST.truth == label, FIRST.probabilities[:, label]
        )
        theirs = {(round(r, 9), round(p, 9)) for r, p in zip(recall, precision, strict=True)}
        assert {(round(r, 9), round(p, 9)) for r, p in score.curve} <= theirs
        assert score.curve[-1][0] == 1.0
        assert score.prevalence == pytest.approx(1 / 8)


def test_an_expression_that_no_image_shows_has_no_average_precision() -> None:
    frame = make_predictions(IMAGES[IMAGES["expression"] != 5])

    evaluation = Evaluation.from_frame(frame)
    found = class_scores(Jackknife(evaluation))[5]

    assert (found.average_precision, found.curve, found.count) == (None, (), 0)
    assert found.recall.value == 0


def test_confused_pairs_count_both_ways() -> None:
    top = confused_pairs(SECOND)[0]

    one, other = EXPRESSIONS.index(top.one), EXPRESSIONS.index(top.other)
    assert top.count == SECOND.confusion[one, other] + SECOND.confusion[other, one]
    assert top.of == 60
    assert top.count >= mistakes(SECOND)[0].count


def test_a_difference_is_that_of_the_shares_and_its_rows_add_up_to_nothing() -> None:
    found = confusion_difference(FIRST, SECOND)

    cells = np.array(found.cells)
    np.testing.assert_allclose(cells, (FIRST.confusion - SECOND.confusion) / 30)
    np.testing.assert_allclose(cells.sum(axis=1), 0, atol=1e-12)
    truth, predicted, gap = found.largest[0]
    assert cells[EXPRESSIONS.index(truth), EXPRESSIONS.index(predicted)] == gap
    assert confusion_difference(FIRST, FIRST).largest == ()


def test_an_expression_never_called_or_always_right_leaves_room_for_doubt() -> None:
    frame = make_predictions(IMAGES)
    columns = [name for name in frame if str(name).startswith("p_")]
    frame[columns] = np.eye(8)[np.where(frame["expression"] == 5, 4, frame["expression"])]
    evaluation = Evaluation.from_frame(frame)

    found = class_scores(Jackknife(evaluation))

    right, never = found[0], found[5]
    assert (right.recall.value, right.recall.high) == (1.0, 1.0)
    assert right.recall.low == pytest.approx(proportion_confint(30, 30, method="wilson")[0])
    assert (never.precision.low, never.precision.high) == (None, None)
    assert never.recall.high == pytest.approx(proportion_confint(0, 30, method="wilson")[1])
    assert never.f1.high == pytest.approx(2 / (1 + 1 / (never.recall.high or 0)))


def test_files_that_are_byte_identical_widen_the_interval_as_one_image() -> None:
    # Two and two images of each expression are one file.
    contents = IMAGES["sha256"].to_numpy().reshape(15, 2, 8)
    twice = IMAGES.assign(sha256=np.repeat(contents[:, :1], 2, axis=1).ravel())
    once, doubled = (
        class_scores(Jackknife(evaluation))[0].recall
        for evaluation in (
            FIRST,
            Evaluation.from_frame(make_predictions(twice, skill=0.8, seed=1)),
        )
    )

    assert once.value == doubled.value
    assert doubled.low is not None and once.low is not None
    assert doubled.low < once.low
