"""Ingesting: every arrived file becomes a row, every new content an item of the ledger."""

import logging
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice

from emotion_core.errors import ScoringError
from emotion_core.scoring.inbox import Scan, read_arrived
from emotion_core.scoring.source import arrived, map_files, readable
from emotion_core.scoring.sources import get_source
from emotion_core.store.batches import (
    ArrivedFile,
    Batch,
    enter_files,
    known_files,
    plan_items,
    plan_known_files,
    record_intake,
    take_over_abandoned,
)
from emotion_core.store.database import Database
from emotion_core.store.retries import take_over_files
from emotion_core.store.tombstone_key import TombstoneKey
from emotion_core.store.tombstones import (
    begin_entering,
    enter_subjects,
    refuse_erased,
    require_same_key,
)

log = logging.getLogger(__name__)

WRITERS = 2
"""Chunks entered side by side: where the server has the cores, it gives each its own."""

CHUNK = 5_000
"""Files entered in one transaction: large enough for COPY, small enough for any memory."""


@dataclass
class Ingested:
    """What one scan of a source brought."""

    count_entered: int = 0
    """Files that are new in this batch."""
    count_known: int = 0
    """Files that an earlier batch has."""
    count_ignored: int = 0
    count_unsettled: int = 0
    count_held: int = 0
    """Folders that wait, all or in part, for their manifest."""
    count_retried: int = 0
    """Refused files that somebody asked to retry."""
    count_taken_over: int = 0
    """Files that earlier runs entered and left unfinished when they were stopped."""
    count_planned: int = 0
    """Contents that wait for a worker because of this scan."""

    def __str__(self) -> str:
        """Every count that is not zero, as part of a sentence."""
        counts = {
            name.removeprefix("count_").replace("_", " "): n for name, n in vars(self).items()
        }
        return ", ".join(f"{n:,} {name}" for name, n in counts.items() if n) or "nothing new"


def ingest(
    database: Database,
    batch: Batch,
    settle_seconds: float,
    *,
    only: bytes | None = None,
    plan_known: bool = False,
    key: TombstoneKey | None = None,
) -> Ingested:
    """Enter everything that has newly arrived in the batch's source, and plan its scoring.

    Safe to repeat, and safe for two at once: a delivery that is known is passed over, an item
    that is planned stays as it is.

    Args:
        database: The ledger.
        batch: An open batch; names the source.
        settle_seconds: How long a file without marker or manifest must have been left alone.
        only: A single file's path inside the source, instead of everything.
        plan_known: Also score what earlier batches brought, where this model has not yet.
        key: Of this installation: what was erased is refused, and a manifest's subjects are kept.
            Without it nothing is compared with the tombstones.

    Raises:
        StoreError: The key is not the one that the tombstones were made with.
        ScoringError: The inbox cannot be read, or another run closed the batch meanwhile.
        SourceUnreachableError: The object store does not answer.
    """
    if batch.is_closed:
        log.info("the batch is closed; what arrives now is for the next one")
        return Ingested()

    def known(deliveries: list[tuple[bytes, int, int]]) -> set[tuple[bytes, int, int]]:
        with database.transaction("emotion_score") as connection:
            return known_files(connection, batch.source, deliveries)

    scan = Scan(
        get_source(batch.source),
        now_ns=time.time_ns(),
        settle_seconds=settle_seconds,
        known=known,
    )
    counts = Ingested()
    with database.transaction("emotion_score") as connection:
        begin_entering(connection)
        if key is not None:
            require_same_key(connection, key)
        counts.count_taken_over = take_over_abandoned(connection, batch)
        counts.count_retried = take_over_files(connection, batch.id)
    found = scan.files() if only is None else _single(scan, only)

    def whole_chunks() -> Iterator[list[ArrivedFile]]:
        while chunk := list(islice(found, CHUNK)):
            seen = known([file.delivery for file in chunk])
            fresh = [file for file in chunk if file.delivery not in seen]
            files = map_files(scan.source, partial(read_arrived, scan.source), fresh)
            whole = [file for file in files if file is not None]
            counts.count_known += len(chunk) - len(fresh)
            counts.count_unsettled += len(fresh) - len(whole)
            if seen and plan_known:
                with database.transaction("emotion_score") as connection:
                    begin_entering(connection)
                    counts.count_planned += plan_known_files(connection, batch, sorted(seen))
            if whole:
                yield whole

    for new_files, new_items in _enter_all(database, batch, key, whole_chunks()):
        counts.count_entered += new_files
        counts.count_planned += new_items
        log.info("%d files ingested so far", counts.count_entered)
    counts.count_ignored = scan.count_ignored
    counts.count_unsettled += scan.count_unsettled
    counts.count_held = len({held.folder for held in scan.held})
    with database.transaction("emotion_score") as connection:
        begin_entering(connection)
        counts.count_planned += plan_items(connection, batch.id)
        record_intake(
            connection,
            batch.id,
            count_ignored=counts.count_ignored,
            count_unsettled=counts.count_unsettled,
            held=scan.held,
        )
    for held in scan.held:
        log.warning(
            "held back %s: %s, %s", readable(held.folder) or "the inbox", held.code, held.detail
        )
    return counts


def _enter_all(
    database: Database,
    batch: Batch,
    key: TombstoneKey | None,
    chunks: Iterator[list[ArrivedFile]],
) -> Iterator[tuple[int, int]]:
    """How many files and items each chunk brought; while chunks are entered the next is read."""
    with ThreadPoolExecutor(WRITERS, thread_name_prefix="enter") as writers:
        entering: deque[Future[tuple[int, int]]] = deque()
        for chunk in chunks:
            if len(entering) == WRITERS:
                yield entering.popleft().result()
            entering.append(writers.submit(_enter, database, batch, key, chunk))
        while entering:
            yield entering.popleft().result()


def _enter(
    database: Database, batch: Batch, key: TombstoneKey | None, files: list[ArrivedFile]
) -> tuple[int, int]:
    with database.transaction("emotion_score") as connection:
        begin_entering(connection)
        if key is None:
            return enter_files(connection, batch, files, plans=True)
        files = refuse_erased(connection, key, files)
        entered = enter_files(connection, batch, files, plans=True)
        shown = [
            (file.subject, file.sha256)
            for file in files
            if file.subject is not None and file.sha256 is not None
        ]
        enter_subjects(connection, key, shown)
        return entered


def _single(scan: Scan, path: bytes) -> Iterator[ArrivedFile]:
    entry = scan.source.stat(path)
    if entry is None or entry.is_folder:
        raise ScoringError(f"there is no file {readable(path)} in {scan.source.name}")
    yield arrived(path, entry)
