"""One batch: what came, what was refused and why, the expressions, the drift, the speed."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from emotion_core.comparison import formatting
from emotion_core.comparison.facts import plain
from emotion_core.errors import ReportError
from emotion_core.files import folder_name
from emotion_core.pages.page import render_page, write_page
from emotion_core.store import batches, nights, throughput
from emotion_core.store.batches import BatchSummary, HeldReason, RefusedFile
from emotion_core.store.nights import DriftReading, MixShare
from emotion_core.store.throughput import Throughput

FILES_SHOWN: Final = 200
"""Refused files on the page; the view refused_file has all of them."""


@dataclass(frozen=True)
class RefusedFor:
    """Files refused for one reason."""

    reason: str
    count: int
    meaning: str
    advice: str
    count_retried: int = 0
    """Of these, because somebody asked for it."""


@dataclass(frozen=True)
class BatchPage:
    """What became of one batch."""

    batch: BatchSummary
    made_at: datetime
    headline: str
    reasons: tuple[RefusedFor, ...]
    """Most frequent first."""
    refused: tuple[RefusedFile, ...]
    """The first :data:`FILES_SHOWN` by name."""
    count_more_refused: int
    held: tuple[HeldReason, ...]
    mix: tuple[MixShare, ...]
    """Of the images delivered with this batch, in the order of the expressions."""
    speeds: tuple[Throughput, ...]
    speed: str
    """In one sentence."""
    drift: tuple[DriftReading, ...]
    """Empty until *Watch health* has checked this batch."""
    is_nameless: bool = False
    """Whether names of files and folders were left out; see :func:`without_names`."""

    @property
    def count_retried(self) -> int:
        """Refused files that somebody retried."""
        return sum(reason.count_retried for reason in self.reasons)


def read_batch(connection: Any, run_key: str, made_at: datetime) -> BatchPage:
    """Read one batch from the tables.

    Args:
        connection: Transaction that sees one snapshot.
        run_key: The batch's.
        made_at: When the page is made; it stands on the page.

    Raises:
        ReportError: There is no such batch.
    """
    summary = batches.batch_summary(connection, run_key)
    if summary is None:
        raise ReportError(f"there is no batch {run_key!r}; see `emotion batches`")
    refused = batches.refused_files(connection, run_key)
    speeds = throughput.throughputs(connection, run_key)
    return BatchPage(
        batch=summary,
        made_at=made_at,
        headline=headline(summary),
        reasons=_reasons(refused),
        refused=tuple(refused[:FILES_SHOWN]),
        count_more_refused=max(0, len(refused) - FILES_SHOWN),
        held=tuple(batches.held_folders(connection, run_key)),
        mix=tuple(nights.expression_mix(connection, run_key)),
        speeds=tuple(speeds),
        speed=_speed(speeds),
        drift=tuple(nights.drift_readings(connection, run_key)),
    )


def without_names(page: BatchPage) -> BatchPage:
    """The page for people who must not see what files and folders are called, nor details that
    may repeat it: as much as analysts are shown."""
    return replace(
        page,
        refused=(),
        count_more_refused=0,
        held=tuple(replace(held, folder="not shown", detail="") for held in page.held),
        is_nameless=True,
    )


def batch_file(run_key: str) -> str:
    """Where a batch's page lies below the folder of reports."""
    return f"nights/{folder_name(run_key)}/night.html"


def write_batch(page: BatchPage, path: Path) -> Path:
    """Write one batch as a page and its facts; returns the page's path.

    The same facts give the same bytes, and a failure leaves what was there.
    """
    text = render_page("batch.html", page=page, root=None, idempotency_key=None)
    return write_page(path, text, {"schema": 1, **plain(page)})


def headline(summary: BatchSummary) -> str:
    """What became of a batch, in a few words."""
    found = formatting.count(summary.count_found)
    if not summary.is_closed:
        return f"{formatting.count(summary.count_left)} of {found} files still wait"
    if not summary.count_found:
        return "Nothing new came"
    return f"{formatting.count(summary.count_done)} of {found} files scored"


def _reasons(refused: list[RefusedFile]) -> tuple[RefusedFor, ...]:
    first = {file.reason: file for file in reversed(refused)}
    back = Counter(file.reason for file in refused if file.retried_in is not None)
    return tuple(
        RefusedFor(reason, count, first[reason].meaning, first[reason].advice, back[reason])
        for reason, count in Counter(file.reason for file in refused).most_common()
    )


def _speed(speeds: list[Throughput]) -> str:
    images = sum(speed.count_scored + speed.count_refused for speed in speeds)
    busy = sum(speed.seconds for speed in speeds)
    if not images or not busy:
        return "No worker brought an image to its end."
    workers = "one worker" if len(speeds) == 1 else f"{len(speeds)} workers"
    return (
        f"{formatting.count(images)} images by {workers}, "
        f"{formatting.per_second(images / busy)} for each of them."
    )
