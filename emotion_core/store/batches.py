"""Batches and the files that arrived in them, as rows."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from sqlalchemy import Connection

from emotion_core.errors import ScoringError
from emotion_core.store.copying import array_text, copy_rows, make_temporary_table
from emotion_core.store.database import Database
from emotion_core.store.queries import execute, row, rows


@dataclass(frozen=True)
class Batch:
    """One scoring run, with the model that was pinned when it opened."""

    id: int
    source: str
    model_version_id: int
    is_closed: bool


@dataclass(frozen=True)
class BatchSummary:
    """How many files a batch found and what became of them."""

    run_key: str
    source: str
    model: str
    is_closed: bool
    opened_at: datetime
    closed_at: datetime | None
    count_found: int
    count_done: int
    count_rejected: int
    count_quarantined: int
    count_left: int
    count_ignored: int = 0
    """Dot files, unfinished copies and markers, when the inbox was last read."""
    count_unsettled: int = 0
    """Files that may still be written to."""
    count_held: int = 0
    """Folders that wait, all or in part, for their manifest; see :func:`held_folders`."""

    @property
    def refused_share(self) -> float:
        """Refused and quarantined files over all, 0 to 1; 0 for an empty batch."""
        refused = self.count_rejected + self.count_quarantined
        return refused / self.count_found if self.count_found else 0.0


@dataclass(frozen=True)
class HeldFolder:
    """Why a folder of an inbox waits, for one reason."""

    folder: bytes
    """Inside the source; empty for the source itself."""
    code: str
    """A key of the table ``hold_reason``."""
    count_files: int
    """Files that the reason is about."""
    detail: str


@dataclass(frozen=True)
class HeldReason:
    """A folder that waits, for people."""

    folder: str
    reason: str
    meaning: str
    detail: str
    advice: str
    count_files: int


# Not frozen: a frozen one takes three times as long to make, and a million are made.
@dataclass(slots=True)
class ArrivedFile:
    """A file seen in an inbox. Either its content is known, or the reason why it could not be."""

    path: bytes
    """Inside the source."""
    size: int
    modified_ns: int
    sha256: bytes | None
    code: str | None = None
    detail: str | None = None
    subject: str | None = None
    """Whom it shows, by the sender's key; never stored as it is."""

    @property
    def delivery(self) -> tuple[bytes, int, int]:
        """What makes a delivery: a changed size or time under an old name is a new one."""
        return (self.path, self.size, self.modified_ns)


@dataclass(frozen=True)
class RefusedFile:
    """A file that was refused, for people."""

    source: str
    file: str
    reason: str
    meaning: str
    detail: str
    advice: str
    retried_in: str | None = None
    """The batch that tried it again, or ``the next batch``; None when no retry was asked for."""


@dataclass(frozen=True)
class ScoredFile:
    """A file and what became of it, for people."""

    file: str
    expression: str | None
    """None when it was refused."""
    confidence: float | None
    valence: float | None
    arousal: float | None
    reason: str | None


def open_batch(
    connection: Connection, *, run_key: str, source: str, model_version_id: int
) -> Batch:
    """The batch under this key; made, with this model pinned, when there is none."""
    asked = {"run_key": run_key, "source": source, "model_version_id": model_version_id}
    return rows(connection, "open_batch", Batch, **asked)[0]


def batch_by_key(connection: Connection, run_key: str) -> Batch:
    """The batch under this key.

    Raises:
        ScoringError: There is none.
    """
    found = row(connection, "batch_by_key", Batch, run_key=run_key)
    if found is None:
        raise ScoringError(f"there is no batch {run_key!r}")
    return found


@contextmanager
def at_work(database: Database, run_key: str) -> Iterator[None]:
    """Marks this run's batch as not abandoned, while the block and its process last.

    Without it the batch may be closed once its counts add up, and the next batch of its source may
    take over what it has left.
    """
    with database.connect() as connection:
        connection.detach()  # closed at the end, also when its server was restarted meanwhile
        with connection.begin():
            database.become(connection, "emotion_score")
            execute(connection, "hold_batch", run_key=run_key)
        yield


def take_over_abandoned(connection: Connection, batch: Batch) -> int:
    """Give this batch the files that abandoned batches of its source have left; how many.

    What was left by another model is scored by this batch's, and the other's item is withdrawn.
    """
    items = execute(connection, "take_over_abandoned", batch_id=batch.id).scalars().all()
    planned = array_text(item for item in items if item is not None)
    execute(connection, "withdraw_items", items=planned)
    return len(items)


def known_files(
    connection: Connection, source: str, deliveries: Sequence[tuple[bytes, int, int]]
) -> set[tuple[bytes, int, int]]:
    """Which of these ``(path, bytes, modified_ns)`` the ledger already holds."""
    known = execute(connection, "known_files", source=source, **_columns(deliveries))
    return {(path, size, modified_ns) for path, size, modified_ns in known}


