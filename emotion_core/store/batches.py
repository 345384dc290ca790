"""Batches and the files that arrived in them, as rows."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from emotion_core.errors import ScoringError
from emotion_core.store.copying import array_text, copy_rows, make_temporary_table
from emotion_core.store.database import Database
from emotion_core.store.queries import query


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
    """Dot files, unfinished copies and markers, at the last look into the inbox."""
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
    """The batch that tried it again, or ``the next batch``; None when nobody put it back."""


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
    row = connection.execute(
        query("open_batch"),
        {"run_key": run_key, "source": source, "model_version_id": model_version_id},
    ).one()
    return Batch(**row._mapping)


def batch_by_key(connection: Connection, run_key: str) -> Batch:
    """The batch under this key.

    Raises:
        ScoringError: There is none.
    """
    row = connection.execute(query("batch_by_key"), {"run_key": run_key}).one_or_none()
    if row is None:
        raise ScoringError(f"there is no batch {run_key!r}")
    return Batch(**row._mapping)


@contextmanager
def at_work(database: Database, run_key: str) -> Iterator[None]:
    """Tells others that this run's batch is not abandoned, while the block and its process last.

    Without it the batch may be closed once its counts add up, and the next batch of its source may
    take over what it has left.
    """
    with database.connect() as connection:
        connection.detach()  # closed at the end, also when its server was restarted meanwhile
        with connection.begin():
            database.become(connection, "emotion_score")
            connection.execute(query("hold_batch"), {"run_key": run_key})
        yield


def take_over_abandoned(connection: Connection, batch: Batch) -> int:
    """Give this batch the files that abandoned batches of its source have left; how many.

    What was left by another model is scored by this batch's, and the other's promise is taken back.
    """
    items = connection.execute(query("take_over_abandoned"), {"batch_id": batch.id}).scalars().all()
    planned = array_text(item for item in items if item is not None)
    connection.execute(query("withdraw_items"), {"items": planned})
    return len(items)


def known_files(
    connection: Connection, source: str, deliveries: Sequence[tuple[bytes, int, int]]
) -> set[tuple[bytes, int, int]]:
    """Which of these ``(path, bytes, modified_ns)`` the ledger already holds."""
    rows = connection.execute(query("known_files"), _asked(source, deliveries))
    return {(bytes(row.path), row.bytes, row.modified_ns) for row in rows}


def enter_files(connection: Connection, batch: Batch, files: Sequence[ArrivedFile]) -> int:
    """Enter arrived files, in one transaction; returns how many are new in this batch.

    Files that could not be read, were retried and have been read again move to this batch; their
    content is planned by :func:`plan_items`.

    Raises:
        ScoringError: The batch was closed meanwhile.
    """
    return _enter_files(connection, batch, files, plans=False)[0]


def enter_and_plan_files(
    connection: Connection, batch: Batch, files: Sequence[ArrivedFile]
) -> tuple[int, int]:
    """As :func:`enter_files`, with an item for each content that is new to the batch's model.

    Planning rows that were written a moment ago costs half of what reading them again costs.

    Returns:
        How many files are new in this batch, and how many items are new.
    """
    return _enter_files(connection, batch, files, plans=True)


def _enter_files(
    connection: Connection, batch: Batch, files: Sequence[ArrivedFile], *, plans: bool
) -> tuple[int, int]:
    if not connection.execute(query("lock_open_batch"), {"batch_id": batch.id}).rowcount:
        raise ScoringError(
            "the batch was closed by another run during ingest; the next batch takes the rest"
        )
    make_temporary_table(
        connection,
        "arrived_file",
        "path bytea, bytes bigint, modified_ns bigint, sha256 bytea, code text, detail text",
    )
    copy_rows(
        connection,
        "arrived_file",
        ("path", "bytes", "modified_ns", "sha256", "code", "detail"),
        (
            (file.path, file.size, file.modified_ns, file.sha256, file.code, file.detail)
            for file in files
        ),
    )
    connection.execute(query("plan_images"))
    entering = {"batch_id": batch.id, "source": batch.source}
    reentered = connection.execute(query("reenter_files"), entering).scalar_one()
    entered = connection.execute(
        query("plan_files"),
        {
            **entering,
            "model_version_id": batch.model_version_id,
            "plans": plans,
            "refuses": any(file.code is not None for file in files),
        },
    ).one()
    return int(entered.count_entered) + int(reentered), int(entered.count_planned)


def plan_items(connection: Connection, batch_id: int) -> int:
    """One ledger item per content and model for every file of a batch; returns how many are new."""
    return connection.execute(query("plan_items"), {"batch_id": batch_id}).rowcount


def plan_known_files(
    connection: Connection, batch: Batch, deliveries: Sequence[tuple[bytes, int, int]]
) -> int:
    """Plan files that earlier batches brought for this batch's model; returns how many are new."""
    return connection.execute(
        query("plan_known_files"),
        {"model_version_id": batch.model_version_id, **_asked(batch.source, deliveries)},
    ).rowcount


