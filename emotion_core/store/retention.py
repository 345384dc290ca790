"""How long what is kept: policies, bounded steps of removing, and the proof of each run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from emotion_core.errors import ErasureError
from emotion_core.store.queries import execute, rows

CLASSES: Final = ("images", "predictions", "refusals", "audit")

# What removes old rows of a class in one bounded step, and what counts those under legal hold.
_FORGET: Final = {
    "predictions": "forget_predictions",
    "refusals": "forget_refusals",
    "audit": "forget_audit",
}
_HELD: Final = {"predictions": "held_predictions", "refusals": "held_refusals"}


@dataclass(frozen=True)
class RetentionPolicy:
    """For how long a class of data is kept."""

    class_: str
    days: int | None
    """None: without limit."""
    changed_by: str
    changed_at: datetime


@dataclass(frozen=True)
class RetentionRun:
    """The proof of one run of one class."""

    run_key: str
    class_: str
    cutoff: datetime
    count_removed: int
    count_held: int
    count_failed: int
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class DueFile:
    """A delivered file that is old enough to go."""

    id: int
    source: str
    path: bytes
    size: int
    modified_ns: int
    sha256: bytes | None
    """None for one that could not be read."""
    hold: int | None
    """The legal hold that keeps it."""


def policies(connection: Connection) -> list[RetentionPolicy]:
    """Every class and its days."""
    return rows(connection, "retention_policies", RetentionPolicy)


def set_policy(connection: Connection, class_: str, days: int | None, changed_by: str) -> None:
    """Keep a class for so many days, or (None) without limit.

    Raises:
        ErasureError: No such class, or an impossible number of days.
    """
    if class_ not in CLASSES:
        raise ErasureError(f"there is no class {class_!r}; there are: {', '.join(CLASSES)}")
    if days is not None and not 1 <= days <= 36_500:
        raise ErasureError(f"{days} days cannot be kept; give 1 to 36,500, or `forever`")
    execute(connection, "set_retention", class_=class_, days=days, changed_by=changed_by)


def open_run(connection: Connection, run_key: str, class_: str) -> tuple[int, datetime] | None:
    """Id and cutoff of this run's proof, made at its first call; None for what is kept for ever."""
    made = execute(connection, "open_retention_run", run_key=run_key, class_=class_).one_or_none()
    return None if made is None else (made.id, made.cutoff)


def forget_rows(
    connection: Connection, run_id: int, class_: str, cutoff: datetime, limit: int
) -> int:
    """One bounded step: remove up to about ``limit`` rows that are not held; returns how many.

    For ``predictions``, ``refusals`` and ``audit``; the step and its count are one transaction.
    """
    _begin(connection)
    count = int(execute(connection, _FORGET[class_], cutoff=cutoff, limit=limit).scalar_one())
    execute(connection, "count_retention", run_id=run_id, count_removed=count)
    return count


def held_rows(connection: Connection, class_: str, cutoff: datetime) -> int:
    """How many old rows of a class legal holds keep."""
    if class_ not in _HELD:
        return 0
    return int(execute(connection, _HELD[class_], cutoff=cutoff).scalar_one())


def due_files(connection: Connection, cutoff: datetime, *, after: int, limit: int) -> list[DueFile]:
    """Files older than the cutoff whose bytes are still ours to remove, by id, held ones too."""
    _begin(connection)
    return rows(connection, "due_files", DueFile, cutoff=cutoff, after=after, limit=limit)


def _begin(connection: Connection) -> None:
    """A step looks rows up by an index, in its order, whatever the planner guesses; see there."""
    execute(connection, "begin_ledger_work", idle_limit="5min")


def mark_removed(connection: Connection, run_id: int, ids: Sequence[int]) -> None:
    """Keep that these files' bytes are gone, and count them."""
    count = execute(connection, "mark_removed", ids=list(ids)).rowcount
    execute(connection, "count_retention", run_id=run_id, count_removed=count)


def finish_run(connection: Connection, run_id: int, *, count_held: int, count_failed: int) -> None:
    """Everything that could go is gone."""
    execute(
        connection,
        "finish_retention_run",
        run_id=run_id,
        count_held=count_held,
        count_failed=count_failed,
    )


def retention_runs(
    connection: Connection, run_key: str | None = None, limit: int = 40
) -> list[RetentionRun]:
    """Proofs, newest first."""
    return rows(connection, "retention_runs", RetentionRun, run_key=run_key, limit=limit)
