"""What CCC is made of, limits of agreement and regions, against formulas written out."""

import numpy as np
import pytest
from comparison_factory import make_predictions, make_validation_images

from emotion_core.comparison.affect import RESIDUAL_BINS, dimension_facts, regions
from emotion_core.statistics import metrics
from emotion_core.statistics.predictions import Evaluation

FRAME = make_predictions(make_validation_images(300), affect_skill=0.5)
EVALUATION = Evaluation.from_frame(FRAME)


def test_ccc_is_correlation_times_a_factor_of_scale_and_shift() -> None:
    for facts in dimension_facts(EVALUATION):
        # Lin 1989, equation 4: C_b = 2 / (v + 1 / v + u²).
        factor = 2 / (facts.scale + 1 / facts.scale + facts.shift**2)

        assert facts.bias_correction == pytest.approx(factor)
        assert facts.ccc == pytest.approx(facts.pearson * factor)


def test_a_stretched_and_shifted_truth_loses_by_scale_and_shift_alone() -> None:
    frame = FRAME.assign(
        predicted_valence=0.5 * FRAME["valence"] + 0.2, predicted_arousal=FRAME["arousal"]
    )

    valence, arousal = dimension_facts(Evaluation.from_frame(frame))

    assert valence.pearson == pytest.approx(1.0)
    assert valence.scale == pytest.approx(0.5)
    assert "spreads too little" in valence.sentence and "too high" in valence.sentence
    assert arousal.ccc == pytest.approx(1.0)
    assert arousal.sentence.endswith("and has no bias.")


def test_limits_of_agreement_hold_nineteen_of_twenty_normal_residuals() -> None:
    rng = np.random.default_rng(1)
    truth = np.clip(FRAME["valence"], -0.4, 0.4)
    frame = FRAME.assign(
        valence=truth, predicted_valence=truth + 0.05 + 0.1 * rng.standard_normal(300)
    )

    facts = dimension_facts(Evaluation.from_frame(frame))[0]

    assert (facts.limit_low, facts.limit_high) == pytest.approx((0.05 - 0.196, 0.246), abs=0.03)
    assert sum(facts.residuals) == 300 and len(facts.residuals) == RESIDUAL_BINS


def test_the_regions_share_out_every_image_and_its_squared_error() -> None:
    found = regions(EVALUATION)

    assert sum(region.count for region in found) == 300
    total = sum(region.count * region.rmse_valence**2 for region in found) / 300
    assert np.sqrt(total) == pytest.approx(
        metrics.rmse(EVALUATION.truth_va[:, 0], EVALUATION.va[:, 0])
    )


def test_a_constant_answer_has_no_factor_to_divide_by() -> None:
    facts = dimension_facts(Evaluation.from_frame(FRAME.assign(predicted_valence=0.1)))[0]

    assert (facts.ccc, facts.pearson, facts.bias_correction) == (0, 0, 0)
    assert (facts.scale, facts.shift) == pytest.approx((0, 0))
