"""How valence and arousal fared: what CCC is made of, bias and limits, and where errors lie."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from emotion_core.comparison import formatting
from emotion_core.emotions import DIMENSIONS
from emotion_core.statistics import metrics
from emotion_core.statistics.predictions import Evaluation

RESIDUAL_BINS: Final = 40
"""Of equal width from -2 to 2."""
MIDDLE: Final = 0.2
"""Closer to the middle of the plane than this a face is called near neutral."""
LIMITS: Final = 1.96
"""Standard deviations on either side of the bias: the limits of agreement."""

_STRETCHED: Final = 1.1
_SHIFTED: Final = 0.05


@dataclass(frozen=True)
class DimensionFacts:
    """Valence or arousal of one run, over its validation images."""

    dimension: str
    ccc: float
    pearson: float
    """How well predictions follow the truth, whatever their scale and place."""
    bias_correction: float
    """What scale and place leave of it: CCC = Pearson's r times this factor, 0 to 1 (Lin 1989)."""
    scale: float
    """Spread of the predictions over spread of the truth; under 1 they play safe."""
    shift: float
    """Mean prediction minus mean truth, over the root of the product of both spreads."""
    bias: float
    """Mean prediction minus mean truth."""
    limit_low: float
    limit_high: float
    """Limits of agreement: bias ± 1.96 standard deviations of the residuals (Bland and Altman
    1986)."""
    residuals: tuple[int, ...]
    """Images by prediction minus truth, in :data:`RESIDUAL_BINS` bins from -2 to 2."""
    sentence: str


@dataclass(frozen=True)
class Region:
    """A part of the plane of valence and arousal, by the truth."""

    name: str
    count: int
    rmse_valence: float
    rmse_arousal: float
    bias_valence: float
    """Mean prediction minus mean truth."""
    bias_arousal: float


def dimension_facts(evaluation: Evaluation) -> tuple[DimensionFacts, ...]:
    """Valence, then arousal."""
    return tuple(_dimension(evaluation, column) for column in range(len(DIMENSIONS)))


def regions(evaluation: Evaluation) -> tuple[Region, ...]:
    """The middle and the four quadrants that hold an image, as in Russell's circumplex, 1980."""
    valence, arousal = evaluation.truth_va.T
    is_middle = valence**2 + arousal**2 < MIDDLE**2
    parts = (
        ("pleasant, excited", ~is_middle & (valence >= 0) & (arousal >= 0)),
        ("unpleasant, excited", ~is_middle & (valence < 0) & (arousal >= 0)),
        ("unpleasant, calm", ~is_middle & (valence < 0) & (arousal < 0)),
        ("pleasant, calm", ~is_middle & (valence >= 0) & (arousal < 0)),
        ("near the middle", is_middle),
    )
    found = []
    for name, inside in parts:
        if inside.any():
            gap = evaluation.va[inside] - evaluation.truth_va[inside]
            rmse, bias = np.sqrt((gap**2).mean(axis=0)), gap.mean(axis=0)
            found.append(
                Region(
                    name=name,
                    count=int(inside.sum()),
                    rmse_valence=float(rmse[0]),
                    rmse_arousal=float(rmse[1]),
                    bias_valence=float(bias[0]),
                    bias_arousal=float(bias[1]),
                )
            )
    return tuple(found)


def _dimension(evaluation: Evaluation, column: int) -> DimensionFacts:
    truth, predicted = evaluation.truth_va[:, column], evaluation.va[:, column]
    gap = predicted - truth
    bias = float(gap.mean())
    spread = float(gap.std(ddof=1)) if len(gap) > 1 else 0.0
    spreads = float(truth.std()), float(predicted.std())
    pearson, ccc = metrics.pearson(truth, predicted), metrics.ccc(truth, predicted)
    place = np.clip(np.floor((gap + 2) / 4 * RESIDUAL_BINS), 0, RESIDUAL_BINS - 1)
    scale = spreads[1] / spreads[0] if spreads[0] else 0.0
    common = math.sqrt(spreads[0] * spreads[1])
    return DimensionFacts(
        dimension=DIMENSIONS[column],
        ccc=ccc,
        pearson=pearson,
        bias_correction=ccc / pearson if pearson else 0.0,
        scale=scale,
        # A constant prediction has no spread but rounding's.
        shift=bias / common if common > 1e-6 else 0.0,
        bias=bias,
        limit_low=bias - LIMITS * spread,
        limit_high=bias + LIMITS * spread,
        residuals=tuple(np.bincount(place.astype(int), minlength=RESIDUAL_BINS).tolist()),
        sentence=_sentence(DIMENSIONS[column], scale, bias),
    )


def _sentence(dimension: str, scale: float, bias: float) -> str:
    """What to correct: two numbers correct scale and bias, only training improves correlation."""
    if scale < 1 / _STRETCHED:
        spread = (
            f"spreads too little ({formatting.percent(scale)} of the labels' standard deviation)"
        )
    elif scale > _STRETCHED:
        spread = f"spreads too much ({formatting.percent(scale)} of the labels' standard deviation)"
    else:
        spread = "spreads as far as the labels"
    if abs(bias) < _SHIFTED:
        return f"In {dimension} it {spread} and has no bias."
    way = "high" if bias > 0 else "low"
    return (
        f"In {dimension} it {spread} and is {formatting.score(abs(bias), 2)} too {way} on average."
    )
