"""Single images by id: confident errors, disagreements of the networks, likely label errors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from emotion_core.emotions import EXPRESSIONS
from emotion_core.statistics.predictions import Evaluation

SHOWN: Final = 10
"""Images of each kind on the page."""


@dataclass(frozen=True)
class Call:
    """What one run says of an image."""

    expression: str
    confidence: float
    is_right: bool


@dataclass(frozen=True)
class Failure:
    """A confident error in the expression."""

    sample_id: str
    truth: str
    predicted: str
    confidence: float
    """Of the wrong answer."""
    p_truth: float
    """What it gives to the label."""


@dataclass(frozen=True)
class Miss:
    """An image whose valence and arousal a run misses by far."""

    sample_id: str
    truth: tuple[float, float]
    predicted: tuple[float, float]
    distance: float
    """In the plane, 0 to 2.83."""


@dataclass(frozen=True)
class Disagreement:
    """An image of which the runs say different things, each of them sure."""

    sample_id: str
    truth: str
    calls: tuple[Call, ...]
    """One per run with figures, in their order."""
    least_confidence: float
    """Of the least confident run."""


@dataclass(frozen=True)
class LikelyLabelError:
    """An image whose label is likely wrong."""

    sample_id: str
    labelled: str
    suggested: str
    p_labelled: float
    p_suggested: float
    found_by: str
    """A cross-validation by its name, or ``all N networks``."""


def failures(evaluation: Evaluation) -> tuple[Failure, ...]:
    """Confident errors, the most confident first."""
    wrong = np.flatnonzero(~evaluation.right)
    chosen = wrong[np.argsort(-evaluation.confidence[wrong], kind="stable")[:SHOWN]]
    return tuple(
        Failure(
            sample_id=evaluation.sample_ids[n],
            truth=EXPRESSIONS[evaluation.truth[n]],
            predicted=EXPRESSIONS[evaluation.predicted[n]],
            confidence=float(evaluation.confidence[n]),
            p_truth=float(evaluation.probabilities[n, evaluation.truth[n]]),
        )
        for n in chosen.tolist()
    )


def misses(evaluation: Evaluation) -> tuple[Miss, ...]:
    """The farthest answers in the plane of valence and arousal, farthest first."""
    gap = evaluation.va - evaluation.truth_va
    distance = np.sqrt(gap[:, 0] ** 2 + gap[:, 1] ** 2)
    return tuple(
        Miss(
            sample_id=evaluation.sample_ids[n],
            truth=(float(evaluation.truth_va[n, 0]), float(evaluation.truth_va[n, 1])),
            predicted=(float(evaluation.va[n, 0]), float(evaluation.va[n, 1])),
            distance=float(distance[n]),
        )
        for n in np.argsort(-distance, kind="stable")[:SHOWN].tolist()
    )


def disagreements(evaluations: Sequence[Evaluation]) -> tuple[Disagreement, ...]:
    """Images with different answers, the ones of which every run is most confident first.

    Args:
        evaluations: Of runs validated on the same images.
    """
    if len(evaluations) < 2:
        return ()
    called = np.stack([e.predicted for e in evaluations])
    sure = np.stack([e.confidence for e in evaluations])
    differs = np.flatnonzero((called != called[0]).any(axis=0))
    least = sure[:, differs].min(axis=0)
    first = evaluations[0]
    return tuple(
        Disagreement(
            sample_id=first.sample_ids[n],
            truth=EXPRESSIONS[first.truth[n]],
            calls=tuple(
                Call(EXPRESSIONS[e.predicted[n]], float(e.confidence[n]), bool(e.right[n]))
                for e in evaluations
            ),
            least_confidence=float(sure[:, n].min()),
        )
        for n in differs[np.argsort(-least, kind="stable")[:SHOWN]].tolist()
    )


def likely_label_errors(
    evaluations: Sequence[Evaluation], recorded: pd.DataFrame
) -> tuple[LikelyLabelError, ...]:
    """Labels that a cross-validation doubts, then those that every run here contradicts alike.

    Args:
        evaluations: Of runs validated on the same images.
        recorded: Columns ``sample_id``, ``labelled``, ``suggested``, ``p_given``,
            ``p_suggested``, ``found_by``; the widest margin first.
    """
    columns = ("sample_id", "labelled", "suggested", "p_given", "p_suggested", "found_by")
    rows = zip(*(recorded[name].head(SHOWN) for name in columns), strict=True)
    doubts = [
        LikelyLabelError(str(sample), str(given), str(other), float(p), float(q), str(by))
        for sample, given, other, p, q, by in rows
    ]
    known = {doubt.sample_id for doubt in doubts}
    agreed = [doubt for doubt in _contradicted(evaluations) if doubt.sample_id not in known]
    return (*doubts, *agreed)


def _contradicted(evaluations: Sequence[Evaluation]) -> list[LikelyLabelError]:
    if len(evaluations) < 2:
        return []
    first = evaluations[0]
    called = np.stack([e.predicted for e in evaluations])
    least = np.stack([e.confidence for e in evaluations]).min(axis=0)
    alike = (called == called[0]).all(axis=0) & (called[0] != first.truth) & (least >= 0.5)
    chosen = np.flatnonzero(alike)
    mean = np.mean([e.probabilities for e in evaluations], axis=0)
    margin = mean[chosen, called[0][chosen]] - mean[chosen, first.truth[chosen]]
    return [
        LikelyLabelError(
            sample_id=first.sample_ids[n],
            labelled=EXPRESSIONS[first.truth[n]],
            suggested=EXPRESSIONS[called[0][n]],
            p_labelled=float(mean[n, first.truth[n]]),
            p_suggested=float(mean[n, called[0][n]]),
            found_by=f"all {len(evaluations)} networks",
        )
        for n in chosen[np.argsort(-margin, kind="stable")[:SHOWN]].tolist()
    ]
