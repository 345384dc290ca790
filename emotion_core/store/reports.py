"""Rendered comparison reports, as rows: which there are and where they lie."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from emotion_core.store.queries import execute, rows


@dataclass(frozen=True)
class ReportRecord:
    """One rendered report."""

    group_key: str
    folder: str
    verdict: str
    count_runs: int
    rendered_at: datetime
    title: str = ""
    """The networks by name; empty for reports of an earlier release."""
    run_keys: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    """One per task, see :data:`emotion_core.comparison.verdict.Kind`."""
    is_drawn: bool = False
    """Whether no compared run saw a photograph."""


def record_report(connection: Connection, report: ReportRecord) -> None:
    """Enter a report, in place of an earlier one of the same key."""
    execute(connection, "record_report", **vars(report))


def reports(connection: Connection, group_key: str | None = None) -> list[ReportRecord]:
    """All reports, newest first, or the one of a key."""
    return rows(connection, "reports", ReportRecord, group_key=group_key)


def begin_report(connection: Connection) -> None:
    """Make this transaction, before anything is read in it, one snapshot that is read in bulk.

    A report must not mix rows from before and after somebody's write.
    """
    connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    execute(connection, "begin_report")
