"""Taking in: every arrived file becomes a row, every new content an item of the ledger."""

import logging
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice

from emotion_core.errors import ScoringError
from emotion_core.scoring.inbox import FoundFile, Scan, read_arrived
from emotion_core.scoring.source import Source, open_source, readable
from emotion_core.store.batches import (
    ArrivedFile,
    Batch,
    enter_files,
    known_files,
    plan_items,
    plan_known_files,
    record_intake,
)
from emotion_core.store.database import Database
from emotion_core.store.retries import take_over_files

log = logging.getLogger(__name__)

CHUNK = 5_000
"""Files entered in one transaction: large enough for COPY, small enough for any memory."""

PART = 250
"""Files that one reader reads at a time: handing over single ones costs as much as reading them."""


@dataclass(frozen=True)
class Intake:
    """What one look into the inbox found."""

    count_entered: int = 0
    """Files that are new in this batch."""
    count_known: int = 0
    """Files that an earlier batch has."""
    count_ignored: int = 0
    count_unsettled: int = 0
    count_held: int = 0
    """Folders that wait, all or in part, for their manifest."""
    count_retried: int = 0
    """Refused files that somebody put back."""
    count_planned: int = 0
    """Contents that wait for a worker because of this look."""


def take_in(
    database: Database,
    batch: Batch,
    settle_seconds: float,
    *,
    only: bytes | None = None,
    plan_known: bool = False,
) -> Intake:
    """Enter everything that has newly arrived in the batch's source, and plan its scoring.

    Safe to repeat, and safe for two at once: a delivery that is known is passed over, an item
    that is planned stays as it is.

    Args:
        database: The ledger.
        batch: An open batch; names the source.
        settle_seconds: How long a file without marker or manifest must have been left alone.
        only: A single file's path inside the source, instead of everything.
        plan_known: Also score what earlier batches brought, where this model has not yet.

    Raises:
        ScoringError: The inbox cannot be read.
        SourceUnreachableError: The object store does not answer.
    """
    if batch.is_closed:
        log.info("the batch is closed; what arrives now is for the next one")
        return Intake()
    source = open_source(batch.source)

    def known(deliveries: list[tuple[bytes, int, int]]) -> set[tuple[bytes, int, int]]:
        with database.transaction("emotion_score") as connection:
            return known_files(connection, batch.source, deliveries)

    scan = Scan(source, now_ns=time.time_ns(), settle_seconds=settle_seconds, known=known)
    entered = seen_before = changing = planned = 0
    with database.transaction("emotion_score") as connection:
        retried = take_over_files(connection, batch.id)
    found_files = scan.files() if only is None else _single(scan, only)
    with (
        ThreadPoolExecutor(source.count_readers, thread_name_prefix="read") as readers,
        # While one chunk is entered the next one is read.
        ThreadPoolExecutor(1, thread_name_prefix="enter") as writer,
    ):
        entering: Future[int] | None = None
        for chunk in _chunks(found_files, CHUNK):
            seen = known([found.delivery for found in chunk])
            fresh = [found for found in chunk if found.delivery not in seen]
            parts = readers.map(partial(_read, source), _chunks(fresh, PART))
            arrived = [file for part in parts for file in part]
            seen_before += len(chunk) - len(fresh)
            changing += len(fresh) - len(arrived)
            if seen and plan_known:
                with database.transaction("emotion_score") as connection:
                    planned += plan_known_files(connection, batch, sorted(seen))
            if arrived:
                entered += entering.result() if entering else 0
                entering = writer.submit(_enter, database, batch, arrived)
                log.info("took in %d files so far", entered)
        entered += entering.result() if entering else 0
    with database.transaction("emotion_score") as connection:
        planned += plan_items(connection, batch.id)
        record_intake(
            connection,
            batch.id,
            count_ignored=scan.count_ignored,
            count_unsettled=scan.count_unsettled + changing,
            held=scan.held,
        )
    for held in scan.held:
        log.warning(
            "held back %s: %s, %s", readable(held.folder) or "the inbox", held.code, held.detail
        )
    return Intake(
        count_entered=entered,
        count_known=seen_before,
        count_ignored=scan.count_ignored,
        count_unsettled=scan.count_unsettled + changing,
        count_held=len({held.folder for held in scan.held}),
        count_retried=retried,
        count_planned=planned,
    )


def _read(source: Source, found_files: list[FoundFile]) -> list[ArrivedFile]:
    read = (read_arrived(source, found) for found in found_files)
    return [file for file in read if file is not None]


def _enter(database: Database, batch: Batch, arrived: list[ArrivedFile]) -> int:
    with database.transaction("emotion_score") as connection:
        return enter_files(connection, batch, arrived)


def _single(scan: Scan, path: bytes) -> Iterator[FoundFile]:
    entry = scan.source.look(path)
    if entry is None or entry.is_folder:
        raise ScoringError(f"there is no file {readable(path)!r} in {scan.source.name}")
    yield FoundFile(path, entry.size, entry.modified_ns, entry.problem)


def _chunks(files: Iterable[FoundFile], size: int) -> Iterator[list[FoundFile]]:
    iterator = iter(files)
    while chunk := list(islice(iterator, size)):
        yield chunk
