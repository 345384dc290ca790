"""What one run predicted of its validation images: arrays, and the sums behind every metric."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from emotion_core.emotions import DIMENSIONS, EXPRESSIONS, PROBABILITY_COLUMNS
from emotion_core.errors import ReportError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

COLUMNS: Final = (
    "sample_id",
    "sha256",
    "expression",
    *DIMENSIONS,
    *PROBABILITY_COLUMNS,
    *(f"predicted_{dimension}" for dimension in DIMENSIONS),
)
"""The columns that a table of validation predictions must have."""


_TINY_VARIANCE: Final = 1e-12


@dataclass(frozen=True, eq=False)
class Predictions:
    """Truth and prediction of N samples; with ``group``, each group of samples left out in turn.

    What :class:`emotion_core.statistics.metrics.Metric` computes its formula from. Without
    ``group`` the sums below have the shapes named there; with ``group`` each has a further axis
    [G], and element g is computed without the samples of group g.

    Empty arrays, arrays of different lengths, labels outside 0 … 7 and NaN or infinite numbers are
    refused with :class:`ValueError`: a score of them would be a number about nothing.
    """

    truth: Integers
    """Labels [N], in the order of :data:`emotion_core.emotions.EXPRESSIONS`."""
    truth_va: Floats
    """Valence and arousal [N, 2]."""
    probabilities: Floats
    """[N, 8]."""
    va: Floats
    """Predicted valence and arousal [N, 2]."""
    group: npt.NDArray[np.intp] | None = field(default=None, kw_only=True)
    """Number of the group of each sample [N], 0 … G - 1; None leaves nothing out."""

    def __post_init__(self) -> None:
        count = len(self.truth)
        object.__setattr__(self, "truth", labels(self.truth))
        for name, width in (
            ("truth_va", len(DIMENSIONS)),
            ("probabilities", len(EXPRESSIONS)),
            ("va", len(DIMENSIONS)),
        ):
            object.__setattr__(self, name, finite(name, getattr(self, name), (count, width)))

    def __len__(self) -> int:
        return len(self.truth)

    @cached_property
    def predicted(self) -> Integers:
        """The most probable label [N], of equals the first."""
        return np.asarray(self.probabilities.argmax(axis=1))

    @cached_property
    def confidence(self) -> Floats:
        """Its probability [N]."""
        return np.asarray(self.probabilities.max(axis=1))

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """Which samples got their true label [N]."""
        return np.asarray(self.truth == self.predicted)

    @cached_property
    def falling(self) -> Integers:
        """Samples by falling probability of each label [8, N], equals in their own order."""
        return np.asarray(np.argsort(-self.probabilities.T, axis=1, kind="stable"))

    def mean(self, values: npt.ArrayLike) -> Floats:
        """Mean over the samples of ``values`` [N]: a scalar, or [G]."""
        values = np.asarray(values, dtype=np.float64)
        if self.group is None:
            return np.asarray(values.mean())
        left_out = np.bincount(self.group, weights=values)
        return np.asarray((values.sum() - left_out) / (len(self) - np.bincount(self.group)))

    @cached_property
    def confusion(self) -> Integers:
        """Samples by true and predicted label [8, 8], rows are the truth; or [G, 8, 8]."""
        k = len(EXPRESSIONS)
        counts = self._counts(self.truth * k + self.predicted, np.arange(len(self)), k * k)
        return np.moveaxis(counts, 0, -1).reshape(*counts.shape[1:], k, k)

    @cached_property
    def moments(self) -> "tuple[Moments, ...]":
        """Of valence, then of arousal."""
        return tuple(
            Moments(self, self.truth_va[:, column], self.va[:, column])
            for column in range(len(DIMENSIONS))
        )

    @cached_property
    def average_precisions(self) -> Floats:
        """Average precision of each label [8], or [G, 8]; NaN where no sample has the label.

        ``AP = Σ (R_n - R_{n-1}) P_n`` over the distinct thresholds, without interpolation; samples
        of equal probability stand at one threshold together. scikit-learn's
        ``average_precision_score`` is defined the same way. Source: M. Zhu, "Recall, precision and
        average precision", 2004.
        """
        groups = () if self.group is None else (int(self.group.max()) + 1,)
        found = np.full((len(EXPRESSIONS), *groups), np.nan)
        for label in np.unique(self.truth):
            order = self.falling[label]
            is_hit = self.truth[order] == label
            ends = last_of_ties(self.probabilities[order, label])
            # Recall rises only at thresholds where a hit stands.
            ends = ends[np.diff(np.cumsum(is_hit)[ends], prepend=0) > 0]
            threshold = np.searchsorted(ends, np.arange(len(order)))
            above = threshold < len(ends)
            everything = self._counts(threshold[above], order[above], len(ends)).cumsum(axis=0)
            gained = self._counts(threshold[is_hit], order[is_hit], len(ends))
            hits = gained.cumsum(axis=0)
            total = (gained * hits / np.maximum(everything, 1)).sum(axis=0)
            known = hits[-1] > 0
            found[label] = np.where(known, total / np.where(known, hits[-1], 1), np.nan)
        return np.moveaxis(found, 0, -1)

    def _counts(self, cell: Integers, samples: Integers, cells: int) -> Integers:
        """Number of ``samples`` in each cell: [cells], or [cells, G]."""
        total = np.bincount(cell, minlength=cells)
        if self.group is None:
            return total
        groups = int(self.group.max()) + 1
        left_out = np.bincount(cell * groups + self.group[samples], minlength=cells * groups)
        return total[:, None] - left_out.reshape(cells, groups)


class Moments:
    """Variances and covariance of a truth and a prediction; scalars, or [G]."""

    def __init__(self, samples: Predictions, truth: Floats, predicted: Floats) -> None:
        # About a middle value: sums of squares of numbers near 1 would lose digits.
        middle, other = truth.mean(), predicted.mean()
        x, y = truth - middle, predicted - other
        mean_x, mean_y = samples.mean(x), samples.mean(y)
        self.variance_truth: Floats = samples.mean(x * x) - mean_x**2
        self.variance_predicted: Floats = samples.mean(y * y) - mean_y**2
        self.covariance: Floats = samples.mean(x * y) - mean_x * mean_y
        self.gap: Floats = mean_x - mean_y + (middle - other)
        """Mean truth minus mean prediction."""
        smaller = np.minimum(self.variance_truth, self.variance_predicted)
        self.varies: npt.NDArray[np.bool_] = smaller > _TINY_VARIANCE
        """Whether both vary by more than the rounding of equal numbers."""


@dataclass(frozen=True, eq=False)
class Evaluation(Predictions):
    """The predictions of N validation samples, sorted by sample id."""

    images: npt.NDArray[np.intp]
    """Number of the distinct image of each sample [N]: byte-identical files share theirs."""
    sample_ids: tuple[str, ...]
    """[N], in the order of everything else."""
    identity: str
    """Digest of sample ids, images and labels: equal for runs that saw the same validation set."""

    @classmethod
    def from_frame(cls, predictions: pd.DataFrame) -> Self:
        """Read a table of validation predictions (:data:`COLUMNS`), in whatever order.

        Raises:
            ReportError: A column is missing, there is no row, a sample appears twice, or a number
                is missing or not finite; says which.
        """
        if missing := [name for name in COLUMNS if name not in predictions.columns]:
            raise ReportError(f"the validation predictions lack the column {', '.join(missing)}")
        if predictions.empty:
            raise ReportError("there are no validation predictions")
        frame = predictions.assign(sample_id=predictions["sample_id"].astype(str)).sort_values(
            "sample_id"
        )
        if frame["sample_id"].duplicated().any():
            twice = frame["sample_id"][frame["sample_id"].duplicated()].iloc[0]
            raise ReportError(f"sample {twice} appears twice among the validation predictions")
        numbers = frame[[name for name in COLUMNS if name not in ("sample_id", "sha256")]].astype(
            np.float64
        )
        if not np.isfinite(numbers.to_numpy()).all():
            raise ReportError("the validation predictions hold a missing or infinite number")
        return cls(
            truth=numbers["expression"].to_numpy(dtype=np.int64),
            truth_va=numbers[list(DIMENSIONS)].to_numpy(),
            probabilities=numbers[list(PROBABILITY_COLUMNS)].to_numpy(),
            va=numbers[[f"predicted_{name}" for name in DIMENSIONS]].to_numpy(),
            images=np.unique(frame["sha256"].to_numpy(dtype=str), return_inverse=True)[1],
            sample_ids=tuple(frame["sample_id"].tolist()),
            identity=_identity(frame),
        )

    def predicts_the_same(self, other: Predictions) -> bool:
        """Whether every prediction is the other's to the last bit."""
        return np.array_equal(self.probabilities, other.probabilities) and np.array_equal(
            self.va, other.va
        )

    @property
    def count_images(self) -> int:
        """Distinct images."""
        return int(self.images.max()) + 1

    def effective_images(self, among: npt.NDArray[np.bool_] | None = None) -> float:
        """How many distinct images these samples are worth: at most their number.

        Byte-identical files get one prediction, however many they are: m₁, m₂, … copies of contents
        weigh as (Σm)² / Σm² different images (L. Kish, "Survey sampling", 1965, section 11.7).

        Args:
            among: Which samples [N]; default: all. Of none it is 0.
        """
        copies = np.bincount(self.images if among is None else self.images[among])
        return float(copies.sum() ** 2 / max(1, (copies**2).sum()))