def enter_files(
    connection: Connection, batch: Batch, files: Sequence[ArrivedFile], *, plans: bool = False
) -> tuple[int, int]:
    """Enter arrived files, in one transaction.

    Files that could not be read, are to be retried and have been read again move to this batch;
    their content is planned by :func:`plan_items`.

    Args:
        connection: Transaction of role ``emotion_score``.
        batch: An open one.
        files: Any number; tens of thousands at once are well.
        plans: Also plan an item for each content that is new to the batch's model. Planning rows
            that were written a moment ago costs half of what reading them again costs.

    Returns:
        How many files are new in this batch, and how many items are new.

    Raises:
        ScoringError: The batch was closed meanwhile.
    """
    if not execute(connection, "lock_open_batch", batch_id=batch.id).rowcount:
        raise ScoringError(
            "the batch was closed by another run while files were ingested; the next run ingests "
            "those that are left"
        )
    columns = "path bytea, bytes bigint, modified_ns bigint, sha256 bytea, code text, detail text"
    make_temporary_table(connection, "arrived_file", columns)
    values = attrgetter("path", "size", "modified_ns", "sha256", "code", "detail")
    copy_rows(connection, "arrived_file", (), map(values, files))
    execute(connection, "plan_images")
    entering = {
        "batch_id": batch.id,
        "source": batch.source,
        "model_version_id": batch.model_version_id,
        "plans": plans,
        "refuses": any(file.code is not None for file in files),
    }
    reentered = execute(connection, "reenter_files", **entering).scalar_one()
    entered, planned = execute(connection, "plan_files", **entering).one()
    return int(entered + reentered), int(planned)


def plan_items(connection: Connection, batch_id: int) -> int:
    """One ledger item per content and model for every file of a batch; returns how many are new."""
    return execute(connection, "plan_items", batch_id=batch_id).rowcount


def plan_known_files(
    connection: Connection, batch: Batch, deliveries: Sequence[tuple[bytes, int, int]]
) -> int:
    """Plan files that earlier batches brought for this batch's model; returns how many are new."""
    whose = {"source": batch.source, "model_version_id": batch.model_version_id}
    return execute(connection, "plan_known_files", **whose, **_columns(deliveries)).rowcount


def record_intake(
    connection: Connection,
    batch_id: int,
    *,
    count_ignored: int,
    count_unsettled: int,
    held: Sequence[HeldFolder],
) -> None:
    """Keep what was left in the inbox for later, in place of what was left the last time."""
    counts = {"count_ignored": count_ignored, "count_unsettled": count_unsettled}
    execute(connection, "record_intake", batch_id=batch_id, **counts)
    execute(connection, "forget_held_folders", batch_id=batch_id)
    for folder in held:
        execute(connection, "hold_folder", batch_id=batch_id, **vars(folder))


def held_folders(connection: Connection, run_key: str) -> list[HeldReason]:
    """Folders that wait in the inbox since a batch last read it, and why."""
    return rows(connection, "held_folders", HeldReason, run_key=run_key)


def close_batch(connection: Connection, batch_id: int) -> bool:
    """Close a batch if its counts add up; returns whether it was closed by this call.

    Others whose run is gone are closed with it where theirs do: :func:`close_abandoned`.
    """
    is_closed = _close(connection, batch_id)
    close_abandoned(connection)
    if is_closed:
        _count_closed(connection)
    return is_closed


def close_abandoned(connection: Connection) -> int:
    """Close every batch whose counts add up and whose run is not :func:`at_work`; how many."""
    idle = execute(connection, "lock_idle_batches").scalars().all()
    count = sum(_close(connection, batch_id) for batch_id in idle)
    if count:
        _count_closed(connection)
    return count


def _close(connection: Connection, batch_id: int) -> bool:
    execute(connection, "lock_batch", batch_id=batch_id)
    return execute(connection, "close_batch", batch_id=batch_id).rowcount == 1


def _count_closed(connection: Connection) -> None:
    # Each published chunk left rows of its own.
    execute(connection, "compact_summary")
    execute(connection, "count_closed_batches")


def batches(connection: Connection, limit: int = 20) -> list[BatchSummary]:
    """The newest batches, newest first."""
    return rows(connection, "batches", BatchSummary, run_key=None, limit=limit)


def batch_summary(connection: Connection, run_key: str) -> BatchSummary | None:
    """What became of one batch."""
    return row(connection, "batches", BatchSummary, run_key=run_key, limit=1)


def refused_files(connection: Connection, run_key: str) -> list[RefusedFile]:
    """Every refused file of a batch, by name."""
    return rows(connection, "refused_files", RefusedFile, run_key=run_key)


def scored_files(
    connection: Connection, *, source: str, only: bytes | None, model_version_id: int, limit: int
) -> list[ScoredFile]:
    """What one model predicts for the newest delivery of each file of a source, by name."""
    asked = {"source": source, "only": only, "model_version_id": model_version_id, "limit": limit}
    return rows(connection, "scored_files", ScoredFile, **asked)


def _columns(deliveries: Sequence[tuple[bytes, int, int]]) -> dict[str, str]:
    paths, sizes, times = zip(*deliveries, strict=True) if deliveries else ((), (), ())
    return {
        "paths": array_text(paths),
        "bytes": array_text(sizes),
        "modified_ns": array_text(times),
    }
