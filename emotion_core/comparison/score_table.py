"""The headline tables: every run and every yardstick, metric by metric."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from emotion_core.comparison import published_results
from emotion_core.comparison.compared_run import ComparedRun
from emotion_core.comparison.formatting import listing
from emotion_core.comparison.pair import Pair, clear_best
from emotion_core.statistics.metrics import METRICS, Metric
from emotion_core.statistics.paired_tests import Estimate

RowKind = Literal["run", "reference", "published"]

REFERENCES: Final = (
    (
        "constant",
        "Majority / mean baseline",
        "most frequent training label, mean of the training split",
    ),
    ("chance", "Chance", "each label with probability 1/8; true values in random order"),
)
"""Kind in the tables, name and meaning of each yardstick, the stronger first."""


@dataclass(frozen=True)
class ScoreCell:
    """One metric of one row."""

    estimate: Estimate | None
    is_best: bool
    """Whether the run beats every other in this metric by more than chance."""


@dataclass(frozen=True)
class ScoreRow:
    """One run or one yardstick."""

    kind: RowKind
    label: str
    detail: str | None
    number: int | None
    """Of the run; None for yardsticks."""
    missing: str | None
    """In place of the cells: why there are none."""
    cells: tuple[ScoreCell, ...]


@dataclass(frozen=True)
class ScoreTable:
    """The metrics of expression, of valence, or of arousal."""

    title: str
    columns: tuple[Metric, ...]
    rows: tuple[ScoreRow, ...]


def score_tables(runs: Sequence[ComparedRun], pairs: Sequence[Pair]) -> tuple[ScoreTable, ...]:
    """Three tables of the same rows: expression, valence, arousal.

    The published results stand in them when every run was made on real faces.
    """
    with_published = not any(run.record.dataset_is_drawn for run in runs)
    tables = []
    for title, dimension in (("Expression", None), ("Valence", "valence"), ("Arousal", "arousal")):
        columns = tuple(m for m in METRICS.values() if m.dimension == dimension)
        rows = [*_run_rows(runs, pairs, columns), *_reference_rows(runs, columns)]
        if with_published:
            rows += _published_rows(columns)
        tables.append(ScoreTable(title, columns, tuple(rows)))
    return tuple(tables)


def _run_rows(
    runs: Sequence[ComparedRun], pairs: Sequence[Pair], columns: Sequence[Metric]
) -> list[ScoreRow]:
    numbers = [run.number for run in runs if run.has_figures]
    best = {metric.name: clear_best(pairs, numbers, metric.name) for metric in columns}
    return [
        ScoreRow(
            kind="run",
            label=run.label,
            detail=None,
            number=run.number,
            missing=None if run.has_figures else _beginning(f"{run.state}: {run.reason}"),
            cells=tuple(
                ScoreCell(run.scores[metric.name], best[metric.name] == run.number)
                for metric in columns
            )
            if run.has_figures
            else (),
        )
        for run in runs
    ]


def _reference_rows(runs: Sequence[ComparedRun], columns: Sequence[Metric]) -> list[ScoreRow]:
    """A row per yardstick; several where runs were validated on different images."""
    rows = []
    for kind, label, detail in REFERENCES:
        owners: dict[tuple[float | None, ...], list[str]] = {}
        for run in runs:
            if run.has_figures and kind in run.references:
                values = tuple(_rounded(run.references[kind], metric) for metric in columns)
                owners.setdefault(values, []).append(run.label)
        for values, labels in owners.items():
            rows.append(
                ScoreRow(
                    kind="reference",
                    label=label,
                    detail=detail if len(owners) == 1 else f"{detail}; for {listing(labels)}",
                    number=None,
                    missing=None,
                    cells=tuple(_plain_cell(value) for value in values),
                )
            )
    return rows


def _published_rows(columns: Sequence[Metric]) -> list[ScoreRow]:
    return [
        ScoreRow(
            kind="published",
            label=f"{result.label}, as reported",
            detail=result.protocol,
            number=None,
            missing=None,
            cells=tuple(_plain_cell(result.scores.get(metric.name)) for metric in columns),
        )
        for result in published_results.RESULTS
    ]


def _beginning(text: str, limit: int = 160) -> str:
    # The whole of it stands among the warnings.
    return text if len(text) <= limit else f"{text[:limit]}…"


def _plain_cell(value: float | None) -> ScoreCell:
    return ScoreCell(None if value is None else Estimate(value), is_best=False)


def _rounded(values: Mapping[str, float], metric: Metric) -> float | None:
    # The same yardstick from two runs may differ in the last bits of its sums.
    value = values.get(metric.name)
    return None if value is None else round(value, 9)
