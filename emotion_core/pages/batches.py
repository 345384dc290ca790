"""The batches' page: the last nights at a glance; and one batch between its neighbours."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from emotion_core.pages.comparison_report import FRAMED, SORTING, render_page
from emotion_core.pages.night import Night, headline
from emotion_core.store import batches, models, throughput
from emotion_core.store.batches import BatchSummary

NIGHTS_SHOWN: Final = 30


@dataclass(frozen=True)
class NightRow:
    """One batch at a glance."""

    batch: BatchSummary
    images_per_second: float | None
    """From the first worker's start to the last one's end; None when no worker did anything."""


@dataclass(frozen=True)
class BatchesPage:
    """What the page shows."""

    made_at: datetime
    headline: str
    nights: tuple[NightRow, ...]
    """Newest first."""
    has_champion: bool


def read_batches(connection: Any, made_at: datetime) -> BatchesPage:
    """Read the page from the tables.

    Args:
        connection: Transaction that sees one snapshot.
        made_at: Stands on the page.
    """
    found = batches.batches(connection, NIGHTS_SHOWN)
    rates = throughput.night_rates(connection, [batch.run_key for batch in found])
    return BatchesPage(
        made_at=made_at,
        headline=headline(found[0]) if found else "No batch yet",
        nights=tuple(NightRow(batch, rates.get(batch.run_key)) for batch in found),
        has_champion=models.current_model(connection) is not None,
    )


def render_batches(page: BatchesPage, *, root: str, batch_link: Callable[[str], str]) -> str:
    """The page as HTML.

    Args:
        page: What it shows.
        root: From the page to where its neighbours lie.
        batch_link: The address of a batch's page by its key, from ``root``.
    """
    return render_page("batches.html", page=page, root=root, batch_link=batch_link)


def render_batch(night: Night, *, root: str, press: str | None = None) -> str:
    """One batch as HTML.

    Args:
        night: What became of it.
        root: From the page to where its neighbours lie.
        press: Names this showing, in the forms; None shows no forms.
    """
    return render_page(
        "batch.html",
        scripts=(SORTING, FRAMED),
        night=night,
        root=root,
        press=press,
        form_action="'self'",
        referrer="same-origin",
    )
