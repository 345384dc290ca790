"""Steps that score again: the challenger beside the champion, the archive with a new champion."""

import logging
import time

from emotion_core.errors import ProhibitedUseError, ScoringError
from emotion_core.steps import erasure, scoring
from emotion_core.steps.installation import Installation
from emotion_core.store import archive, batches, models, sources
from emotion_core.store.archive import Archived, Rescoring
from emotion_core.store.tombstones import begin_entering

log = logging.getLogger(__name__)

CHUNK = 512
"""Images planned at a time: a night that begins meanwhile waits for no more than these."""


def score_shadow(here: Installation, run_key: str, worker: str) -> dict[str, float]:
    """Score what a batch's model has scored with the challenger too; returns counts.

    Nothing that analysts call current changes. Without a challenger there is nothing to do.

    Raises:
        EmotionError: The challenger cannot score; the batch is not touched by that.
    """
    nothing: dict[str, float] = {"count_planned": 0, "count_scored": 0, "count_refused": 0}
    with here.database.transaction("emotion_score") as connection:
        challenger = models.current_model(connection, "challenger")
        if challenger is None:
            return nothing
        try:
            batch = batches.batch_by_key(connection, run_key)
        except ScoringError:  # no champion, no batch
            return nothing
        if batch.model_version_id == challenger.id:
            return nothing
        begin_entering(connection)
        planned = archive.plan_shadow_items(connection, batch.id, challenger.id)
    log.info("%s scores %d images in the shadow", challenger.name, planned)
    return {
        "count_planned": planned,
        **scoring.score_waiting(here, run_key, challenger, worker, chunk=128),
    }


def rescore(
    here: Installation,
    run_key: str,
    worker: str,
    *,
    model: str | None = None,
    images_per_second: float = 0.0,
    most_images: int = 0,
    chunk: int = CHUNK,
) -> dict[str, int | str | bool]:
    """Score the archive with a model that has not seen it; returns counts.

    Everything that another model has scored and whose file still lies where it was delivered,
    unchanged. What cannot be found any more, or lies in a source whose use is prohibited, is
    counted and named (view ``rescoring_missing_file``). Old predictions stay. A retry, and a
    run after one that reached its limit, go on where it stopped.

    Args:
        run_key: A retry with the same key goes on with the model that it began with.
        worker: Name for the ledger.
        model: In place of the champion.
        images_per_second: At most this many; 0 for no limit.
        most_images: Stop after about this many; 0 for the whole archive.
        chunk: Images planned at a time.

    Raises:
        NoChampionError: No model is named and none was promoted yet.
        StoreError: No such model.
    """
    erasure.require_erasures(here)
    with here.database.transaction("emotion_score") as connection:
        chosen = models.chosen_model(connection, model)
        rescoring = archive.open_rescoring(connection, run_key=run_key, model_version_id=chosen.id)
        chosen = models.model_versions(connection, id=rescoring.model_version_id)[0]
    already = rescoring.count_planned
    is_first = True
    while True:
        began, planned = time.monotonic(), rescoring.count_planned
        seen, rescoring = _plan_archive(here, rescoring, chunk)
        # The first time in any case: what a killed try has left waits in the ledger.
        if is_first or rescoring.count_planned > planned:
            scoring.score_waiting(here, run_key, chosen, worker, chunk=128)
        is_first = False
        if not seen:
            with here.database.transaction("emotion_score") as connection:
                archive.close_rescoring(connection, rescoring.id)
            break
        log.info(
            "%d seen, %d of them scored with %s, %d missing",
            rescoring.count_seen,
            rescoring.count_planned,
            chosen.name,
            rescoring.count_missing,
        )
        if most_images and rescoring.count_planned - already >= most_images:
            break
        if images_per_second:
            time.sleep(max(0.0, seen / images_per_second - (time.monotonic() - began)))
    return {
        "model": chosen.name,
        "count_seen": rescoring.count_seen,
        "count_planned": rescoring.count_planned,
        "count_missing": rescoring.count_missing,
        "is_whole": not seen,
    }


def _plan_archive(here: Installation, rescoring: Rescoring, chunk: int) -> tuple[int, Rescoring]:
    """Plan the next images whose files are there; returns how many were looked for, and the
    counts afterwards."""
    with here.database.transaction("emotion_score") as connection:
        contents = archive.archived_contents(
            connection,
            model_version_id=rescoring.model_version_id,
            after=rescoring.last_image_id,
            limit=chunk,
        )
    if not contents:
        return 0, rescoring
    permitted = {file.source for content in contents for file in content.deliveries}
    permitted = {source for source in permitted if _is_permitted(here, source)}
    found = [content.image_id for content in contents if _is_there(content, permitted)]
    known = set(found)
    missing = [content.image_id for content in contents if content.image_id not in known]
    with here.database.transaction("emotion_score") as connection:
        begin_entering(connection)
        archive.enter_archived(
            connection,
            rescoring,
            last=contents[-1].image_id,
            found=found,
            missing=missing,
        )
        return len(contents), archive.open_rescoring(
            connection,
            run_key=rescoring.run_key,
            model_version_id=rescoring.model_version_id,
        )


def _is_permitted(here: Installation, source: str) -> bool:
    try:
        with here.database.transaction("emotion_score") as connection:
            sources.require_permitted(connection, source)
    except ProhibitedUseError:
        return False
    return True


def _is_there(content: Archived, permitted: set[str]) -> bool:
    """Whether some delivery that may be scored still lies there unchanged."""
    from emotion_core.scoring.sources import get_source

    for file in content.deliveries:
        if file.source in permitted:
            entry = get_source(file.source).stat(file.path)
            delivered = (None, file.size, file.modified_ns)
            if entry and (entry.problem, entry.size, entry.modified_ns) == delivered:
                return True
    return False
