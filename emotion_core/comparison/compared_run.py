"""One run as a comparison shows it: its record, its metrics with intervals, its mistakes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal, Protocol

import pandas as pd

from emotion_core.comparison.affect import DimensionFacts, Region, dimension_facts, regions
from emotion_core.comparison.confidence import Confidence, confidence_of
from emotion_core.comparison.cost import RunCost, cost_of
from emotion_core.comparison.disagreement import Failure, Miss, failures, misses
from emotion_core.comparison.expressions import (
    ClassScore,
    ConfusedPair,
    Mistake,
    class_scores,
    confused_pairs,
    mistakes,
)
from emotion_core.comparison.formatting import visible
from emotion_core.comparison.model_card import ModelCard, model_card
from emotion_core.emotions import DIMENSIONS
from emotion_core.errors import ReportError, WeightsError
from emotion_core.statistics.calibration import Calibration
from emotion_core.statistics.jackknife import Jackknife
from emotion_core.statistics.metrics import METRICS, chance_line, selection_score
from emotion_core.statistics.paired_tests import Estimate, estimates
from emotion_core.statistics.predictions import Evaluation
from emotion_core.store.run_facts import ScoringSpeed
from emotion_core.store.training_runs import RunRecord
from emotion_core.vision.architectures import architecture_named
from emotion_core.vision.cost import ModelCost

State = Literal["succeeded", "failed", "running"]
Curve = tuple[tuple[int, float], ...]

SELECTION: Final = "selection_score"
"""Name of the curve of :func:`emotion_core.statistics.metrics.selection_score`."""
DOUBT_COLUMNS: Final = (
    "sample_id",
    "labelled",
    "suggested",
    "p_given",
    "p_suggested",
    "found_by",
)
"""Of labels that a cross-validation doubts."""


class Scored(Protocol):
    """What can be judged: a run, or a network by all of its trainings."""

    @property
    def number(self) -> int:
        """Place in the comparison from 0; decides colour and marker."""

    @property
    def label(self) -> str:
        """What the page calls it; different for each of a comparison."""

    @property
    def scores(self) -> Mapping[str, Estimate]:
        """By metric; empty without figures."""

    @property
    def references(self) -> Mapping[str, Mapping[str, float]]:
        """``chance`` and ``constant``: metric to value, as far as known."""

    @property
    def has_figures(self) -> bool:
        """Whether it can be compared."""


@dataclass(frozen=True, eq=False)
class RunFacts:
    """What the tables hold about one run."""

    record: RunRecord
    epochs: pd.DataFrame
    """Columns ``split``, ``epoch``, ``metric``, ``value``."""
    predictions: pd.DataFrame
    """Columns of :data:`emotion_core.statistics.predictions.COLUMNS`; empty if it has none."""
    metrics: pd.DataFrame
    """Columns ``kind`` (``network``, ``chance`` or ``constant``), ``metric``, ``value``, ``low``,
    ``high``: what registering stored."""
    calibration: Calibration | None = None
    """As recorded after training; None if it was not."""
    doubts: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(DOUBT_COLUMNS)))
    """Columns :data:`DOUBT_COLUMNS`, the widest margin first."""
    card: Mapping[str, Any] | None = None
    """``model.json``; None if no model came of it."""
    costs: tuple[ModelCost, ...] = ()
    speeds: tuple[ScoringSpeed, ...] = ()


@dataclass(frozen=True, eq=False)
class ComparedRun:
    """One run of a comparison. Without an evaluation it has no metrics to show."""

    number: int
    """Place in the comparison from 0; decides colour and marker."""
    label: str
    """What the page calls it; different for each run of a comparison."""
    record: RunRecord
    state: State
    reason: str | None
    """Why it has no metrics; None if it has."""
    scores: Mapping[str, Estimate]
    """By metric, as registering stored them; empty without an evaluation."""
    references: Mapping[str, Mapping[str, float]]
    """``chance`` and ``constant``: metric to value, as far as known."""
    classes: tuple[ClassScore, ...]
    """One per expression; empty without an evaluation."""
    mistakes: tuple[Mistake, ...]
    """The most frequent ones, most frequent first."""
    confused: tuple[ConfusedPair, ...]
    """Expressions taken for each other, most often first."""
    affect: tuple[DimensionFacts, ...]
    """Valence, then arousal; empty without an evaluation."""
    regions: tuple[Region, ...]
    """Errors by where the truth lies; empty without an evaluation."""
    failures: tuple[Failure, ...]
    """Confident errors in the expression, the most confident first."""
    misses: tuple[Miss, ...]
    """Farthest off in valence and arousal, farthest first."""
    cost: RunCost
    card: ModelCard | None
    confidence: Confidence | None
    """What its confidence is worth; None without an evaluation."""
    curves: Mapping[tuple[str, str], Curve] = field(repr=False)
    """(split, metric) to (epoch, value) in order."""
    evaluation: Evaluation | None = field(repr=False, metadata={"page_only": True})
    resampled: Jackknife | None = field(repr=False, metadata={"page_only": True})
    """How each content moves every metric; None without an evaluation."""

    @property
    def has_figures(self) -> bool:
        """Whether it can be compared."""
        return self.evaluation is not None


def compared_run(facts: RunFacts, number: int, label: str) -> ComparedRun:
    """Compute everything about one run.

    Raises:
        ReportError: Its predictions cannot be used; names the run.
    """
    record = facts.record
    evaluation = _evaluation(facts, label)
    resampled = None if evaluation is None else Jackknife(evaluation)
    return ComparedRun(
        number=number,
        label=label,
        record=record,
        state=_state(record),
        reason=_reason(record, evaluation),
        scores={} if resampled is None else _scores(facts.metrics, resampled),
        references=_references(facts.metrics, evaluation),
        classes=() if resampled is None else class_scores(resampled),
        mistakes=() if evaluation is None else mistakes(evaluation),
        confused=() if evaluation is None else confused_pairs(evaluation),
        affect=() if evaluation is None else dimension_facts(evaluation),
        regions=() if evaluation is None else regions(evaluation),
        failures=() if evaluation is None else failures(evaluation),
        misses=() if evaluation is None else misses(evaluation),
        cost=cost_of(record, facts.costs, facts.speeds),
        card=model_card(record, facts.card, facts.calibration),
        confidence=None if evaluation is None else confidence_of(evaluation, facts.calibration),
        curves=_curves(facts.epochs),
        evaluation=evaluation,
        resampled=resampled,
    )


def run_labels(records: list[RunRecord]) -> list[str]:
    """A name for each run, short but no two alike: network, preset, model version, a number."""
    labels = [network_label(record.network) for record in records]
    if len(set(labels)) < len(labels):
        labels = [
            f"{label} ({visible(record.preset, 40)})" if labels.count(label) > 1 else label
            for label, record in zip(labels, records, strict=True)
        ]
    versions = [_version(record) for record in records]
    for label in {label for label in labels if labels.count(label) > 1}:
        places = [n for n, other in enumerate(labels) if other == label]
        if len({versions[n] for n in places} - {""}) == len(places):
            for n in places:
                labels[n] = f"{label} {versions[n]}"
    seen: dict[str, int] = {}
    unique = []
    for label in labels:
        seen[label] = seen.get(label, 0) + 1
        unique.append(label if labels.count(label) == 1 else f"{label} {seen[label]}")
    return unique


def network_label(network: str) -> str:
    """How people write a network: ``ResNet50``."""
    try:
        return architecture_named(network).label
    except WeightsError:  # registered by a newer version, which knows more networks
        return visible(network, 60)


def _version(record: RunRecord) -> str:
    """``v3`` of the model ``resnet50 v3``; empty if no model came of the run."""
    return visible((record.model_name or "").rpartition(" ")[2], 20)


def _state(record: RunRecord) -> State:
    if record.status == "succeeded":
        return "succeeded"
    return "failed" if record.status == "failed" else "running"


def _reason(record: RunRecord, evaluation: Evaluation | None) -> str | None:
    if evaluation is not None:
        return None
    if record.status == "failed":
        return visible(record.failure or "no reason was recorded", 800)
    if record.status == "succeeded":
        return "it has ended, but its validation predictions are not in the tables"
    return "it has not ended yet"


def _evaluation(facts: RunFacts, label: str) -> Evaluation | None:
    if facts.record.status != "succeeded" or facts.predictions.empty:
        return None
    try:
        return Evaluation.from_frame(facts.predictions)
    except (ReportError, ValueError) as error:
        raise ReportError(f"run {facts.record.run_key!r} ({label}): {error}") from error


def _scores(stored: pd.DataFrame, resampled: Jackknife) -> Mapping[str, Estimate]:
    """The stored figures; a metric that is newer than the run is computed here."""
    rows = stored[(stored["kind"] == "network") & stored["low"].notna()]
    known = {
        str(name): Estimate(float(value), float(low), float(high))
        for name, value, low, high in zip(
            rows["metric"], rows["value"], rows["low"], rows["high"], strict=True
        )
    }
    if METRICS.keys() - known.keys():
        known = estimates(resampled) | known
    return MappingProxyType({name: known[name] for name in METRICS})


def _references(
    stored: pd.DataFrame, evaluation: Evaluation | None
) -> Mapping[str, Mapping[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for kind, metric, value in zip(stored["kind"], stored["metric"], stored["value"], strict=True):
        if kind != "network":
            found.setdefault(str(kind), {})[str(metric)] = float(value)
    if "chance" not in found and evaluation is not None:
        found["chance"] = chance_line(evaluation.truth, evaluation.truth_va)
    return MappingProxyType({kind: MappingProxyType(values) for kind, values in found.items()})


def _curves(epochs: pd.DataFrame) -> Mapping[tuple[str, str], Curve]:
    values: dict[tuple[str, str], dict[int, float]] = {}
    for split, epoch, metric, value in zip(
        epochs["split"], epochs["epoch"], epochs["metric"], epochs["value"], strict=True
    ):
        values.setdefault((str(split), str(metric)), {})[int(epoch)] = float(value)
    needed = ("macro_f1", *(f"ccc_{name}" for name in DIMENSIONS))
    for split in {split for split, _ in values}:
        if all((split, name) in values for name in needed):
            together = set.intersection(*(set(values[split, name]) for name in needed))
            values[split, SELECTION] = {
                epoch: selection_score({name: values[split, name][epoch] for name in needed})
                for epoch in together
            }
    return MappingProxyType({key: tuple(sorted(curve.items())) for key, curve in values.items()})
