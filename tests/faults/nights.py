"""Batches on a server that tests may restart, and what is to be found in the tables afterwards."""

import hashlib
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from factories import make_batch, make_jpeg
from ledger_worker import is_refused, scores_of
from night_worker import PlainScorer, run
from sqlalchemy import Row, text

from emotion_core.emotions import PROBABILITY_COLUMNS
from emotion_core.local.postgres import PostgresServer
from emotion_core.scoring.ingest import ingest
from emotion_core.scoring.worker import work
from emotion_core.store.batches import (
    ArrivedFile,
    Batch,
    BatchSummary,
    at_work,
    batch_summary,
    close_batch,
    enter_files,
    plan_items,
)
from emotion_core.store.database import Database


@dataclass
class Restartable:
    """A server of these tests' own."""

    server: PostgresServer
    url: str
    database: Database

    def restart_at_once(self) -> None:
        """As after a power cut: nothing is tidied up, and the next start replays the log."""
        (leader,), _ = self.server.running()
        os.kill(leader.pid, signal.SIGQUIT)
        self.server.start()
        self.database.engine.dispose()


@dataclass
class Night:
    """A planned batch whose contents are known."""

    database: Database
    url: str
    batch: Batch
    run_key: str
    hashes: list[bytes]
    count_files: int

    @property
    def model_version_id(self) -> int:
        return self.batch.model_version_id

    def close(self) -> bool:
        with self.database.transaction("emotion_score") as connection:
            return close_batch(connection, self.batch.id)

    def faults(self) -> dict[str, int]:
        """How many contents have no end, more than one, or another than their hash says."""
        ended: list[bytes] = []
        wrong = 0
        for rows in self._read(
            f"SELECT sha256, {', '.join(PROBABILITY_COLUMNS)}, valence, arousal, "
            "confidence, expression_id "
            "FROM prediction JOIN image ON image.id = image_id WHERE model_version_id = :m"
        ):
            scored = [bytes(row[0]) for row in rows]
            probabilities, va = scores_of(scored)
            expected = np.column_stack(
                [probabilities, va, probabilities.max(axis=1), probabilities.argmax(axis=1)]
            )
            found = np.array([tuple(row)[1:] for row in rows], np.float32)
            wrong += int((found != expected).any(axis=1).sum()) + sum(map(is_refused, scored))
            ended += scored
        for rows in self._read(
            "SELECT sha256, detail FROM rejection "
            "JOIN scoring_item ON scoring_item.id = scoring_item_id "
            "JOIN image ON image.id = image_id WHERE model_version_id = :m"
        ):
            for sha256, detail in rows:
                wrong += not is_refused(bytes(sha256)) or bytes(sha256).hex() != detail
                ended.append(bytes(sha256))
        return {
            "lost": len(set(self.hashes) - set(ended)),
            "duplicated": len(ended) - len(set(ended)),
            "mismatched": wrong + len(set(ended) - set(self.hashes)),
        }

    def _read(self, statement: str) -> Iterator[Sequence[Row[Any]]]:
        """Rows in parts: a million of them need not be held at once."""
        with self.database.transaction("emotion_report") as connection:
            result = connection.execution_options(yield_per=20_000).execute(
                text(statement), {"m": self.model_version_id}
            )
            yield from result.partitions()

    def is_whole(self) -> bool:
        """Closes with counts that add up, and every content has exactly its own end."""
        return self.closes() and not any(self.faults().values())

    def closes(self) -> bool:
        """Closes with counts that add up and nothing set aside."""
        closed = self.close()
        with self.database.transaction("emotion_report") as connection:
            summary = batch_summary(connection, self.run_key)
        assert summary is not None
        return closed and summary.count_found == self.count_files and summary.count_quarantined == 0


@dataclass
class Inbox:
    """A folder, and batches that ingest it."""

    folder: Path
    url: str
    database: Database
    model_version_id: int

    def deliver(self, count: int, first: int = 0) -> None:
        for number in range(first, first + count):
            plain = make_jpeg((200, number % 256, 90), 16)
            # A comment makes bytes of its own, where close colours would give the same.
            comment = b"\xff\xfe\x00\x0a%08d" % number
            (self.folder / f"{number:05d}.jpg").write_bytes(plain[:2] + comment + plain[2:])
        (self.folder / "_SUCCESS").touch()

    def open(self, run_key: str) -> Batch:
        return make_batch(
            self.database, f"{self.folder} {run_key}", self.folder, self.model_version_id
        )

    def ingest(self, run_key: str = "tonight", **options: Any) -> Batch:
        batch = self.open(run_key)
        ingest(self.database, batch, **{"settle_seconds": 60, **options})
        return batch

    def work(self, worker: str = "w", **options: Any) -> None:
        work(
            self.database,
            PlainScorer(),
            **{"model_version_id": self.model_version_id, "worker": worker, **options},
        )

    def close(self, batch: Batch, run_key: str = "tonight") -> BatchSummary:
        with self.database.transaction("emotion_score") as connection:
            close_batch(connection, batch.id)
        with self.database.transaction("emotion_report") as connection:
            summary = batch_summary(connection, f"{self.folder} {run_key}")
        assert summary is not None
        return summary

    def count_ended(self) -> int:
        return self.ask("SELECT count(*) FROM prediction WHERE model_version_id = :m")

    def ask(self, statement: str) -> Any:
        with self.database.transaction("emotion_report") as connection:
            values = {"m": self.model_version_id}
            return connection.execute(text(statement), values).scalar_one()


def plan_night(
    database: Database, url: str, run_key: str, count: int, count_twins: int = 0
) -> Night:
    """A batch of ``count`` contents under ``count + count_twins`` names, planned."""
    batch = make_batch(database, run_key, f"/inbox/{run_key}")
    hashes = [hashlib.sha256(f"{run_key} {n}".encode()).digest() for n in range(count)]
    for first in range(0, count + count_twins, 5_000):
        files = [
            ArrivedFile(b"%d.jpg" % n, 7_000, 1_700_000_000_000_000_000 + n, hashes[n % count])
            for n in range(first, min(first + 5_000, count + count_twins))
        ]
        with database.transaction("emotion_score") as connection:
            enter_files(connection, batch, files)
    with database.transaction("emotion_score") as connection:
        assert plan_items(connection, batch.id) == count
    return Night(database, url, batch, run_key, hashes, count + count_twins)


def begin(url: str, folder: str, model_version_id: int, run_key: str, seconds: float) -> None:
    """What `emotion score` does until it is killed, with a scorer of so many seconds an image."""
    inbox = Inbox(Path(folder), url, Database(url), model_version_id)
    with at_work(inbox.database, f"{folder} {run_key}"):
        inbox.ingest(run_key, settle_seconds=0)
        run(url, model_version_id, run_key, lease_seconds=1, seconds=seconds)


MakeNight = Callable[..., Night]
