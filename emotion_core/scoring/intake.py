"""Taking in: every arrived file becomes a row, every new content an item of the ledger."""

import logging
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice

from emotion_core.errors import ScoringError
from emotion_core.scoring.inbox import FoundFile, Scan, read_arrived
from emotion_core.scoring.source import Source, readable
from emotion_core.scoring.sources import open_source
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
    count_taken_over: int = 0
    """Files that earlier runs entered and left unfinished when they were stopped."""
    count_planned: int = 0
    """Contents that wait for a worker because of this look."""


def take_in(
    database: Database,
    batch: Batch,
    settle_seconds: float,
    *,
    only: bytes | None = None,
    plan_known: bool = False,
    key: TombstoneKey | None = None,
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
        key: Of this installation: what was erased is refused, and a manifest's subjects are kept.
            Without it nothing is compared with the tombstones.

    Raises:
        StoreError: The key is not the one that the tombstones were made with.
        ScoringError: The inbox cannot be read, or another run closed the batch meanwhile.
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
        begin_entering(connection)
        if key is not None:
            require_same_key(connection, key)
        taken_over = take_over_abandoned(connection, batch)
        retried = take_over_files(connection, batch.id)
    found_files = scan.files() if only is None else _single(scan, only)
    with (
        ThreadPoolExecutor(source.count_readers, thread_name_prefix="read") as readers,
        # While chunks are entered the next one is read.
        ThreadPoolExecutor(WRITERS, thread_name_prefix="enter") as writers,
    ):
        entering: deque[Future[tuple[int, int]]] = deque()

        def await_first() -> None:
            nonlocal entered, planned
            new_files, new_items = entering.popleft().result()
            entered += new_files
            planned += new_items

        for chunk in _chunks(found_files, CHUNK):
            seen = known([found.delivery for found in chunk])
            fresh = [found for found in chunk if found.delivery not in seen]
            parts = readers.map(partial(_read, source), _chunks(fresh, PART))
            arrived = [file for part in parts for file in part]
            seen_before += len(chunk) - len(fresh)
            changing += len(fresh) - len(arrived)
            if seen and plan_known:
                with database.transaction("emotion_score") as connection:
                    begin_entering(connection)
                    planned += plan_known_files(connection, batch, sorted(seen))
            if arrived:
                if len(entering) == WRITERS:
                    await_first()
                entering.append(writers.submit(_enter, database, batch, arrived, key))
                log.info("took in %d files so far", entered)
        while entering:
            await_first()
    with database.transaction("emotion_score") as connection:
        begin_entering(connection)
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
        count_taken_over=taken_over,
        count_planned=planned,
    )


def _read(source: Source, found_files: list[FoundFile]) -> list[ArrivedFile]:
    read = (read_arrived(source, found) for found in found_files)
    return [file for file in read if file is not None]


def _enter(
    database: Database, batch: Batch, arrived: list[ArrivedFile], key: TombstoneKey | None
) -> tuple[int, int]:
    with database.transaction("emotion_score") as connection:
        begin_entering(connection)
        if key is None:
            return enter_files(connection, batch, arrived, plans=True)
        arrived = refuse_erased(connection, key, arrived)
        entered = enter_files(connection, batch, arrived, plans=True)
        enter_subjects(
            connection,
            key,
            (
                (file.subject, file.sha256)
                for file in arrived
                if file.subject is not None and file.sha256 is not None
            ),
        )
        return entered


def _single(scan: Scan, path: bytes) -> Iterator[FoundFile]:
    entry = scan.source.look(path)
    if entry is None or entry.is_folder:
        raise ScoringError(f"there is no file {readable(path)!r} in {scan.source.name}")
    yield FoundFile(path, entry.size, entry.modified_ns, entry.problem)


def _chunks(files: Iterable[FoundFile], size: int) -> Iterator[list[FoundFile]]:
    iterator = iter(files)
    while chunk := list(islice(iterator, size)):
        yield chunk
