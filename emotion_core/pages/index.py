"""The small pages around the comparison: the index of reports, one night, a sentence."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from emotion_core.comparison.facts import plain
from emotion_core.files import folder_name, replacing
from emotion_core.pages.comparison_report import FRAMED, render_page
from emotion_core.pages.earlier_pages import PAGE_FILE, earlier_pages
from emotion_core.pages.night import Night
from emotion_core.store.batches import BatchSummary
from emotion_core.store.reports import ReportRecord

INDEX_PAGE: Final = "index.html"
NIGHTS: Final = "nights"
"""Folder of the nights' pages, among the reports."""
NIGHT_PAGE: Final = "night.html"
NIGHT_FACTS: Final = "night.json"

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
    menus: tuple[tuple[str, str, str, tuple[str, ...]], ...] = ()
    """Of the form: name, title, what is chosen, what can be."""

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


def render_index(
    reports: Sequence[ReportRecord],
    link: Callable[[str], str],
    *,
    chosen: IndexFilter | None = None,
    nights: Sequence[BatchSummary] = (),
    night_link: Callable[[str], str] | None = None,
    root: str | None = None,
    is_file: bool = False,
    earlier: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> str:
    """Every report with its verdict, and the newest nights.

    Args:
        reports: In the order in which to show them.
        link: The address of a report by its key.
        chosen: What the form was filled in with.
        nights: Scoring runs, in the order in which to show them.
        night_link: The address of a scoring run's page.
        root: From the page to where its neighbours lie; None shows no way to them.
        is_file: Opened from a disk, where nobody answers a form.
        earlier: By key, the addresses of pages whose place a newer one took, newest first.
    """
    chosen = chosen or IndexFilter()
    menus = (
        ("network", "Network", chosen.network, _known(r.networks for r in reports)),
        ("dataset", "Data set", chosen.dataset, _known(r.datasets for r in reports)),
        ("outcome", "Outcome", chosen.outcome, _known(_outcomes(r) for r in reports)),
        ("faces", "Faces", chosen.faces, ("photographs", "drawn")),
    )
    return render_page(
        "index.html",
        reports=[(r, link(r.group_key)) for r in reports if chosen.matches(r)],
        count_all=len(reports),
        filter=IndexFilter(
            chosen.words, chosen.network, chosen.dataset, chosen.outcome, chosen.faces, menus
        ),
        nights=[] if night_link is None else [(n, night_link(n.run_key)) for n in nights],
        form_action="'self'",
        root=root,
        is_file=is_file,
        earlier=earlier,
    )


def write_index(
    reports: Sequence[ReportRecord], nights: Sequence[BatchSummary], folder: Path
) -> Path:
    """Write ``index.html`` beside the reports, for people without Airflow; returns its path.

    Every link leads to a file below ``folder``; reports and nights without one are left out.
    """
    found = [r for r in reports if (folder / folder_name(r.group_key) / PAGE_FILE).is_file()]
    page = render_index(
        found,
        link=lambda key: f"{quote(folder_name(key))}/{PAGE_FILE}",
        nights=[n for n in nights if (folder / _night_file(n.run_key)).is_file()],
        night_link=lambda key: quote(_night_file(key)),
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
        file.write_text(page, encoding="utf-8", newline="\n")
    return folder / INDEX_PAGE


def _night_file(run_key: str) -> str:
    return f"{NIGHTS}/{folder_name(run_key)}/{NIGHT_PAGE}"


def render_night(night: Night) -> str:
    """One scoring run: what came, what became of it, and why files were refused."""
    return render_page("night.html", night=night, press=None, root=None)


def write_night(night: Night, out_dir: Path) -> Path:
    """Write ``night.html`` and ``night.json``; returns the page's path. As for comparisons, the
    same facts give the same bytes, and a failure leaves what was there."""
    page = render_night(night)
    facts = json.dumps({"schema": 1, **plain(night)}, indent=1, allow_nan=False)
    out_dir.mkdir(parents=True, exist_ok=True)
    with replacing(out_dir / NIGHT_PAGE) as page_file, replacing(out_dir / NIGHT_FACTS) as file:
        page_file.write_text(page, encoding="utf-8", newline="\n")
        file.write_text(facts + "\n", encoding="utf-8", newline="\n")
    return out_dir / NIGHT_PAGE


def render_message(text: str, *, title: str = "Nothing to show", root: str | None = None) -> str:
    """A page that says one sentence.

    Args:
        text: The sentence.
        title: What stands above it.
        root: From the page to where its neighbours lie; None shows no way to them.
    """
    return render_page("message.html", text=text, title=title, root=root)


def render_started(dag_name: str, address: str) -> str:
    """A page inside a frame that sends the page around it to a run that was started.

    Args:
        dag_name: For people.
        address: Of the run's page in Airflow's UI.
    """
    return render_page(
        "started.html", scripts=(FRAMED,), dag_name=dag_name, address=address, root=""
    )


def _outcomes(report: ReportRecord) -> tuple[str, ...]:
    return tuple(_OUTCOMES.get(outcome, outcome) for outcome in report.outcomes)


def _known(values: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(sorted({value for several in values for value in several}))
