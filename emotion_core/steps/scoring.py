"""Steps of a scoring run: open the batch, score, close."""

import logging
import os
import socket
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from emotion_core.errors import ScoringError
from emotion_core.files import is_address, place_named
from emotion_core.steps import erasure, sources
from emotion_core.steps.installation import Installation
from emotion_core.store import batches, ledger, models, retries

log = logging.getLogger(__name__)


def open_batch(
    here: Installation,
    run_key: str,
    *,
    settle_seconds: float = 60.0,
    source: str | None = None,
    only: bytes | None = None,
    model: str | None = None,
) -> dict[str, int]:
    """Open a batch and ingest what has arrived; returns counts.

    Args:
        run_key: A retry with the same key finds its batch, with the model it began with.
        settle_seconds: How long a file without marker or manifest must have been left alone.
        source: Folder or address in place of the inbox; what earlier batches brought from
            there is scored too, where this model has not yet.
        only: A single file's path inside the source.
        model: A model's name in place of the champion.

    Raises:
        NoChampionError: No model has been promoted yet.
        SettingsError: The inbox is not there.
        StoreError: No such model; or the database has forgotten erasures.
        ScoringError: The source cannot be read.
        ProhibitedUseError: The source is for work or education, without a basis.
    """
    from emotion_core.scoring.ingest import ingest
    from emotion_core.scoring.sources import require_source

    key = erasure.require_erasures(here)
    is_inbox, source = source is None, source or here.settings.inbox
    sources.require_permitted(here, source)
    if source == str(here.settings.inbox_dir):
        here.settings.folder("inbox_dir")
    require_source(source)
    with at_work(here, run_key):
        with here.database.transaction("emotion_score") as connection:
            chosen = models.chosen_model(connection, model)
            batch = batches.open_batch(
                connection, run_key=run_key, source=source, model_version_id=chosen.id
            )
        ingested = ingest(
            here.database, batch, settle_seconds, only=only, plan_known=not is_inbox, key=key
        )
    log.info("%s scores with %s: %s", run_key, chosen.name, ingested)
    return asdict(ingested)


def at_work(here: Installation, run_key: str) -> AbstractContextManager[None]:
    """Keeps other runs from taking this one for abandoned; see :func:`batches.at_work`."""
    return batches.at_work(here.database, run_key)


def place_to_score(here: Installation, written: str) -> tuple[str, bytes | None]:
    """A source's name, and a single file's path inside it, from what somebody wrote.

    Raises:
        PlaceError: It names no place.
        ScoringError: Nothing is there.
        SourceUnreachableError: The object store does not answer.
    """
    from emotion_core.scoring.sources import get_source

    # What is there is meant, whatever its name looks like.
    if written and Path(written).is_dir():
        return sources.source_named(here, written), None
    if os.path.lexists(written):
        file = Path(written)
        return sources.source_named(here, str(file.parent)), os.fsencode(file.name)
    place = place_named(written)
    if not is_address(place):
        raise ScoringError(f"there is no file or folder {written!r}")
    above, _, name = place.rpartition("/")
    # A key and a folder may have the same name: with a slash at its end it is the folder.
    if above != "s3:/" and not written.endswith("/"):
        entry = get_source(above).stat(name.encode())
        if entry is not None and not entry.is_folder:
            return above, name.encode()
    return place, None


def score(here: Installation, run_key: str, worker: str, *, chunk: int = 128) -> dict[str, float]:
    """Work on the batch's model until nothing waits; returns what this worker did."""
    with here.database.transaction("emotion_score") as connection:
        batch = batches.batch_by_key(connection, run_key)
        model = models.model_versions(connection, id=batch.model_version_id)[0]
    with at_work(here, run_key):
        return score_waiting(here, run_key, model, worker, chunk)


def count_waiting(here: Installation, run_key: str) -> int:
    """How many images wait for the batch's model, whoever planned them."""
    with here.database.transaction("emotion_score") as connection:
        batch = batches.batch_by_key(connection, run_key)
        return ledger.items_left(connection, batch.model_version_id)


def score_waiting(
    here: Installation, run_key: str, model: models.ModelVersion, worker: str, chunk: int
) -> dict[str, float]:
    """Score whatever waits for this model; what was done is kept under ``run_key``."""
    from emotion_core.scoring.tally import Tally
    from emotion_core.scoring.worker import work
    from emotion_core.store.throughput import Throughput, record_throughput
    from emotion_core.vision.scorer import Scorer

    tally = Tally()
    scorer = Scorer(Path(model.folder), device=here.settings.device, prepares=True)
    try:
        work(
            here.database,
            scorer,
            model_version_id=model.id,
            worker=worker,
            chunk=chunk,
            tally=tally,
        )
    finally:
        scorer.close()
        with here.database.transaction("emotion_score") as connection:
            record_throughput(
                connection,
                Throughput(
                    run_key=run_key,
                    model_version_id=model.id,
                    worker=worker,
                    host=socket.gethostname(),
                    **asdict(tally),
                ),
            )
    return {
        "count_scored": tally.count_scored,
        "count_refused": tally.count_refused,
        "seconds": tally.seconds,
        "images_per_second": tally.images_per_second,
    }


def close_batch(
    here: Installation, run_key: str, *, refused_share_limit: float = 1.0, refused_minimum: int = 10
) -> dict[str, Any]:
    """Close a batch whose counts add up; returns its summary.

    Args:
        run_key: The batch.
        refused_share_limit: 0 to 1. With a larger share refused the batch closes, all that is
            good stays published, and then this fails: something is wrong with the delivery.
        refused_minimum: With fewer refusals than this the share says nothing.

    Raises:
        ScoringError: Something of it still waits, or too much of it was refused.
    """
    from emotion_core.scoring.outcome import check_refused_share, report_refusals

    with here.database.transaction("emotion_score") as connection:
        batches.close_batch(connection, batches.batch_by_key(connection, run_key).id)
    with here.database.transaction("emotion_report") as connection:
        summary = batches.batch_summary(connection, run_key)
        refused = batches.refused_files(connection, run_key)
    assert summary is not None  # noqa: S101  - it was found above
    report_refusals(refused)
    if not summary.is_closed:
        raise ScoringError(
            f"batch {run_key} cannot close: {summary.count_left} of {summary.count_found} "
            "files still wait for a worker"
        )
    check_refused_share(summary, refused, refused_share_limit, refused_minimum)
    counts = {name: n for name, n in asdict(summary).items() if name.startswith("count_")}
    return counts | {"model": summary.model}


def retry_refused(here: Installation, reason: str, *, batch: str | None, requested_by: str) -> int:
    """Queue refused files for the next run, after their cause is mended; returns how many.

    Args:
        reason: Its code, e.g. ``truncated``, or ``quarantined``.
        batch: Only what this batch refused; None for every closed batch.
        requested_by: Who asked; kept.

    Returns:
        How many files are queued now; those that were before are not counted again.

    Raises:
        ScoringError: There is no such reason or batch, or the batch is still open.
    """
    with here.database.transaction("emotion_score") as connection:
        codes = retries.refusal_codes(connection)
        if reason not in codes:
            raise ScoringError(f"there is no reason {reason!r}; there are: {', '.join(codes)}")
        batches.close_abandoned(connection)
        if batch is not None and not batches.batch_by_key(connection, batch).is_closed:
            raise ScoringError(f"batch {batch!r} is not closed yet: let its run end first")
        count = retries.request_retry(
            connection, code=reason, run_key=batch, requested_by=requested_by
        )
    log.info("%d files that were refused as %s are queued for the next run", count, reason)
    return count
