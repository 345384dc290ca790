"""Scoring again what was scored before: for a challenger in the shadow, and the whole archive."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from sqlalchemy import Connection

from emotion_core.store.copying import array_text
from emotion_core.store.queries import execute, row


@dataclass(frozen=True)
class Rescoring:
    """One run over the archive with one model."""

    id: int
    run_key: str
    model_version_id: int
    last_image_id: int
    """Up to here the archive was searched."""
    count_seen: int
    """Images that an older model had scored and this one had not."""
    count_planned: int
    """Those whose file is still there."""
    is_closed: bool
    count_missing: int


@dataclass(frozen=True)
class Delivery:
    """Where a content was delivered, and its size and time then."""

    source: str
    path: bytes
    size: int
    modified_ns: int


@dataclass(frozen=True)
class Archived:
    """A content of the archive, with its ten newest deliveries, newest first."""

    image_id: int
    deliveries: tuple[Delivery, ...]


def plan_shadow_items(connection: Connection, batch_id: int, model_version_id: int) -> int:
    """Let another model score what a batch's own model has scored; returns how many are new.

    Files that were refused are not tried again, and what is current does not change.
    """
    return execute(
        connection, "plan_shadow_items", batch_id=batch_id, model_version_id=model_version_id
    ).rowcount


def open_rescoring(connection: Connection, *, run_key: str, model_version_id: int) -> Rescoring:
    """The rescoring under this key; made, with this model pinned, when there is none."""
    opened = row(
        connection, "open_rescoring", Rescoring, run_key=run_key, model_version_id=model_version_id
    )
    assert opened is not None  # noqa: S101  - made or found
    return opened


def archived_contents(
    connection: Connection, *, model_version_id: int, after: int, limit: int
) -> list[Archived]:
    """The next contents, by image id, that other models have scored and this one has not."""
    found = execute(
        connection,
        "archived_contents",
        model_version_id=model_version_id,
        after=after,
        limit=limit,
    )
    return [
        Archived(image_id, tuple(Delivery(*file) for _, *file in files if file[0] is not None))
        for image_id, files in groupby(found, key=attrgetter("image_id"))
    ]


def enter_archived(
    connection: Connection,
    rescoring: Rescoring,
    *,
    last: int,
    found: Sequence[int],
    missing: Sequence[int],
) -> bool:
    """Plan what was found, name what was not, and go on behind ``last``, in one transaction.

    Returns:
        False, with nothing changed, when another worker has been here meanwhile.
    """
    is_ours = execute(
        connection,
        "advance_rescoring",
        id=rescoring.id,
        after=rescoring.last_image_id,
        last=last,
        count_seen=len(found) + len(missing),
        count_planned=len(found),
    ).rowcount
    if not is_ours:
        return False
    whose = {"model_version_id": rescoring.model_version_id, "rescoring_id": rescoring.id}
    execute(connection, "plan_archived", image_ids=array_text(found), **whose)
    execute(connection, "record_rescoring_missing", image_ids=array_text(missing), **whose)
    return True


def close_rescoring(connection: Connection, rescoring_id: int) -> None:
    """Note that the whole archive was searched."""
    execute(connection, "close_rescoring", id=rescoring_id)