def record_intake(
    connection: Connection,
    batch_id: int,
    *,
    count_ignored: int,
    count_unsettled: int,
    held: Sequence[HeldFolder],
) -> None:
    """Keep what a look into the inbox left for later; it replaces what the last look left."""
    connection.execute(
        query("record_intake"),
        {
            "batch_id": batch_id,
            "count_ignored": count_ignored,
            "count_unsettled": count_unsettled,
        },
    )
    connection.execute(query("forget_held_folders"), {"batch_id": batch_id})
    if held:
        connection.execute(
            query("hold_folder"),
            [{"batch_id": batch_id, **asdict(folder)} for folder in held],
        )


def held_folders(connection: Connection, run_key: str) -> list[HeldReason]:
    """Folders that a batch's last look into the inbox left waiting, and why."""
    rows = connection.execute(query("held_folders"), {"run_key": run_key}).mappings()
    return [HeldReason(**row) for row in rows]


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
    idle = connection.execute(query("lock_idle_batches")).scalars().all()
    count = sum(_close(connection, batch_id) for batch_id in idle)
    if count:
        _count_closed(connection)
    return count


def _close(connection: Connection, batch_id: int) -> bool:
    connection.execute(query("lock_batch"), {"batch_id": batch_id})
    return connection.execute(query("close_batch"), {"batch_id": batch_id}).rowcount == 1


def _count_closed(connection: Connection) -> None:
    # Each published chunk left rows of its own.
    connection.execute(query("compact_summary"))
    connection.execute(query("count_closed_batches"))


def batches(connection: Connection, limit: int = 20) -> list[BatchSummary]:
    """The newest batches, newest first."""
    rows = connection.execute(query("batches"), {"run_key": None, "limit": limit}).mappings()
    return [BatchSummary(**row) for row in rows]


def batch_summary(connection: Connection, run_key: str) -> BatchSummary | None:
    """What became of one batch."""
    rows = connection.execute(query("batches"), {"run_key": run_key, "limit": 1}).mappings()
    return next((BatchSummary(**row) for row in rows), None)


def refused_files(connection: Connection, run_key: str) -> list[RefusedFile]:
    """Every refused file of a batch, by name."""
    rows = connection.execute(query("refused_files"), {"run_key": run_key}).mappings()
    return [RefusedFile(**row) for row in rows]


def scored_files(
    connection: Connection, *, source: str, only: bytes | None, model_version_id: int, limit: int
) -> list[ScoredFile]:
    """What one model said about the newest delivery of each file of a source, by name."""
    rows = connection.execute(
        query("scored_files"),
        {"source": source, "only": only, "model_version_id": model_version_id, "limit": limit},
    ).mappings()
    return [ScoredFile(**row) for row in rows]


def _asked(source: str, deliveries: Sequence[tuple[bytes, int, int]]) -> dict[str, Any]:
    return {
        "source": source,
        "paths": array_text(path for path, _, _ in deliveries),
        "bytes": array_text(size for _, size, _ in deliveries),
        "modified_ns": array_text(modified for _, _, modified in deliveries),
    }
