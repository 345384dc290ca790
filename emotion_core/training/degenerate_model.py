"""Noticing that a training learned nothing, before a model version comes of it."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc

from emotion_core.emotions import DIMENSIONS, EXPRESSIONS
from emotion_core.vision.scores import Scores

FEWEST_IMAGES = 64
"""With fewer held-out images, guessing and knowing cannot be told apart."""
LIKELY_BY_CHANCE = 0.01
"""An accuracy which guessing reaches with this probability or more is near chance."""
LARGEST_SHARE = 0.6
"""More predictions than this in one class is one class taking most of them."""
SMALLEST_SPREAD = 0.1
"""A dimension whose predictions vary less than this share of the truth's deviation is flat."""


def why_degenerate(
    truth: NDArray[np.int64], truth_va: NDArray[np.float64], scores: Scores, *, learns_affect: bool
) -> str | None:
    """Why a network is of no use, in one sentence; None when it is of some.

    It must be near chance, by an exact binomial test against always saying the most frequent
    expression, and besides say one expression most of the time or hardly vary in valence or
    arousal. A weak network that tries is not degenerate.

    Args:
        truth: [N], held-out images.
        truth_va: [N, 2].
        scores: The network's, for the same images.
        learns_affect: Whether valence and arousal were part of the loss.
    """
    count = len(truth)
    if count < FEWEST_IMAGES:
        return None
    right = int((scores.expressions == truth).sum())
    chance = float(np.bincount(truth, minlength=len(EXPRESSIONS)).max() / count)
    # Probability that guessing gets this many right or more.
    if bdtrc(right - 1, count, chance) < LIKELY_BY_CHANCE:
        return None
    signs = []
    said = np.bincount(scores.expressions, minlength=len(EXPRESSIONS)) / count
    if said.max() > LARGEST_SHARE:
        signs.append(f"{EXPRESSIONS[int(said.argmax())]} takes {said.max():.0%} of the predictions")
    if learns_affect:
        spread = scores.va.std(axis=0) / np.maximum(truth_va.std(axis=0), 1e-9)
        signs += [
            f"{dimension} hardly varies ({spread[index]:.0%} of the truth's deviation)"
            for index, dimension in enumerate(DIMENSIONS)
            if spread[index] < SMALLEST_SPREAD
        ]
    if not signs:
        return None
    return (
        f"the model is degenerate: accuracy {right / count:.3f} on {count} held-out images is near "
        f"chance ({chance:.3f}), and {' and '.join(signs)}; use another learning_rate, more epochs "
        "or pretrained weights"
    )
