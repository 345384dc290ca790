"""What the demo did, asked from the tables."""

from rich import box
from rich.table import Table
from rich.text import Text

from emotion_core.errors import LocalSystemError
from emotion_core.statistics.metrics import METRICS
from emotion_core.store import batches, models, reports, training_runs
from emotion_core.store.database import Database


def comparison_table(database: Database, group_key: str) -> Table:
    """Every network of a training beside what guessing and a constant answer would reach."""
    with database.transaction("emotion_report") as connection:
        runs = training_runs.runs_in_group(connection, group_key)
        scores = models.run_scores(connection, group_key)
        versions = models.model_versions(connection, group_key=group_key)
        reference = training_runs.reference_metrics(connection, runs[0].id)
    versions.sort(key=lambda version: version.network)
    columns = [(version.name, scores[version.id]) for version in versions]
    for kind, heading in (("chance", "chance"), ("constant", "always the same")):
        rows = reference[reference["kind"] == kind]
        columns.append((heading, dict(zip(rows["metric"], rows["value"], strict=True))))
    first = runs[0]
    table = Table(
        title=Text(
            f"{first.count_validation} held-out images of {first.dataset_name} "
            f"({first.count_train} to train), weights: {first.weights_origin}"
        ),
        caption="↓ lower is better",
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
    )
    table.add_column("", no_wrap=True)
    for heading, _ in columns:
        table.add_column(Text(heading), justify="right")
    for metric in METRICS.values():
        label = f"{metric.label} {metric.dimension}" if metric.dimension else metric.label
        arrow = "" if metric.higher_is_better else "  ↓"
        values = [values.get(metric.name) for _, values in columns]
        cells = ["–" if value is None else f"{value:.3f}" for value in values]
        table.add_row(Text(label + arrow), *cells)
    return table


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
    counts = Table("files", "scored", "refused", "quarantined", "left", "by", box=box.SIMPLE_HEAD)
    counts.add_row(
        str(summary.count_found),
        str(summary.count_done),
        str(summary.count_rejected),
        str(summary.count_quarantined),
        str(summary.count_left),
        Text(summary.model),
    )
    reasons = Table(box=box.SIMPLE_HEAD)
    for heading in ("refused file", "reason", "what it means"):
        reasons.add_column(heading, overflow="fold")
    for file in refused:
        reasons.add_row(Text(file.file), Text(file.reason), Text(file.meaning))
    return counts, reasons


def verdict(database: Database, group_key: str) -> str:
    """What the comparison report of a training concludes."""
    with database.transaction("emotion_report") as connection:
        return reports.reports(connection, group_key)[0].verdict
