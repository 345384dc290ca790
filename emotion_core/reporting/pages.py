"""The small pages around the comparison: the index of reports, one batch, a sentence."""

from collections.abc import Callable, Sequence

from emotion_core.reporting.render import render_page
from emotion_core.store.batches import BatchSummary, RefusedFile
from emotion_core.store.reports import ReportRecord


def render_index(reports: Sequence[ReportRecord], link: Callable[[str], str]) -> str:
    """Every report with its verdict.

    Args:
        reports: In the order in which to show them.
        link: The address of a group's report.
    """
    return render_page(
        "index.html", reports=[(report, link(report.group_key)) for report in reports]
    )


def render_batch(summary: BatchSummary, refused: Sequence[RefusedFile]) -> str:
    """One scoring run: what came, what became of it, and why files were refused."""
    return render_page("batch.html", batch=summary, refused=refused)


def render_message(text: str) -> str:
    """A page that says one sentence."""
    return render_page("message.html", text=text)
