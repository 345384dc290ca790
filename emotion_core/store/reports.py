"""Rendered comparison reports, as rows: which there are and where they lie."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from emotion_core.store.queries import query


@dataclass(frozen=True)
class ReportRecord:
    """One rendered report."""

    group_key: str
    folder: str
    verdict: str
    count_runs: int
    rendered_at: datetime


def record_report(connection: Connection, report: ReportRecord) -> None:
    """Enter a report, in place of an earlier one of the same group."""
    connection.execute(query("record_report"), vars(report))


def reports(connection: Connection, group_key: str | None = None) -> list[ReportRecord]:
    """All reports, newest first, or the one of a group."""
    rows = connection.execute(query("reports"), {"group_key": group_key}).mappings()
    return [ReportRecord(**row) for row in rows]
