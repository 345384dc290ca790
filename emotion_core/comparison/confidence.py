"""Whether a network is right as often as it says: reliability, and error against coverage."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from emotion_core.comparison import formatting
from emotion_core.statistics import metrics
from emotion_core.statistics.calibration import BINS, Calibration, expected_calibration_error
from emotion_core.statistics.predictions import Evaluation

SMALL_ERROR: Final = 0.05
"""Up to this calibration error a confidence is called trustworthy; a convention, not a test."""
_DRAWS: Final = 9_999
_LIMIT: Final = 0.95
_COVERAGES: Final = 50


@dataclass(frozen=True)
class ReliabilityBin:
    """Images of about the same confidence."""

    low: float
    high: float
    count: int
    confidence: float
    """Mean probability of the predicted label."""
    accuracy: float


@dataclass(frozen=True)
class Confidence:
    """What a network's confidence was worth on its validation images."""

    bins: tuple[ReliabilityBin, ...]
    """Those of the 15 bins of equal width that hold an image, lowest first."""
    ece: float
    """Expected calibration error of the probabilities as they are, 0 to 1."""
    ece_of_calibrated: float
    """What a network that is right exactly as often as it says shows on so many images, on
    average: chance alone moves accuracy away from confidence."""
    ece_limit: float
    """What such a network exceeds in 5 % of cases."""
    mean_confidence: float
    accuracy: float
    risk_coverage: tuple[tuple[float, float], ...]
    """(share of images kept, the most confident first; share of wrong labels among them)."""
    calibration: Calibration | None
    """As recorded after training; None if it was not."""
    sentence: str


def confidence_of(evaluation: Evaluation, calibration: Calibration | None) -> Confidence:
    """Measure the confidence of one run; bins as in Guo et al. 2017, equation 3."""
    sure = evaluation.probabilities.max(axis=1)
    right = evaluation.right.astype(np.float64)
    place = np.clip(np.ceil(sure * BINS).astype(np.int64) - 1, 0, BINS - 1)
    ece = expected_calibration_error(evaluation.truth, evaluation.probabilities)
    mean, accuracy = float(sure.mean()), float(right.mean())
    of_calibrated = _ece_of_calibrated(evaluation, sure, place)
    limit = float(np.quantile(of_calibrated, _LIMIT))
    return Confidence(
        bins=tuple(
            ReliabilityBin(
                low=n / BINS,
                high=(n + 1) / BINS,
                count=int((place == n).sum()),
                confidence=float(sure[place == n].mean()),
                accuracy=float(right[place == n].mean()),
            )
            for n in np.unique(place).tolist()
        ),
        ece=ece,
        ece_of_calibrated=float(of_calibrated.mean()),
        ece_limit=limit,
        mean_confidence=mean,
        accuracy=accuracy,
        risk_coverage=_risk_coverage(sure, right),
        calibration=calibration,
        sentence=_sentence(ece, limit, mean, accuracy),
    )


def _ece_of_calibrated(
    evaluation: Evaluation, sure: metrics.Floats, place: metrics.Integers
) -> metrics.Floats:
    """The calibration errors that a calibrated network of these confidences would show [draws].

    Each image is right with the probability that the network gives (J. Bröcker and L. Smith,
    "Increasing the reliability of reliability diagrams", Weather and Forecasting 22, 2007).
    Byte-identical files are right or wrong together. The seed is fixed.
    """
    rng = np.random.default_rng(0)
    gaps = np.zeros(_DRAWS)
    for n in np.unique(place):
        here = place == n
        images = max(1, round(evaluation.evidence(here)))
        mean = min(1.0, float(sure[here].mean()))
        hits = rng.binomial(images, mean, _DRAWS)
        gaps += here.sum() * np.abs(hits / images - mean)
    return gaps / len(sure)


def _risk_coverage(
    sure: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    right: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> tuple[tuple[float, float], ...]:
    """Geifman and El-Yaniv 2017; images of equal confidence are kept together."""
    order = np.argsort(-sure, kind="stable")
    error = np.cumsum(1 - right[order]) / np.arange(1, len(sure) + 1)
    ends = np.flatnonzero(np.append(np.diff(sure[order]) != 0, True))
    wanted = np.linspace(1 / _COVERAGES, 1, _COVERAGES) * len(sure) - 1
    kept = np.unique(ends[np.searchsorted(ends, wanted - 1e-9)])
    return tuple((float((n + 1) / len(sure)), float(error[n])) for n in kept.tolist())


def _sentence(ece: float, limit: float, mean: float, accuracy: float) -> str:
    measured = (
        f"mean confidence {formatting.percent(mean)}, accuracy {formatting.percent(accuracy)}"
    )
    if ece <= SMALL_ERROR:
        return f"It is well calibrated: {measured}."
    if ece <= limit:
        return (
            "Its calibration error is no larger than chance causes in a calibrated network: "
            f"{measured}."
        )
    if mean - accuracy >= ece / 2:
        return f"It is overconfident: {measured}."
    if accuracy - mean >= ece / 2:
        return f"It is underconfident: {measured}."
    return f"It is overconfident at some levels and underconfident at others: {measured}."
