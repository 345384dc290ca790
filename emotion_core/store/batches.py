"""Batches and the files that arrived in them, as rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
from sqlalchemy import Connection

from emotion_core.errors import ScoringError
from emotion_core.store.copying import copy_frame, make_temporary_table
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


@dataclass(frozen=True)
class ArrivedFile:
    """A file seen in an inbox. Either its content is known, or the reason why it could not be."""

    path: bytes
    """Inside the source."""
    size: int
    modified_ns: int
    sha256: bytes | None
    code: str | None = None
    detail: str | None = None

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


def known_files(
    connection: Connection, source: str, deliveries: Sequence[tuple[bytes, int, int]]
) -> set[tuple[bytes, int, int]]:
    """Which of these ``(path, bytes, modified_ns)`` the ledger already holds."""
    rows = connection.execute(
        query("known_files"),
        {
            "source": source,
            "paths": [path for path, _, _ in deliveries],
            "bytes": [size for _, size, _ in deliveries],
            "modified_ns": [modified for _, _, modified in deliveries],
        },
    )
    return {(bytes(row.path), row.bytes, row.modified_ns) for row in rows}


def enter_files(connection: Connection, batch: Batch, files: Sequence[ArrivedFile]) -> int:
    """Enter arrived files and plan their scoring, in one transaction; returns how many were new."""
    frame = pd.DataFrame(
        {
            "path": ["\\x" + file.path.hex() for file in files],
            "bytes": [file.size for file in files],
            "modified_ns": [file.modified_ns for file in files],
            "sha256": ["\\x" + file.sha256.hex() if file.sha256 else None for file in files],
            "code": [file.code for file in files],
            "detail": [file.detail for file in files],
        }
    )
    make_temporary_table(
        connection,
        "arrived_file",
        "path bytea, bytes bigint, modified_ns bigint, sha256 bytea, code text, detail text",
    )
    copy_frame(connection, "arrived_file", frame)
    connection.execute(query("plan_images"))
    return int(
        connection.execute(
            query("plan_files"), {"batch_id": batch.id, "source": batch.source}
        ).scalar_one()
    )


def plan_items(connection: Connection, batch_id: int) -> int:
    """One ledger item per content and model for every file of a batch; returns how many are new."""
    return connection.execute(query("plan_items"), {"batch_id": batch_id}).rowcount


def close_batch(connection: Connection, batch_id: int) -> bool:
    """Close a batch if its counts add up; returns whether it was closed by this call."""
    return connection.execute(query("close_batch"), {"batch_id": batch_id}).rowcount == 1


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
