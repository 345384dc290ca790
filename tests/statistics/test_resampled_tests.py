"""Experiments: values by hand, size on simulated trainings, and what is refused."""

import numpy as np
import pytest

from emotion_core.statistics.resampled_tests import (
    CORRECTED_T,
    corrected_difference,
    corrected_estimate,
)

FOUR_FOLDS = np.array([[0.40, 0.44, 0.46, 0.50]])
"""Mean .45, standard deviation √(.0052/3) = .041633."""


def test_an_interval_is_that_of_the_formula() -> None:
    # error .041633·√(1/4 + .25/.75) = .031798; t of 3 degrees of freedom 3.182446
    found = corrected_estimate(0.45, FOUR_FOLDS, share=0.25, bounds=(0.0, 1.0))

    assert (found.low, found.high) == pytest.approx((0.348804, 0.551196), abs=2e-6)


def test_a_difference_is_that_of_the_formula() -> None:
    second = np.array([[0.38, 0.45, 0.40, 0.45]])  # differences .02 −.01 .06 .05: sd .031623

    found = corrected_difference("accuracy", 0.03, FOUR_FOLDS, second, share=0.25)

    # error .031623·√(7/12) = .024152; t 1.242118; its p by the closed form of 3 degrees of freedom
    angle = np.arctan(1.242118 / np.sqrt(3))
    assert found.p == pytest.approx(1 - 2 / np.pi * (angle + np.sin(angle) * np.cos(angle)))
    assert (found.low, found.high) == pytest.approx((-0.046864, 0.106864), abs=2e-6)
    assert (found.metric, found.value, found.test) == ("accuracy", 0.03, CORRECTED_T)


def test_of_two_trainings_t_has_one_degree_of_freedom() -> None:
    first, second = np.array([[0.5], [0.4]]), np.array([[0.4], [0.4]])

    found = corrected_difference("accuracy", 0.05, first, second, share=0.2)

    # error .1/√2·√(1/2 + 1/4) = .061237; t .816497; the Cauchy distribution's p
    assert found.p == pytest.approx(1 - 2 / np.pi * np.arctan(0.816497), abs=1e-6)
    assert found.high - 0.05 == pytest.approx(12.706205 * 0.061237, abs=1e-5)


def test_the_order_of_networks_turns_only_the_sign() -> None:
    second = FOUR_FOLDS - np.array([[0.02, 0.01, 0.04, -0.01]])

    one = corrected_difference("ccc_mean", 0.015, FOUR_FOLDS, second, share=0.25)
    other = corrected_difference("ccc_mean", -0.015, second, FOUR_FOLDS, share=0.25)

    assert other.p == pytest.approx(one.p)
    assert (other.value, other.low, other.high) == pytest.approx((-0.015, -one.high, -one.low))


def test_an_interval_stays_within_the_bounds() -> None:
    trained = np.array([[0.1, 0.9], [0.8, 1.0]])

    found = corrected_estimate(0.7, trained, share=0.5, bounds=(0.0, 1.0))

    assert (found.low, found.high) == (0.0, 1.0)


def test_equal_trainings_are_no_difference() -> None:
    found = corrected_difference("accuracy", 0.0, FOUR_FOLDS, FOUR_FOLDS, share=0.25)

    assert (found.low, found.high, found.p) == (0.0, 0.0, 1.0)


@pytest.mark.parametrize("trainings", [2, 5, 15])
def test_a_difference_that_never_varies_tells_no_more_than_tosses_of_a_coin(trainings: int) -> None:
    first = np.full((1, trainings), 0.5)

    found = corrected_difference("accuracy", 0.1, first, first - 0.1, share=0.2)

    assert found.p == pytest.approx(2 / 2**trainings)
    assert (found.low > 0) == (found.p < 0.05)


@pytest.mark.parametrize("share", [0.0, 1.0, 1.5])
def test_no_share_of_the_images_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        corrected_estimate(0.45, FOUR_FOLDS, share, bounds=(0.0, 1.0))


def test_a_single_training_is_refused() -> None:
    one = np.array([[0.5]])

    with pytest.raises(ValueError, match="single training"):
        corrected_estimate(0.5, one, share=0.2, bounds=(0.0, 1.0))
    with pytest.raises(ValueError, match="single training"):
        corrected_difference("accuracy", 0.0, one, one, share=0.2)


def test_trainings_that_are_no_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="no pairs"):
        corrected_difference("accuracy", 0.1, FOUR_FOLDS, FOUR_FOLDS.T, share=0.25)


@pytest.mark.parametrize(("seeds", "folds"), [(1, 5), (3, 5)])
def test_equal_networks_are_called_different_as_rarely_as_promised(seeds: int, folds: int) -> None:
    rng = np.random.default_rng(1)
    repetitions, fold_sd, seed_sd = 600, 0.02, 0.02
    differences = rng.normal(0, fold_sd, (repetitions, 1, folds))
    differences = differences + rng.normal(0, seed_sd, (repetitions, seeds, folds))

    p = [
        corrected_difference("accuracy", one.mean(), one, np.zeros_like(one), 1 / folds).p
        for one in differences
    ]

    assert np.mean(np.array(p) < 0.05) <= 0.05
