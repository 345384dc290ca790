"""Distances between distributions, and what chance and trifles may do to them."""

import numpy as np
import pytest
from scipy.stats import chi2

from emotion_core.statistics.drift import (
    CHANCE,
    KS_MINIMUM,
    PSI_MINIMUM,
    class_drift,
    js,
    psi,
    value_drift,
)

EVEN = np.full(8, 1 / 8)


def test_psi_is_the_sum_worked_out_by_hand() -> None:
    # (1000.5 + 3000.5 = 4001): p = .25006, .74994; q the other way round.
    by_hand = 2 * (3000.5 - 1000.5) / 4001 * np.log(3000.5 / 1000.5)

    assert psi(np.array([1000, 3000]), np.array([3000, 1000])) == pytest.approx(by_hand)


def test_js_of_mixes_without_a_common_class_is_one() -> None:
    assert js(np.array([7, 0]), np.array([0, 5])) == pytest.approx(1.0)


def test_a_class_that_one_side_lacks_gives_a_number() -> None:
    drift, _ = class_drift(np.array([60, 40, 0]), np.array([50, 0, 50]))

    assert np.isfinite(drift.value) and drift.is_beyond


def test_for_large_counts_the_permuted_limit_is_that_of_the_chi_square() -> None:
    # Yurdakul 2018: under equal mixes PSI is about (1/n + 1/m) times a chi-square, K - 1 degrees.
    n, m = 200, 300
    rng = np.random.default_rng(4)

    drift, _ = class_drift(rng.multinomial(n, EVEN), rng.multinomial(m, EVEN))

    assert drift.limit == pytest.approx((1 / n + 1 / m) * chi2.ppf(1 - CHANCE, 7), rel=0.25)
    assert drift.limit > PSI_MINIMUM


def test_equal_mixes_of_any_size_hardly_ever_alarm() -> None:
    rng = np.random.default_rng(1)
    rare = np.array([0.5, 0.3, 0.1, 0.05, 0.03, 0.01, 0.008, 0.002])

    drifts = [
        class_drift(rng.multinomial(n, rare), rng.multinomial(m, rare))
        for n, m in [(50, 50), (60, 5_000), (400, 400), (5_000, 60)] * 25
    ]

    assert sum(mix.is_beyond or other.is_beyond for mix, other in drifts) <= 2


def test_a_million_images_do_not_alarm_on_a_trifle_that_is_beyond_chance() -> None:
    slightly = EVEN + np.array([0.01, -0.01, 0, 0, 0, 0, 0, 0])
    night = np.round(slightly * 1_000_000).astype(np.int64)
    reference = np.round(EVEN * 1_000_000).astype(np.int64)

    mix, other = class_drift(night, reference)
    values = np.random.default_rng(2).normal(size=100_000)
    affect = value_drift(values + 0.05, np.random.default_rng(3).normal(size=100_000))

    assert mix.p_value < CHANCE and not mix.is_beyond and not other.is_beyond
    assert affect.p_value < CHANCE and affect.value < KS_MINIMUM and not affect.is_beyond


def test_a_real_change_alarms_on_a_few_hundred_images_and_not_on_fifty() -> None:
    changed = np.array([0.30, 0.10, 0.10, 0.10, 0.10, 0.10, 0.10, 0.10])

    drifts = {
        n: class_drift(
            np.round(changed * n).astype(np.int64), np.round(EVEN * 4000).astype(np.int64)
        )[0]
        for n in (50, 1_000)
    }

    assert drifts[1_000].is_beyond
    assert not drifts[50].is_beyond and drifts[50].value > PSI_MINIMUM


def test_a_shift_of_valence_is_found_and_the_limit_falls_as_the_night_grows() -> None:
    rng = np.random.default_rng(5)
    reference = rng.normal(0.1, 0.4, 3_000).clip(-1, 1)

    few = value_drift(rng.normal(0.4, 0.4, 60).clip(-1, 1), reference)
    many = value_drift(rng.normal(0.4, 0.4, 3_000).clip(-1, 1), reference)
    same = value_drift(rng.normal(0.1, 0.4, 3_000).clip(-1, 1), reference)

    assert many.is_beyond and not same.is_beyond
    assert few.limit > many.limit >= KS_MINIMUM


def test_the_same_images_give_the_same_answer_again() -> None:
    night, reference = np.array([60, 40, 9]), np.array([500, 450, 80])

    assert class_drift(night, reference) == class_drift(night, reference)
