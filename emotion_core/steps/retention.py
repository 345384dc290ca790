"""Steps of keeping no longer than may be: one class of data after the other, in bounded steps."""

import logging
from collections.abc import Sequence
from datetime import datetime

from emotion_core.steps.installation import Installation
from emotion_core.store import batches, retention

log = logging.getLogger(__name__)


def apply_retention(
    here: Installation, run_key: str, class_: str, *, rows_a_step: int = 1_000
) -> dict[str, int]:
    """Remove what a class has kept longer than its days; returns counts.

    Args:
        run_key: A retry with the same key goes on with the same cutoff and the same proof.
        class_: One of :data:`emotion_core.store.retention.CLASSES`.
        rows_a_step: Each step is a transaction of about so many rows.
    """
    # What an open batch brought is kept: a stopped run's must not stay open for ever.
    with here.database.transaction("emotion_score") as connection:
        batches.close_abandoned(connection)
    with here.database.transaction("emotion_erase") as connection:
        run = retention.open_run(connection, run_key, class_)
    if run is None:
        log.info("%s are kept without limit", class_)
        return {"count_removed": 0, "count_held": 0, "count_failed": 0}
    run_id, cutoff = run
    held = failed = 0
    if class_ == "images":
        after = 0
        while files := _due(here, cutoff, after, rows_a_step):
            after = files[-1].id
            kept, stuck = _remove(here, run_id, files)
            held, failed = held + kept, failed + stuck
    else:
        count = 1
        while count:
            with here.database.transaction("emotion_erase") as connection:
                count = retention.forget_rows(connection, run_id, class_, cutoff, rows_a_step)
        with here.database.transaction("emotion_erase") as connection:
            held = retention.held_rows(connection, class_, cutoff)
    with here.database.transaction("emotion_erase") as connection:
        retention.finish_run(connection, run_id, count_held=held, count_failed=failed)
        proof = next(
            proof
            for proof in retention.retention_runs(connection, run_key)
            if proof.class_ == class_
        )
    log.info(
        "%s from before %s: %d removed, %d held, %d not removable",
        class_,
        f"{cutoff:%Y-%m-%d %H:%M}",
        proof.count_removed,
        held,
        failed,
    )
    return {
        "count_removed": proof.count_removed,
        "count_held": held,
        "count_failed": failed,
    }


def _due(here: Installation, cutoff: datetime, after: int, limit: int) -> list[retention.DueFile]:
    with here.database.transaction("emotion_erase") as connection:
        return retention.due_files(connection, cutoff, after=after, limit=limit)


def _remove(here: Installation, run_id: int, files: Sequence[retention.DueFile]) -> tuple[int, int]:
    """Remove files' bytes; returns how many are held and how many would not go."""
    from emotion_core.privacy.removal import remove_delivery, remove_met_manifests

    gone, failed = [], 0
    for file in files:
        if file.hold is not None:
            continue
        problem = remove_delivery(file.source, file.path, file.size, file.modified_ns, file.sha256)
        if problem is None:
            gone.append(file)
        else:
            failed += 1
            log.warning("a file of %s stays: %s", file.source, problem)
    with here.database.transaction("emotion_erase") as connection:
        retention.mark_removed(connection, run_id, [file.id for file in gone])
    remove_met_manifests({(file.source, file.path) for file in gone})
    return sum(file.hold is not None for file in files), failed