def labels(given: npt.ArrayLike) -> Integers:
    """Labels [N] as int64.

    Raises:
        ValueError: There are none, or one is no expression.
    """
    array = np.asarray(given)
    if array.ndim != 1 or array.size == 0 or array.dtype.kind not in "iu":
        raise ValueError(
            f"labels must be a non-empty array of integers [N], "
            f"not {array.dtype} of shape {array.shape}"
        )
    if array.min() < 0 or array.max() >= len(EXPRESSIONS):
        raise ValueError(f"a label lies outside 0 … {len(EXPRESSIONS) - 1}")
    return array.astype(np.int64)


def finite(name: str, given: npt.ArrayLike, shape: tuple[int, ...]) -> Floats:
    """An array of this shape as float64.

    Raises:
        ValueError: It has another shape, or holds NaN or infinite values.
    """
    array = np.asarray(given, dtype=np.float64)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, not {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or infinite values")
    return array


def last_of_ties(ordered: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Indices of the last element of each run of equal values in a sorted array [N]."""
    return np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))


def _identity(frame: pd.DataFrame) -> str:
    # float32 is what the tables keep: a file's float64 labels are the same samples.
    affect = frame[list(DIMENSIONS)].to_numpy(dtype=np.float32).tolist()
    # Lists: to walk over a column of a frame costs thirty times as much.
    columns = [frame[name].tolist() for name in ("sample_id", "sha256", "expression")]
    rows = [
        f"{sample_id}\0{sha256}\0{int(expression)}\0{valence:.6f}\0{arousal:.6f}\n"
        for sample_id, sha256, expression, (valence, arousal) in zip(*columns, affect, strict=True)
    ]
    return hashlib.sha256("".join(rows).encode("utf-8", "surrogatepass")).hexdigest()
