"""A comparison of training runs, as facts: everything the page says, before it is a page."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from emotion_core.errors import ReportError
from emotion_core.reporting import numerals
from emotion_core.reporting.compared_run import ComparedRun, RunFacts, compared_run, run_labels
from emotion_core.reporting.conditions import Conditions, conditions_of
from emotion_core.reporting.notices import Notice, notices_for
from emotion_core.reporting.pair import Pair, pairs_of
from emotion_core.reporting.score_table import ScoreTable, score_tables
from emotion_core.reporting.statistics import RESAMPLES
from emotion_core.reporting.verdict import TASKS, Verdict, summary_of, verdict_on
from emotion_core.store.run_facts import run_calibration
from emotion_core.store.training_runs import (
    epoch_metrics,
    reference_metrics,
    runs_in_group,
    validation_predictions,
)

MOST_RUNS: Final = 8
"""More than this many runs have no colours that everyone can tell apart."""


@dataclass(frozen=True)
class Comparison:
    """Up to eight runs held against each other."""

    group_key: str
    made_at: datetime
    summary: str
    """All verdicts in one line."""
    verdicts: tuple[Verdict, ...]
    """One per task."""
    notices: tuple[Notice, ...]
    runs: tuple[ComparedRun, ...]
    not_paired: str | None
    """Why runs with figures cannot be held against each other; None if they can."""
    tables: tuple[ScoreTable, ...]
    pairs: tuple[Pair, ...]
    conditions: Conditions
    seed: int
    """Of the bootstrap."""
    resamples: int

    @property
    def compared(self) -> tuple[ComparedRun, ...]:
        """The runs that have figures."""
        return tuple(run for run in self.runs if run.has_figures)

    @property
    def title(self) -> str:
        """The runs by name; of many, their number."""
        labels = [run.label for run in self.runs]
        return numerals.listing(labels) if len(labels) <= 3 else f"{len(labels)} networks compared"

    @property
    def subject(self) -> tuple[str, str]:
        """Name of the data set and number of validation images, for all runs together."""
        names = {run.record.dataset_name: None for run in self.runs}
        counts = sorted({run.record.count_validation for run in self.runs})
        images = numerals.listing([numerals.count(count) for count in counts], "or")
        return (
            numerals.listing([numerals.visible(name, 200) for name in names]),
            f"{images} validation images",
        )

    @property
    def is_all_drawn(self) -> bool:
        """Whether no run saw a photograph."""
        return all(run.record.dataset_is_drawn for run in self.runs)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able: every figure of the page, rounded to six digits; no image-level data."""
        return {"schema": 1, **_plain(self)}


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
    return compare(
        [
            RunFacts(
                record=record,
                epochs=epoch_metrics(connection, record.id),
                predictions=validation_predictions(connection, record.id),
                reference=reference_metrics(connection, record.id),
                calibration=run_calibration(connection, record.id),
            )
            for record in records
        ],
        made_at,
    )


def compare(runs: Sequence[RunFacts], made_at: datetime) -> Comparison:
    """Compare runs: a pure function of their rows, so the same rows give the same page.

    Args:
        runs: One to eight, failed and unfinished ones too, in the order in which to show them.
        made_at: When the page is made; it stands on the page.

    Raises:
        ReportError: There are none or too many, or a run's rows cannot be used; names the run.
    """
    if not 1 <= len(runs) <= MOST_RUNS:
        raise ReportError(f"a comparison holds 1 to {MOST_RUNS} runs, not {len(runs)}")
    seed = runs[0].record.split_seed
    labels = run_labels([facts.record for facts in runs])
    compared = tuple(
        compared_run(facts, number, label, seed)
        for number, (facts, label) in enumerate(zip(runs, labels, strict=True))
    )
    not_paired = pairing_obstacle(compared)
    pairs = () if not_paired else pairs_of(compared)
    conditions = conditions_of(compared)
    verdicts = tuple(verdict_on(task, compared, pairs, not_paired) for task in TASKS)
    return Comparison(
        group_key=runs[0].record.group_key,
        made_at=made_at,
        summary=summary_of(verdicts),
        verdicts=verdicts,
        notices=notices_for(compared, conditions, not_paired),
        runs=compared,
        not_paired=not_paired,
        tables=score_tables(compared, pairs),
        pairs=pairs,
        conditions=conditions,
        seed=seed,
        resamples=RESAMPLES,
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
            names = numerals.listing([run.label for run in with_figures])
            return (
                f"{names} were validated {words}. Their figures stand side by side below, but "
                "they cannot be paired image by image, and no claim is made about which is better."
            )
    return None


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _plain(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if not field.metadata.get("page_only")
        }
    if isinstance(value, Mapping):
        return {
            "/".join(key) if isinstance(key, tuple) else str(key): _plain(item)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value
