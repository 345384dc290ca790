"""Whether labels agree with one another: valence and arousal tell which expression is which."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emotion_core.drawn_faces.muscles import AFFECT
from emotion_core.emotions import DIMENSIONS, EXPRESSIONS

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_EXPECTED: Final = np.array([AFFECT[name][:2] for name in EXPRESSIONS])

_FIRM: Final = tuple(
    (EXPRESSIONS.index(name), DIMENSIONS.index(dimension))
    for dimension, names in {
        "valence": ("Happy", "Sad", "Fear", "Disgust", "Anger"),
        "arousal": ("Sad", "Surprise", "Fear", "Anger"),
    }.items()
    for name in names
)
"""Expressions whose mean valence or arousal lies on one side of 0 in every set of faces."""

_ORDERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "AffectNet's": " ".join(EXPRESSIONS),
        "alphabetical": " ".join(sorted(EXPRESSIONS)),
        "alphabetical (without Contempt)": "Anger Disgust Fear Happy Neutral Sad Surprise",
        "FER2013's": "Anger Disgust Fear Happy Sad Surprise Neutral",
        "FER+'s": "Neutral Happy Surprise Sad Anger Disgust Fear Contempt",
        "RAF-DB's": "Surprise Fear Disgust Happy Sad Anger Neutral",
        "CK+'s": "Neutral Anger Contempt Disgust Fear Happy Sad Surprise",
    }
)
"""Orders in which labelled faces are published."""

_OTHER_AFFECT: Final[Mapping[str, Floats]] = MappingProxyType(
    {
        "valence and arousal swapped": _EXPECTED[:, ::-1],
        "valence with the opposite sign": _EXPECTED * (-1, 1),
        "arousal with the opposite sign": _EXPECTED * (1, -1),
        "valence and arousal with the opposite sign": -_EXPECTED,
        "valence and arousal from 0 to 1 instead of -1 to 1": (_EXPECTED + 1) / 2,
    }
)
"""What may have happened to the two dimensions, and the means of the expressions then."""

_NEAR: Final = 0.2
"""Root mean square distance, over images, of a reading's class means from AffectNet's."""
_LEAST_SPREAD: Final = 0.1
"""Of values within an expression: a few equal values are no certainty."""


def contradiction(expressions: Integers, affect: Floats) -> str | None:
    """What is odd about a set's labels, with the figures that show it; None for sound ones.

    A mean speaks against the labels when it lies on the wrong side of 0 by more than three standard
    errors, with the spread within expressions taken together. Where another order of the labels, or
    other affect, makes all means those of AffectNet's annotators (Mollahosseini et al. 2017), it
    is named.

    Args:
        expressions: [N], indices into :data:`emotion_core.emotions.EXPRESSIONS`.
        affect: [N, 2], valence and arousal in [-1, 1].
    """
    counts = np.bincount(expressions, minlength=len(EXPRESSIONS))
    present = np.flatnonzero(counts)
    means = np.zeros(_EXPECTED.shape)
    for label in present:
        means[label] = affect[expressions == label].mean(axis=0)
    freedom = max(1, len(expressions) - len(present))
    spread = np.sqrt(((affect - means[expressions]) ** 2).sum(axis=0) / freedom)
    error = np.maximum(spread, _LEAST_SPREAD) / np.sqrt(np.maximum(counts, 1))[:, None]
    odd = [
        f"{EXPRESSIONS[label]} has mean {DIMENSIONS[dimension]} {means[label, dimension]:+.2f} "
        f"({_EXPECTED[label, dimension]:+.2f} in AffectNet)"
        for label, dimension in _FIRM
        if counts[label]
        and np.sign(_EXPECTED[label, dimension]) * means[label, dimension]
        < -3 * error[label, dimension]
    ]
    if not odd:
        return None

    def distance(expected: Floats) -> float:
        square = ((means[present] - expected) ** 2).sum(axis=1)
        return float(np.sqrt(np.average(square, weights=counts[present])))

    fits = {name: distance(expected) for name, expected in _readings(present)}
    best = min(fits, key=fits.__getitem__)
    is_clear = fits[best] < min(_NEAR, distance(_EXPECTED[present]) / 2)
    cure = f"; the figures fit {best}" if is_clear else ""
    order = ", ".join(f"{label} {name}" for label, name in enumerate(EXPRESSIONS))
    return (
        f"{', '.join(odd)}: expressions and affect do not fit together{cure}. Needed are labels in "
        f"the order {order}, and valence and arousal from -1 to 1"
    )


def _readings(present: Integers) -> Iterator[tuple[str, Floats]]:
    """Other ways to read the labels, with the means [K, 2] that the labels present then have."""
    for name, names in _ORDERS.items():
        order = names.split()
        for first in (0, 1):
            is_ours = order == list(EXPRESSIONS) and first == 0
            if not is_ours and first <= present.min() and present.max() < first + len(order):
                listed = ", ".join(f"{label} {each}" for label, each in enumerate(order, first))
                counted = ", counted from 1" if first else ""
                rows = [EXPRESSIONS.index(order[label - first]) for label in present]
                yield f"{name} order{counted} ({listed})", _EXPECTED[rows]
    for name, expected in _OTHER_AFFECT.items():
        yield name, expected[present]
