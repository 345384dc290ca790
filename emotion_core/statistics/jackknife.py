"""How far every metric moves with the images it was measured on: the jackknife, without a draw.

Every content is left out once, all its byte-identical files together, and every metric is computed
on what remains. From these scores follow a score's standard error and its bias (J. Tukey 1958;
B. Efron and R. Tibshirani, "An introduction to the bootstrap", 1993, chapter 11). All runs of a
comparison leave out the same contents, so that element ``n`` of two runs belongs together.

Nothing is drawn: the same predictions always give the same figures. Of more than :data:`SINGLY`
contents, :data:`GROUPS` groups are left out.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from emotion_core.statistics.metrics import METRICS, scores_of
from emotion_core.statistics.predictions import Evaluation, Floats, Predictions

SINGLY: Final = 2000
"""Up to so many contents are left out one by one."""
GROUPS: Final = 200
"""Groups of equal size of more contents; they know a standard error to 5 %."""


@dataclass(frozen=True, eq=False)
class Jackknife:
    """Every metric of one run's predictions, and how each content moves it."""

    evaluation: Evaluation

    @cached_property
    def scores(self) -> dict[str, float]:
        """Every metric as measured."""
        return scores_of(self.evaluation)

    @cached_property
    def moved(self) -> dict[str, Floats]:
        """Every metric as each content moves it: [G], G contents or groups of them.

        Of a score θ and the scores θ₍ᵢ₎ without content i, element i is
        θ − bias + √(G − 1)·(θ₍ᵢ₎ − mean θ₍ᵢ₎): the elements' standard deviation is the jackknife's
        standard error. Their mean is θ itself, but for metrics that few images flatter: there it is
        θ less the jackknife's bias (G − 1)·(mean θ₍ᵢ₎ − θ).
        """
        return {
            name: _moved(
                np.asarray(metric.formula(self._left), dtype=np.float64),
                np.asarray(self.scores[name]),
                metric.is_flattered,
            )
            for name, metric in METRICS.items()
        }

    @cached_property
    def average_precisions(self) -> Floats:
        """The average precision of each expression as each content moves it: [G, 8]."""
        left = self._left.average_precisions
        return _moved(np.atleast_2d(left), self.evaluation.average_precisions, True)

    @cached_property
    def _left(self) -> Predictions:
        whole = self.evaluation
        if whole.count_images == 1:  # without its only content there is no score
            return whole
        # Contents are numbered in the order of their SHA-256, which is no order at all: every group
        # is a random one, and the same whoever predicted.
        group = whole.images if whole.count_images <= SINGLY else whole.images % GROUPS
        return Predictions(whole.truth, whole.truth_va, whole.probabilities, whole.va, group=group)


def _moved(left: Floats, measured: Floats, is_flattered: bool) -> Floats:
    left = np.atleast_1d(left)
    # Without its only content an expression has no average precision: that tells nothing of it.
    known = np.where(np.isfinite(left), left, measured)
    further, middle = len(known) - 1, known.mean(axis=0)
    centre = measured - further * (middle - measured) if is_flattered else measured
    return np.asarray(centre + np.sqrt(further) * (known - middle))
