"""What one run said of its validation images, as arrays in one order."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from emotion_core.emotions import DIMENSIONS, PROBABILITY_COLUMNS
from emotion_core.errors import ReportError
from emotion_core.statistics import metrics

COLUMNS = (
    "sample_id",
    "sha256",
    "expression",
    *DIMENSIONS,
    *PROBABILITY_COLUMNS,
    *(f"predicted_{dimension}" for dimension in DIMENSIONS),
)
"""The columns that a table of validation predictions must have."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Truth and prediction of N validation samples, sorted by sample id."""

    truth: metrics.Integers
    """Labels [N]."""
    truth_va: metrics.Floats
    """Valence and arousal [N, 2]."""
    probabilities: metrics.Floats
    """[N, 8]."""
    va: metrics.Floats
    """Predicted valence and arousal [N, 2]."""
    images: npt.NDArray[np.intp]
    """Number of the distinct image of each sample [N]: byte-identical files share theirs."""
    sample_ids: tuple[str, ...]
    """[N], in the order of everything else."""
    identity: str
    """Digest of sample ids, images and labels: equal for runs that saw the same validation part."""
    predicted: metrics.Integers = field(init=False)
    """The most probable label [N]."""
    confidence: metrics.Floats = field(init=False)
    """Its probability [N]."""
    confusion: metrics.Integers = field(init=False)
    """[8, 8], rows are the truth."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "predicted", self.probabilities.argmax(axis=1))
        object.__setattr__(self, "confidence", self.probabilities.max(axis=1))
        object.__setattr__(self, "confusion", metrics.confusion_matrix(self.truth, self.predicted))

    @classmethod
    def from_frame(cls, predictions: pd.DataFrame) -> "Evaluation":
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
        figures = frame[[name for name in COLUMNS if name not in ("sample_id", "sha256")]]
        if not np.isfinite(figures.to_numpy(dtype=np.float64, na_value=np.nan)).all():
            raise ReportError("the validation predictions hold a missing or infinite number")
        numbers = {name: figures[name].to_numpy(dtype=np.float64) for name in figures}
        return cls(
            truth=numbers["expression"].astype(np.int64),
            truth_va=np.stack([numbers[name] for name in DIMENSIONS], axis=1),
            probabilities=np.stack([numbers[name] for name in PROBABILITY_COLUMNS], axis=1),
            va=np.stack([numbers[f"predicted_{name}"] for name in DIMENSIONS], axis=1),
            images=np.unique(frame["sha256"].astype(str).to_numpy(dtype=str), return_inverse=True)[
                1
            ],
            sample_ids=tuple(frame["sample_id"].tolist()),
            identity=_identity(frame),
        )

    def __len__(self) -> int:
        return len(self.truth)

    @cached_property
    def falling(self) -> metrics.Integers:
        """Samples by falling probability of each label [8, N], equals in their own order."""
        return np.argsort(-self.probabilities.T, axis=1, kind="stable").astype(np.int64)

    @cached_property
    def average_precisions(self) -> metrics.Floats:
        """Of each label [8]; NaN where no sample has it."""
        return metrics.average_precisions(self.truth, self.probabilities)

    def says_the_same(self, other: "Evaluation") -> bool:
        """Whether every answer is the other's to the last bit."""
        return np.array_equal(self.probabilities, other.probabilities) and np.array_equal(
            self.va, other.va
        )

    def evidence(self, among: npt.NDArray[np.bool_] | None = None) -> float:
        """How many distinct images these samples tell as much as: at most their number.

        Byte-identical files get one answer, however many they are: m₁, m₂, … copies of contents
        weigh as (Σm)² / Σm² different images (L. Kish, "Survey sampling", 1965, section 11.7).

        Args:
            among: Which samples [N]; default: all. Of none the evidence is 0.
        """
        copies = np.bincount(self.images if among is None else self.images[among])
        return float(copies.sum() ** 2 / max(1, (copies**2).sum()))

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """Which samples got their true label [N]."""
        return np.asarray(self.truth == self.predicted)

    def scores(self) -> dict[str, float]:
        """Every metric, by name."""
        return metrics.score(self.truth, self.truth_va, self.probabilities, self.va)


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
