"""Taking in: every arrived file becomes a row, every new content an item of the ledger."""

import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from emotion_core.scoring.inbox import FoundFile, Scan, read_arrived
from emotion_core.store.batches import Batch, enter_files, known_files, plan_items
from emotion_core.store.database import Database

log = logging.getLogger(__name__)

CHUNK = 5_000
"""Files entered in one transaction: large enough for COPY, small enough for any memory."""


@dataclass(frozen=True)
class Intake:
    """What one look into the inbox found."""

    count_entered: int
    count_known: int
    count_ignored: int
    count_unsettled: int
    count_planned: int


def take_in(database: Database, batch: Batch, settle_seconds: float) -> Intake:
    """Enter everything that has newly arrived in the batch's source, and plan its scoring.

    Safe to repeat, and safe for two at once: a delivery that is known is passed over, an item
    that is planned stays as it is.

    Raises:
        ScoringError: The inbox cannot be read.
    """
    root = Path(batch.source)
    scan = Scan(root, now_ns=time.time_ns(), settle_seconds=settle_seconds)
    entered = known = changing = 0
    for chunk in _chunks(scan.files(), CHUNK):
        with database.transaction("emotion_score") as connection:
            seen = known_files(connection, batch.source, [found.delivery for found in chunk])
        fresh = [found for found in chunk if found.delivery not in seen]
        arrived = [file for found in fresh if (file := read_arrived(root, found)) is not None]
        known += len(chunk) - len(fresh)
        changing += len(fresh) - len(arrived)
        if arrived:
            with database.transaction("emotion_score") as connection:
                entered += enter_files(connection, batch, arrived)
            log.info("took in %d files so far", entered)
    with database.transaction("emotion_score") as connection:
        planned = plan_items(connection, batch.id)
    return Intake(
        count_entered=entered,
        count_known=known,
        count_ignored=scan.count_ignored,
        count_unsettled=scan.count_unsettled + changing,
        count_planned=planned,
    )


def _chunks(files: Iterable[FoundFile], size: int) -> Iterator[list[FoundFile]]:
    iterator = iter(files)
    while chunk := list(islice(iterator, size)):
        yield chunk
