"""What the demo did, asked from the tables."""

from collections.abc import Mapping
from functools import partial

from rich.table import Table

from emotion_core.cli.console import table
from emotion_core.errors import LocalSystemError
from emotion_core.statistics.metrics import METRICS, Metric
from emotion_core.store import batches, models, reports, training_runs
from emotion_core.store.database import Database


def comparison_table(database: Database, group_key: str) -> Table:
    """Every network of a training beside chance and the majority / mean baseline."""
    with database.transaction("emotion_report") as connection:
        runs = training_runs.runs_in_group(connection, group_key)
        scores = models.run_scores(connection, group_key)
        versions = models.model_versions(connection, group_key=group_key)
        reference = training_runs.reference_metrics(connection, runs[0].id)
    versions.sort(key=lambda version: version.network)
    columns = [(version.name, scores[version.id]) for version in versions]
    for kind, heading in (("chance", "chance"), ("constant", "majority / mean")):
        rows = reference[reference["kind"] == kind]
        columns.append((heading, dict(zip(rows["metric"], rows["value"], strict=True))))
    shown = table(
        METRICS.values(),
        ("↓ lower is better", _label),
        *((heading, partial(_value, values)) for heading, values in columns),
    )
    shown.title = (
        f"{runs[0].count_validation} held-out images of {runs[0].dataset_name} "
        f"({runs[0].count_train} to train), weights: {runs[0].weights_origin}"
    )
    return shown


def batch_tables(database: Database, run_key: str) -> tuple[Table, Table]:
    """The counts of a batch, and every refused file with the reason.

    Raises:
        LocalSystemError: The batch is not in the tables, or is not closed.
    """
    with database.transaction("emotion_report") as connection:
        summary = batches.batch_summary(connection, run_key)
        refused = batches.refused_files(connection, run_key)
    if summary is None or not summary.is_closed:
        raise LocalSystemError(f"the batch {run_key} is not closed in the tables")
    counts = table(
        [summary],
        *("files: count_found", "scored: count_done", "refused: count_rejected"),
        *("count_quarantined", "count_left", "model"),
    )
    reasons = table(refused, "refused file: file", "reason", "what it means: meaning")
    return counts, reasons


def verdict(database: Database, group_key: str) -> str:
    """What the comparison report of a training concludes."""
    with database.transaction("emotion_report") as connection:
        return reports.reports(connection, group_key)[0].verdict


def _label(metric: Metric) -> str:
    label = f"{metric.label} {metric.dimension}" if metric.dimension else metric.label
    return label if metric.higher_is_better else f"{label}  ↓"


def _value(values: Mapping[str, float], metric: Metric) -> float | None:
    return values.get(metric.name)
