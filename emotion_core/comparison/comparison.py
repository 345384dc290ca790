"""A comparison of training runs, as facts: everything the page says, before it is a page."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from emotion_core.comparison import formatting
from emotion_core.comparison.changes import Change, change_of
from emotion_core.comparison.compared_run import ComparedRun, RunFacts, compared_run, run_labels
from emotion_core.comparison.disagreement import (
    SHOWN,
    Disagreement,
    LikelyLabelError,
    disagreements,
    likely_label_errors,
)
from emotion_core.comparison.expressions import ConfusionDifference, confusion_difference
from emotion_core.comparison.facts import plain
from emotion_core.comparison.pair import Pair, pairs_of
from emotion_core.comparison.published_results import FieldResult, field_results
from emotion_core.comparison.run_configuration import RunConfiguration, configuration_of
from emotion_core.comparison.score_table import ScoreTable, score_tables
from emotion_core.comparison.verdict import TASKS, Verdict, summary_of, verdict_on
from emotion_core.comparison.warnings import ReportWarning, warnings_for
from emotion_core.errors import ReportError
from emotion_core.store.figures import FIGURES, figure_sql
from emotion_core.store.model_changes import ModelChange, changes_among
from emotion_core.store.run_facts import (
    run_calibration,
    run_card,
    run_costs,
    run_doubts,
    run_scoring_speeds,
)
from emotion_core.store.training_runs import (
    RunRecord,
    epoch_metrics,
    reference_metrics,
    run_by_key,
    runs_in_group,
    validation_predictions,
)

MOST_RUNS: Final = 8
"""More than this many runs have no colours that everyone can tell apart."""


@dataclass(frozen=True)
class Comparison:
    """Up to eight runs compared with each other."""

    group_key: str
    made_at: datetime
    summary: str
    """All verdicts in one line."""
    verdicts: tuple[Verdict, ...]
    """One per task."""
    warnings: tuple[ReportWarning, ...]
    runs: tuple[ComparedRun, ...]
    not_paired: str | None
    """Why runs with metrics cannot be compared with each other; None if they can."""
    tables: tuple[ScoreTable, ...]
    pairs: tuple[Pair, ...]
    confusion_differences: tuple[ConfusionDifference, ...]
    """One per pair."""
    disagreements: tuple[Disagreement, ...]
    likely_label_errors: tuple[LikelyLabelError, ...]
    changes: tuple[Change, ...]
    """What changed on delivered images where one of the runs' models replaced another's."""
    field_results: tuple[FieldResult, ...]
    """What others published; empty for drawn faces."""
    configuration: RunConfiguration
    figures: Mapping[str, str]
    """The SQL behind each figure, by the names of :data:`emotion_core.store.figures.FIGURES`."""

    @property
    def compared(self) -> tuple[ComparedRun, ...]:
        """The runs that have figures."""
        return tuple(run for run in self.runs if run.has_figures)

    @property
    def title(self) -> str:
        """The runs by name; of many, their number."""
        labels = [run.label for run in self.runs]
        return (
            formatting.listing(labels) if len(labels) <= 3 else f"{len(labels)} networks compared"
        )

    @property
    def subject(self) -> tuple[str, str]:
        """Name of the data set and number of validation images, for all runs together."""
        names = {run.record.dataset_name: None for run in self.runs}
        counts = sorted({run.record.count_validation for run in self.runs})
        images = formatting.listing([formatting.count(count) for count in counts], "or")
        return (
            formatting.listing([formatting.visible(name, 200) for name in names]),
            f"{images} validation images",
        )

    @property
    def shown_samples(self) -> frozenset[str]:
        """Ids of the single images on the page."""
        known = {image.sample_id for image in self.disagreements}
        known |= {image.sample_id for image in self.likely_label_errors}
        known |= {image.sample_id for run in self.runs for image in run.failures}
        known |= {image.sample_id for run in self.runs for image in run.misses}
        return frozenset(known)

    @property
    def is_all_drawn(self) -> bool:
        """Whether no run saw a photograph."""
        return all(run.record.dataset_is_drawn for run in self.runs)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able: every figure of the page, rounded to six digits. Of single images only what
        the page shows of them: ids with numbers."""
        return {"schema": 3, **plain(self)}


def read_comparison(connection: Any, group_key: str, made_at: datetime) -> Comparison:
    """Compare the runs of a group from the tables.

    Args:
        connection: Of :meth:`emotion_core.store.database.Database.transaction`, which sees one
            snapshot (this room does not import the database's own library to name its type).
        group_key: The Airflow run that trained the networks.
        made_at: When the page is made; it stands on the page.

    Raises:
        ReportError: The group has no run or too many, or a run's rows cannot be used.
    """
    records = runs_in_group(connection, group_key)
    if not records:
        raise ReportError(
            f"there is no training run of {group_key!r}: train first, or check the run's name"
        )
    return _compared(
        records,
        (_facts(connection, record) for record in records),
        made_at,
        key=records[0].group_key,
        changes=changes_among(connection, [record.id for record in records]),
    )


