"""Thousands of images are left out in groups: the same standard errors, in less time and memory."""

import numpy as np
import pytest
from comparison_factory import make_predictions, make_validation_images

from emotion_core.statistics import jackknife, metrics
from emotion_core.statistics.jackknife import Jackknife
from emotion_core.statistics.predictions import Evaluation


@pytest.mark.parametrize("skill", [0.1, 1.0])
def test_groups_give_intervals_as_wide_as_single_images_do(
    monkeypatch: pytest.MonkeyPatch, skill: float
) -> None:
    evaluation = Evaluation.from_frame(make_predictions(make_validation_images(2400), skill=skill))
    grouped = Jackknife(evaluation)
    assert len(grouped.moved["accuracy"]) == len(grouped.average_precisions) == 200
    monkeypatch.setattr(jackknife, "SINGLY", 10_000)

    singly = Jackknife(evaluation)

    pairs = [(grouped.moved[name], singly.moved[name]) for name in metrics.METRICS]
    for some, every in [*pairs, (grouped.average_precisions, singly.average_precisions)]:
        assert len(every) == 2400
        # Two hundred groups know a standard error to 5 %.
        assert np.all(np.abs(some.std(axis=0) / every.std(axis=0) - 1) < 0.2)
