"""How far a network's confidence can be trusted, and the one number that mends it. NumPy alone."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.typing import NDArray

BINS = 15
"""Of equal width, as Guo et al. 2017 use them."""

FOLDS = 10
"""A temperature is judged on each of them as fitted on the others."""

COLDEST, HOTTEST = 0.05, 20.0
"""Between them the temperature is looked for."""

_TINY = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class Calibration:
    """A temperature and what it mends."""

    temperature: float
    """Logits are divided by it before the softmax; above 1 where the network is too sure, 1 where
    no other one is better on images that it was not fitted on."""
    ece_before: float
    """Expected calibration error as the network answers, 0 to 1."""
    ece_after: float
    """The same with temperatures each fitted on other images; ``ece_before`` where T stays 1."""
    count_images: int


def expected_calibration_error(
    truth: npt.ArrayLike, probabilities: npt.ArrayLike, bins: int = BINS
) -> float:
    """Mean distance between confidence and accuracy over bins of confidence, by their sizes.

    Guo, Pleiss, Sun, Weinberger: On Calibration of Modern Neural Networks (ICML 2017), equation 3.

    Args:
        truth: int [N], N > 0.
        probabilities: [N, C], rows summing to 1.
        bins: Of equal width from 0 to 1, each with its upper edge.
    """
    labels, rows = np.asarray(truth), np.asarray(probabilities, dtype=np.float64)
    confidence = rows.max(axis=1)
    is_right = rows.argmax(axis=1) == labels
    place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    gap = np.bincount(place, weights=is_right - confidence, minlength=bins)
    return float(np.abs(gap).sum() / len(labels))


def scaled(probabilities: npt.ArrayLike, temperature: float) -> NDArray[np.float64]:
    """Probabilities as the softmax of logits divided by ``temperature`` gives them.

    The most probable class stays the most probable one. Equation 9 of Guo et al. 2017, written in
    probabilities: p^(1/T), each row brought to sum 1 again.

    Args:
        probabilities: [N, C], rows summing to 1.
        temperature: Above 0.
    """
    logits = np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), _TINY)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def fit_temperature(truth: npt.ArrayLike, probabilities: npt.ArrayLike) -> float:
    """The temperature with the smallest cross-entropy on these images.

    The cross-entropy is convex in 1/T, so a search by golden section finds its only minimum.

    Args:
        truth: int [N], N > 0.
        probabilities: [N, C], rows summing to 1.

    Returns:
        Between ``COLDEST`` and ``HOTTEST``.
    """
    labels = np.asarray(truth)
    logits = np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), _TINY))

    def cross_entropy(inverse: float) -> float:
        cooled = logits * inverse
        cooled -= cooled.max(axis=1, keepdims=True)
        right = cooled[np.arange(len(labels)), labels]
        return float((np.log(np.exp(cooled).sum(axis=1)) - right).mean())

    low, high = 1 / HOTTEST, 1 / COLDEST
    ratio = (5**0.5 - 1) / 2
    for _ in range(80):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if cross_entropy(left) < cross_entropy(right):
            high = right
        else:
            low = left
    return 2 / (low + high)


def calibrate(
    truth: npt.ArrayLike, probabilities: npt.ArrayLike, contents: npt.ArrayLike | None = None
) -> Calibration:
    """Fit a temperature on held-out images, and take it only if it is better on others.

    Cross-fitted: each of :data:`FOLDS` folds is judged with the temperature of the others. Where
    that leaves cross-entropy or calibration error no smaller, the network keeps its answers, with
    temperature 1: few images of a network that is right as often as it says mislead the fit.

    Args:
        truth: int [N], N > 0.
        probabilities: [N, C], rows summing to 1.
        contents: What each image is, such as its SHA-256, [N]: equal ones stay in one fold;
            default: each its own.
    """
    labels, rows = np.asarray(truth), np.asarray(probabilities, dtype=np.float64)
    before = expected_calibration_error(labels, rows)
    as_it_is = Calibration(1.0, before, before, len(labels))
    content = np.unique(
        np.arange(len(labels)) if contents is None else np.asarray(contents), return_inverse=True
    )[1]
    count = int(content.max()) + 1
    if count < 2:
        return as_it_is
    # Neighbours may be of one kind, so folds are drawn; always alike: the same images give one T.
    fold = np.random.default_rng(0).permutation(count)[content] % min(FOLDS, count)
    mended = np.empty_like(rows)
    for number in np.unique(fold):
        here = fold == number
        mended[here] = scaled(rows[here], fit_temperature(labels[~here], rows[~here]))
    after = expected_calibration_error(labels, mended)
    if after >= before or _cross_entropy(labels, mended) >= _cross_entropy(labels, rows):
        return as_it_is
    return Calibration(fit_temperature(labels, rows), before, after, len(labels))


def _cross_entropy(labels: npt.NDArray[np.int_], rows: npt.NDArray[np.float64]) -> float:
    return float(-np.log(np.maximum(rows[np.arange(len(labels)), labels], _TINY)).mean())
