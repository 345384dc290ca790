"""Thousands of images are left out in groups: the same intervals, at a hundredth of the time."""

import numpy as np
import pytest
from comparison_factory import make_predictions, make_validation_images

from emotion_core.statistics import metrics, resampling
from emotion_core.statistics.predictions import Evaluation
from emotion_core.statistics.resampling import CLASS_AP, _influence_on_precision, resampled_scores


def make_evaluation(count: int, skill: float = 0.5) -> Evaluation:
    return Evaluation.from_frame(make_predictions(make_validation_images(count), skill=skill))


@pytest.mark.parametrize("skill", [0.1, 1.0])
def test_groups_give_intervals_as_wide_as_single_images_do(
    monkeypatch: pytest.MonkeyPatch, skill: float
) -> None:
    evaluation = make_evaluation(4400, skill)
    grouped = resampled_scores(evaluation)
    monkeypatch.setattr(resampling, "GROUPS", 10_000)

    singly = resampled_scores(evaluation)

    for name in (*metrics.METRICS, CLASS_AP):
        assert (len(grouped[name]), len(singly[name])) == (2000, 4400)
        ratio = grouped[name].std(axis=0) / singly[name].std(axis=0)
        # Two thousand groups know a spread to 1.6 %.
        assert np.all((ratio > 0.92) & (ratio < 1.08)), (name, ratio)


@pytest.mark.parametrize("tied", [False, True])
def test_the_influence_on_average_precision_is_its_derivative(tied: bool) -> None:
    frame = make_predictions(make_validation_images(80), skill=0.4)
    if tied:
        frame["p_sad"] = frame["p_sad"].round(1)
    evaluation = Evaluation.from_frame(frame)
    small = 1e-6
    weights = np.ones((81, 80)) + small * np.eye(81, 80)

    influence = _influence_on_precision(evaluation, 2)

    precisions = resampling._average_precisions(evaluation, weights)[:, 2]
    np.testing.assert_allclose(influence, (precisions[:80] - precisions[80]) / small, atol=1e-5)
    assert influence.sum() == pytest.approx(0, abs=1e-12)
