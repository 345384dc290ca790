"""The interval of a share, and the p below which a difference counts as more than chance."""

from math import sqrt
from typing import Final

SIGNIFICANCE: Final = 0.05
"""Below this (corrected) p a difference counts as more than chance."""

_Z: Final = 1.959963984540054
"""Of the normal distribution: 95 % lie within."""


def wilson(successes: float, n: float) -> tuple[float, float]:
    """The 95 % score interval of a share, within 0 … 1 also where nothing or everything succeeded.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
    JASA 22, 1927.

    Args:
        successes: 0 … ``n``; not whole where images count by parts.
        n: Trials, above 0.

    Raises:
        ValueError: There are no trials, or more successes than trials.
    """
    if not 0 <= successes <= n or n <= 0:
        raise ValueError(f"{successes} of {n} is no share")
    share, z2 = successes / n, _Z**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z / (1 + z2 / n) * sqrt(share * (1 - share) / n + z2 / (4 * n**2))
    # Where it touches an end, rounding must not carry it past.
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))
