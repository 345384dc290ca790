"""Confidence, and the temperature that mends it."""

import numpy as np
import pytest

from emotion_core.statistics.calibration import (
    calibrate,
    expected_calibration_error,
    fit_temperature,
    scaled,
)


def answers(temperature: float, count: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from probabilities, which are then made too sure by ``temperature``."""
    rng = np.random.default_rng(7)
    honest = rng.dirichlet(np.full(8, 0.4), count)
    truth = np.array([rng.choice(8, p=row) for row in honest])
    return truth, scaled(honest, 1 / temperature)


def test_the_error_of_a_hand_computed_case() -> None:
    # Two at .9 of which one is right (gap .4), two at .6 both right (gap .4).
    truth = np.array([0, 1, 0, 0])
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]])

    error = expected_calibration_error(truth, probabilities)

    assert error == pytest.approx(0.4)


def test_certainty_that_is_always_right_has_no_error() -> None:
    assert expected_calibration_error(np.arange(8), np.eye(8)) == 0.0


def test_the_temperature_that_made_a_network_too_sure_is_found_again() -> None:
    truth, too_sure = answers(temperature=2.0)

    temperature = fit_temperature(truth, too_sure)

    assert temperature == pytest.approx(2.0, rel=0.06)


def test_calibration_brings_the_error_down_and_keeps_every_label() -> None:
    truth, too_sure = answers(temperature=3.0)

    found = calibrate(truth, too_sure)
    mended = scaled(too_sure, found.temperature)

    assert found.ece_before > 0.15
    assert found.ece_after < 0.03
    assert found.count_images == 4000
    assert np.array_equal(mended.argmax(axis=1), too_sure.argmax(axis=1))
    assert mended.sum(axis=1) == pytest.approx(np.ones(4000))


def test_a_temperature_of_one_changes_nothing() -> None:
    _, rows = answers(temperature=1.0, count=50)

    assert scaled(rows, 1.0) == pytest.approx(rows)


@pytest.mark.parametrize("rows", [np.eye(8)[:3], np.full((3, 8), 1 / 8)])
def test_certain_and_clueless_networks_get_a_finite_temperature(rows: np.ndarray) -> None:
    found = calibrate(np.array([0, 1, 2]), rows)

    assert 0.05 <= found.temperature <= 20
    assert np.isfinite(scaled(rows, found.temperature)).all()


def test_a_single_image_calibrates_nothing() -> None:
    assert calibrate(np.array([3]), np.full((1, 8), 1 / 8)).temperature == 1.0


def test_a_temperature_is_taken_only_where_it_is_better_on_other_images() -> None:
    rng = np.random.default_rng(3)
    taken = []
    for _ in range(40):
        rows = rng.dirichlet(np.full(8, 0.4), 152)
        truth = (rows.cumsum(axis=1) < rng.random((152, 1))).sum(axis=1)
        found = calibrate(truth, rows)
        taken.append(found.temperature != 1.0)
        assert found.ece_after < found.ece_before or not taken[-1]
        assert found.ece_after == found.ece_before or taken[-1]

    assert np.mean(taken) < 0.4


def test_the_order_of_images_and_copies_of_one_do_not_mislead_the_fit() -> None:
    truth, too_sure = answers(temperature=2.0, count=800)
    in_kinds = np.argsort(truth, kind="stable")

    assert calibrate(truth[in_kinds], too_sure[in_kinds]).temperature == pytest.approx(2, rel=0.2)
    # Ten contents, each forty times: judged on copies of what it was fitted on it would look good.
    rows = np.repeat(np.random.default_rng(5).dirichlet(np.full(8, 0.4), 10), 40, axis=0)
    said = np.repeat(rows[::40].argmax(axis=1), 40)
    contents = np.repeat(np.arange(10), 40)
    assert calibrate(said, rows, contents).ece_after <= calibrate(said, rows, contents).ece_before
    assert calibrate(said[:40], rows[:40], contents[:40]).temperature == 1.0
