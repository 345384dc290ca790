"""The index of reports: those that its form lets through, and the newest batches."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote

from emotion_core.files import folder_name, replacing
from emotion_core.pages.batch import batch_file
from emotion_core.pages.page import render_page
from emotion_core.pages.stored_reports import PAGE_FILE, earlier_pages
from emotion_core.store.batches import BatchSummary
from emotion_core.store.reports import ReportRecord

INDEX_PAGE: Final = "index.html"

_OUTCOMES: Final = {
    "winner": "a winner",
    "no_winner": "no clear winner",
    "no_skill": "no better than guessing",
    "one_run": "one network only",
    "not_paired": "not the same images",
    "no_run": "no result",
}


@dataclass(frozen=True)
class IndexFilter:
    """Which reports to show; empty text lets all through."""

    words: str = ""
    """Each must occur in title, verdict, key or data set, in whichever case."""
    network: str = ""
    dataset: str = ""
    outcome: str = ""
    """As people read it: ``a winner``, ``no clear winner``, ..."""
    faces: str = ""
    """``drawn`` or ``photographs``."""

    def matches(self, report: ReportRecord) -> bool:
        """Whether the report is to be shown."""
        text = " ".join(
            (report.title, report.verdict, report.group_key, *report.datasets, *report.run_keys)
        ).casefold()
        return (
            all(word in text for word in self.words.casefold().split())
            and (not self.network or self.network in report.networks)
            and (not self.dataset or self.dataset in report.datasets)
            and (not self.outcome or self.outcome in _outcomes(report))
            and (not self.faces or (self.faces == "drawn") == report.is_drawn)
        )

    def menus(self, reports: Sequence[ReportRecord]) -> tuple[tuple[str, str, Sequence[str]], ...]:
        """Of the form: name of the field, title, what can be chosen."""
        return (
            ("network", "Network", _known(report.networks for report in reports)),
            ("dataset", "Data set", _known(report.datasets for report in reports)),
            ("outcome", "Outcome", _known(_outcomes(report) for report in reports)),
            ("faces", "Faces", ("photographs", "drawn")),
        )


@dataclass(frozen=True)
class IndexPage:
    """What the page shows; its template asks for the links."""

    reports: Sequence[ReportRecord]
    """All of them, in the order in which to show them."""
    batches: Sequence[BatchSummary]
    report_link: Callable[[str], str]
    """The address of a report by its key."""
    batch_link: Callable[[str], str]
    """The address of a batch's page by its key."""
    filter: IndexFilter = IndexFilter()
    is_file: bool = False
    """Opened from a disk, where nobody answers a form."""
    earlier: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By key, the addresses of pages whose place a newer one took, newest first."""

    @property
    def shown(self) -> list[ReportRecord]:
        """The reports that the form lets through."""
        return [report for report in self.reports if self.filter.matches(report)]


def write_index(
    reports: Sequence[ReportRecord], batches: Sequence[BatchSummary], folder: Path
) -> Path:
    """Write ``index.html`` beside the reports, for people without Airflow; returns its path.

    Every link leads to a file below ``folder``; reports and batches without one are left out.
    """
    found = [r for r in reports if (folder / folder_name(r.group_key) / PAGE_FILE).is_file()]
    index = IndexPage(
        found,
        [batch for batch in batches if (folder / batch_file(batch.run_key)).is_file()],
        report_link=lambda key: f"{quote(folder_name(key))}/{PAGE_FILE}",
        batch_link=lambda key: quote(batch_file(key)),
        is_file=True,
        earlier={
            report.group_key: [
                quote(str(path.relative_to(folder)))
                for path in earlier_pages(folder / folder_name(report.group_key))
            ]
            for report in found
        },
    )
    with replacing(folder / INDEX_PAGE) as file:
        page = render_page("index.html", index=index, root=None)
        file.write_text(page, encoding="utf-8", newline="\n")
    return folder / INDEX_PAGE


def _outcomes(report: ReportRecord) -> tuple[str, ...]:
    return tuple(_OUTCOMES.get(outcome, outcome) for outcome in report.outcomes)


def _known(values: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(sorted({value for several in values for value in several}))
