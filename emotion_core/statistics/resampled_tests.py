"""How sure an experiment is: a network trained over folds and seeds, not one training of it.

One training's interval knows other images (:mod:`emotion_core.statistics.paired_tests`). Several
trainings also know the chance of a training: its seed, and the images that it learned from. Their
scores are not independent, because every two trainings of a cross-validation share most of their
images; so the variance of their mean is more than a J-th of their own variance. The corrected
resampled t test adds what the shared images are worth. Random numbers that all folds of a seed
share stay unseen: each training must draw its own.

Sources: C. Nadeau and Y. Bengio, "Inference for the generalization error", Machine Learning 52,
2003; R. Bouckaert and E. Frank, "Evaluating the replicability of significance tests for comparing
learning algorithms", PAKDD 2004, for repeated folds.
"""

from math import sqrt
from typing import Final

from scipy import stats

from emotion_core.statistics.paired_tests import Difference, Estimate
from emotion_core.statistics.predictions import Floats

CORRECTED_T: Final = "corrected resampled t"

_NOTHING: Final = 1e-12


def corrected_estimate(
    value: float, trained: Floats, share: float, bounds: tuple[float, float]
) -> Estimate:
    """A network's score and its 95 % interval: value ± t·sd·√(1/J + share/(1 − share)).

    t has J − 1 degrees of freedom, J trainings. The interval has no width where all J trainings
    reach exactly the same score.

    Args:
        value: The score of all held-out images, a mean over the seeds.
        trained: The same score of each training on its own held-out images: [seeds, folds].
        share: Of the images, that one training holds out: above 0, below 1; of k folds 1/k.
        bounds: Lowest and highest possible score.

    Raises:
        ValueError: There is one training, which knows nothing of its own chance; or ``share`` is
            no share.
    """
    reach = float(stats.t.ppf(0.975, trained.size - 1)) * _standard_error(trained, share)
    return Estimate(value, max(bounds[0], value - reach), min(bounds[1], value + reach))


def corrected_difference(
    metric: str, value: float, first: Floats, second: Floats, share: float
) -> Difference:
    """First minus second network in one metric, tested by the corrected resampled t.

    Where all trainings differ by the same amount, their variance is 0 and t has no bound. There
    p is that of J tosses of a coin that fall on one side, 2/2ᴶ, and the standard error is the one
    that gives this p: equal differences of two trainings are no certainty.

    Args:
        metric: Its name.
        value: The first score minus the second, of all held-out images, means over the seeds.
        first: The score of each training on its own held-out images: [seeds, folds].
        second: That of the other network, of the same seeds and folds.
        share: As in :func:`corrected_estimate`.

    Raises:
        ValueError: As :func:`corrected_estimate`; or the networks' trainings are not pairs.
    """
    if first.shape != second.shape:
        raise ValueError(f"trainings {first.shape} and {second.shape} are no pairs")
    differences = first - second
    error = _standard_error(differences, share)
    further = differences.size - 1
    if error <= _NOTHING:
        error = abs(value) / float(stats.t.isf(0.5**differences.size, further))
    p = 2.0 * float(stats.t.sf(abs(value) / error, further)) if error > _NOTHING else 1.0
    reach = float(stats.t.ppf(0.975, further)) * error
    return Difference(metric, value, value - reach, value + reach, p, CORRECTED_T)


def _standard_error(trained: Floats, share: float) -> float:
    """Of the mean of trainings that share images: sd·√(1/J + share/(1 − share))."""
    if trained.size < 2:
        raise ValueError("a single training knows nothing of the chance of a training")
    if not 0.0 < share < 1.0:
        raise ValueError(f"{share} is no share of the images")
    return float(trained.std(ddof=1)) * sqrt(1 / trained.size + share / (1 - share))