def read_comparison_of(connection: Any, run_keys: Sequence[str], made_at: datetime) -> Comparison:
    """Compare any runs, of any age, in the order given.

    Args:
        connection: As for :func:`read_comparison`.
        run_keys: One to eight, each once.
        made_at: When the page is made; it stands on the page.

    Raises:
        ReportError: A run is unknown or named twice, there are none or too many, or a run's rows
            cannot be used.
    """
    if not 1 <= len(run_keys) <= MOST_RUNS:
        raise ReportError(f"a comparison holds 1 to {MOST_RUNS} runs, not {len(run_keys)}")
    records: dict[str, RunRecord] = {}
    for run_key in run_keys:
        record = run_by_key(connection, run_key)
        if record is None:
            raise ReportError(f"there is no training run {run_key!r}; see `emotion runs`")
        if run_key in records:
            raise ReportError(f"training run {run_key!r} is named twice; name each once")
        records[run_key] = record
    return _compared(
        list(records.values()),
        (_facts(connection, record) for record in records.values()),
        made_at,
        key=key_of(run_keys),
        changes=changes_among(connection, [record.id for record in records.values()]),
    )


def key_of(run_keys: Sequence[str]) -> str:
    """The key of a report of these runs: the same for the same runs in the same order."""
    digest = hashlib.sha256("\0".join(run_keys).encode("utf-8", "surrogatepass")).hexdigest()
    return f"runs__{digest[:16]}"


def _facts(connection: Any, record: RunRecord) -> RunFacts:
    return RunFacts(
        record=record,
        epochs=epoch_metrics(connection, record.id),
        predictions=validation_predictions(connection, record.id),
        reference=reference_metrics(connection, record.id),
        calibration=run_calibration(connection, record.id),
        doubts=run_doubts(connection, record.id, SHOWN),
        card=run_card(connection, record.id),
        costs=tuple(run_costs(connection, record.id)),
        speeds=tuple(run_scoring_speeds(connection, record.id)),
    )


def compare(
    runs: Sequence[RunFacts],
    made_at: datetime,
    key: str | None = None,
    changes: Sequence[ModelChange] = (),
) -> Comparison:
    """Compare runs: a pure function of their rows, so the same rows give the same page.

    Args:
        runs: One to eight, failed and unfinished ones too, in the order in which to show them.
        made_at: When the page is made; it stands on the page.
        key: Of the report; default: the group of the first run.
        changes: Of champion among these runs, each with images that both models scored.

    Raises:
        ReportError: There are none or too many, or a run's rows cannot be used; names the run.
    """
    if not runs:
        raise ReportError(f"a comparison holds 1 to {MOST_RUNS} runs, not 0")
    return _compared(
        [facts.record for facts in runs],
        runs,
        made_at,
        key=runs[0].record.group_key if key is None else key,
        changes=changes,
    )


def _compared(
    records: Sequence[RunRecord],
    facts: Iterable[RunFacts],
    made_at: datetime,
    *,
    key: str,
    changes: Sequence[ModelChange],
) -> Comparison:
    """As :func:`compare`; one run is evaluated while the rows of the next are still being read."""
    if len(records) > MOST_RUNS:
        raise ReportError(f"a comparison holds 1 to {MOST_RUNS} runs, not {len(records)}")
    runs: list[RunFacts] = []

    def read() -> Iterator[RunFacts]:
        for one in facts:
            runs.append(one)
            yield one

    # Sorting and summing leave the interpreter free: two runs at a time fill two cores.
    with ThreadPoolExecutor(max_workers=2) as pool:
        compared = tuple(
            pool.map(compared_run, read(), range(len(records)), run_labels(list(records)))
        )
    not_paired = pairing_obstacle(compared)
    pairs = () if not_paired else pairs_of(compared)
    configuration = configuration_of(compared)
    verdicts = tuple(verdict_on(task, compared, pairs, not_paired) for task in TASKS)
    evaluations = {run.number: run.evaluation for run in compared if run.evaluation is not None}
    together = [] if not_paired else list(evaluations.values())
    return Comparison(
        group_key=key,
        made_at=made_at,
        summary=summary_of(verdicts),
        verdicts=verdicts,
        warnings=warnings_for(compared, configuration, not_paired),
        runs=compared,
        not_paired=not_paired,
        tables=score_tables(compared, pairs),
        pairs=pairs,
        confusion_differences=tuple(
            confusion_difference(evaluations[pair.first], evaluations[pair.second])
            for pair in pairs
        ),
        disagreements=disagreements(together),
        likely_label_errors=likely_label_errors(together, runs[0].doubts),
        changes=tuple(change_of(change) for change in changes),
        field_results=field_results(compared),
        configuration=configuration,
        figures=MappingProxyType(
            {name: figure_sql(name, [run.record.id for run in compared]) for name in FIGURES}
        ),
    )


def pairing_obstacle(runs: Sequence[ComparedRun]) -> str | None:
    """Why these runs were not validated on the same images; None if they were."""
    with_figures = [run for run in runs if run.evaluation is not None]
    reasons = (
        (
            "on different data sets",
            [run.record.dataset_fingerprint for run in with_figures],
        ),
        (
            "on different splits of the data set",
            [(run.record.split_seed, run.record.validation_share) for run in with_figures],
        ),
        (
            "on different images or labels",
            [run.evaluation.identity for run in with_figures if run.evaluation is not None],
        ),
    )
    for words, keys in reasons:
        if len(set(keys)) > 1:
            names = formatting.listing([run.label for run in with_figures])
            return (
                f"{names} were validated {words}. Their metrics stand side by side below, but "
                "they cannot be paired image by image, and no claim is made about which is better."
            )
    return None
