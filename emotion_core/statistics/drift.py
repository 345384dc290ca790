"""Whether a night's scores are distributed as a reference's: three distances, each with a limit.

A distance between two samples is never zero, and how large it is by chance depends on how many
images there are. Each limit is therefore the larger of two: what chance exceeds once in a thousand
nights, and what is worth anybody's attention at all. A small night must differ by more than luck, a
large one by more than a trifle.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon
from scipy.stats import ks_2samp

CHANCE: Final = 0.001
"""How often chance alone may cross a limit. Eight are measured each night."""

MINIMUM_IMAGES: Final = 50
"""With fewer on either side nothing is said."""

RESAMPLES: Final = 4_999
"""With them the smallest p value is 1/5000, below :data:`CHANCE`."""

PSI_MINIMUM: Final = 0.1
"""Below 0.1 the customary reading of the population stability index is "no change"."""

JS_MINIMUM: Final = 0.12
"""About the Jensen–Shannon distance that goes with :data:`PSI_MINIMUM`."""

KS_MINIMUM: Final = 0.1
"""A tenth of the images would have to move."""

_SEED = 20_231_123


@dataclass(frozen=True)
class Distance:
    """How far a night is from its reference, by one statistic."""

    value: float
    """From 0; the same distribution on both sides gives small values."""
    limit: float
    """Beyond it the difference is neither chance nor a trifle."""
    p_value: float
    """How often equal distributions differ at least as much, 0 to 1."""

    @property
    def is_beyond(self) -> bool:
        """Whether it crosses its limit."""
        return self.value > self.limit


def psi(night: NDArray[np.integer], reference: NDArray[np.integer]) -> float:
    """Population stability index of two counts by class, from 0.

    The sum over classes of ``(p − q) · ln(p / q)``, the symmetrised Kullback–Leibler divergence.
    Half an image is added to every class that either side saw, so that a class which one side lacks
    gives a number.

    Args:
        night: [K], counts; some image at least.
        reference: [K], likewise.
    """
    p, q = _shares(night[None, :], reference[None, :])
    return float(_psi(p, q)[0])


def js(night: NDArray[np.integer], reference: NDArray[np.integer]) -> float:
    """Jensen–Shannon distance (the root of the divergence, in bits) of two counts, 0 to 1.

    Args:
        night: [K], counts; some image at least.
        reference: [K], likewise.
    """
    return float(jensenshannon(night / night.sum(), reference / reference.sum(), base=2))


def class_drift(
    night: NDArray[np.integer], reference: NDArray[np.integer]
) -> tuple[Distance, Distance]:
    """PSI and Jensen–Shannon distance of two class mixes, with limits by permutation.

    Were both drawn from one mix, every way of dealing the pooled images out to the two sides would
    be as likely: counts dealt out so follow the multivariate hypergeometric distribution, however
    rare a class is. The same images always give the same answer.

    Args:
        night: [K], counts; some image at least.
        reference: [K], likewise.
    """
    pooled = night + reference
    dealt = np.random.default_rng(_SEED).multivariate_hypergeometric(
        pooled, int(night.sum()), size=RESAMPLES, method="marginals"
    )
    p, q = _shares(dealt, pooled[None, :] - dealt)
    by_chance_psi = _psi(p, q)
    by_chance_js = jensenshannon(
        dealt / night.sum(), (pooled - dealt) / reference.sum(), base=2, axis=1
    )
    return (
        _held_against(psi(night, reference), by_chance_psi, PSI_MINIMUM),
        _held_against(js(night, reference), np.nan_to_num(by_chance_js), JS_MINIMUM),
    )


def value_drift(night: NDArray[np.floating], reference: NDArray[np.floating]) -> Distance:
    """Kolmogorov–Smirnov distance of two samples: the widest gap of their distributions, 0 to 1.

    Args:
        night: [N] values.
        reference: [M] values.
    """
    n, m = len(night), len(reference)
    found = ks_2samp(night, reference, method="asymp")
    # The distance that equal distributions exceed with probability CHANCE, asymptotically.
    by_chance = float(np.sqrt(-np.log(CHANCE / 2) / 2 * (n + m) / (n * m)))
    return Distance(
        value=float(found.statistic),
        limit=max(by_chance, KS_MINIMUM),
        p_value=float(np.clip(found.pvalue, 0.0, 1.0)),
    )


def _held_against(value: float, by_chance: NDArray[np.float64], minimum: float) -> Distance:
    return Distance(
        value=value,
        limit=max(float(np.quantile(by_chance, 1 - CHANCE)), minimum),
        p_value=float((1 + np.count_nonzero(by_chance >= value)) / (1 + len(by_chance))),
    )


def _shares(
    night: NDArray[np.integer], reference: NDArray[np.integer]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Smoothed shares of [R, K] counts; classes that neither side saw are left out."""
    is_seen = (night + reference).sum(axis=0) > 0
    p, q = night[:, is_seen] + 0.5, reference[:, is_seen] + 0.5
    return p / p.sum(axis=1, keepdims=True), q / q.sum(axis=1, keepdims=True)


def _psi(p: NDArray[np.float64], q: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(((p - q) * np.log(p / q)).sum(axis=1))
