"""One scoring run, as facts: what came, what was refused and why, the mix, the drift, the speed."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from emotion_core.comparison import formatting
from emotion_core.errors import ReportError
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
    count_put_back: int = 0
    """Of these, since somebody asked for it."""


@dataclass(frozen=True)
class Night:
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
    """Empty until the health of this night was looked at."""
    is_nameless: bool = False
    """Whether names of files and folders were left out; see :func:`without_names`."""

    @property
    def count_put_back(self) -> int:
        """Refused files that somebody put back."""
        return sum(reason.count_put_back for reason in self.reasons)


def read_night(connection: Any, run_key: str, made_at: datetime) -> Night:
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
    return Night(
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


def without_names(night: Night) -> Night:
    """The night for people who must not see what files and folders are called, nor details that
    may repeat it: as much as analysts are shown."""
    return replace(
        night,
        refused=(),
        count_more_refused=0,
        held=tuple(replace(held, folder="not shown", detail="") for held in night.held),
        is_nameless=True,
    )


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
