"""How large a difference is beside its own noise, and how many images would settle it."""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np

from emotion_core.statistics.intervals import SIGNIFICANCE
from emotion_core.statistics.paired_tests import McNemarTable
from emotion_core.statistics.predictions import Floats

POWER: Final = 0.8
"""How often a test on the needed number of images would find the difference."""
_MOST_IMAGES: Final = 10_000_000


@dataclass(frozen=True)
class Effect:
    """The size of one difference, free of the number of images."""

    size: float
    """The difference over the standard deviation of its contribution per image (Cohen's d for
    pairs, d_z); positive where the difference is. 0.2 is called small, 0.5 medium, 0.8 large."""
    images_needed: int | None
    """Validation images with which a two-sided test at 5 % finds a difference of this size in four
    of five cases; None where there is no difference, or more than ten million would be needed."""


def effect_of_accuracy(counts: McNemarTable) -> Effect:
    """Of a difference in accuracy, from who was right alone.

    The number of images is that of R. J. Connor, "Sample size for testing differences in
    proportions for the paired-sample design", Biometrics 43, 1987.
    """
    total = counts.both + counts.only_first + counts.only_second + counts.neither
    discordant = (counts.only_first + counts.only_second) / total
    gap = (counts.only_first - counts.only_second) / total
    spread = math.sqrt(max(discordant - gap**2, 0.0))
    if gap == 0:
        return Effect(0.0, None)
    level, power = _quantiles()
    needed = ((level * math.sqrt(discordant) + power * spread) / gap) ** 2
    # Without a single image on which the loser was right alone, nothing varies but the sign.
    size = gap / spread if spread else math.copysign(1.0, gap)
    return Effect(size, _whole(needed))


def effect_of_gaps(value: float, gaps: Floats, images: int) -> Effect:
    """Of a difference in any metric, from how the images move it.

    Args:
        value: The difference.
        gaps: The difference as each content moves it; they spread by its standard error.
        images: Distinct images behind it; the error shrinks with their root.
    """
    error = float(np.std(gaps))
    if value == 0 or error == 0:
        return Effect(0.0, None)
    spread = error * math.sqrt(images)
    level, power = _quantiles()
    return Effect(value / spread, _whole(((level + power) * spread / value) ** 2))


def _quantiles() -> tuple[float, float]:
    normal = NormalDist()
    return normal.inv_cdf(1 - SIGNIFICANCE / 2), normal.inv_cdf(POWER)


def _whole(images: float) -> int | None:
    return math.ceil(images) if images <= _MOST_IMAGES else None
