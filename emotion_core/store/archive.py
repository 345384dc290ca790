"""Scoring again what was scored before: for a challenger in the shadow, and the whole archive."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from sqlalchemy import Connection

from emotion_core.store.copying import array_text
from emotion_core.store.queries import query


@dataclass(frozen=True)
class Rescoring:
    """One run over the archive with one model."""

    id: int
    run_key: str
    model_version_id: int
    last_image_id: int
    """Up to here the archive was looked through."""
    count_seen: int
    """Images that an older model had scored and this one had not."""
    count_planned: int
    """Those whose file is still there."""
    is_closed: bool
    count_missing: int


@dataclass(frozen=True)
class Place:
    """Where a content was delivered, and how its file looked then."""

    source: str
    path: bytes
    size: int
    modified_ns: int


@dataclass(frozen=True)
class Archived:
    """A content of the archive, with the newest ten of its places, newest first."""

    image_id: int
    places: tuple[Place, ...]


def plan_shadow_items(connection: Connection, batch_id: int, model_version_id: int) -> int:
    """Let another model score what a batch's own model has scored; returns how many are new.

    Files that were refused are not tried again, and what is current does not change.
    """
    return connection.execute(
        query("plan_shadow_items"), {"batch_id": batch_id, "model_version_id": model_version_id}
    ).rowcount


def open_rescoring(connection: Connection, *, run_key: str, model_version_id: int) -> Rescoring:
    """The rescoring under this key; made, with this model pinned, when there is none."""
    row = connection.execute(
        query("open_rescoring"), {"run_key": run_key, "model_version_id": model_version_id}
    ).one()
    return Rescoring(**row._mapping)


def archived_contents(
    connection: Connection, *, model_version_id: int, after: int, limit: int
) -> list[Archived]:
    """The next contents, by image id, that other models have scored and this one has not."""
    rows = connection.execute(
        query("archived_contents"),
        {"model_version_id": model_version_id, "after": after, "limit": limit},
    )
    return [
        Archived(
            image_id,
            tuple(
                Place(row.source, bytes(row.path), row.bytes, row.modified_ns)
                for row in places
                if row.source is not None
            ),
        )
        for image_id, places in groupby(rows, key=attrgetter("image_id"))
    ]


def enter_archived(
    connection: Connection,
    rescoring: Rescoring,
    *,
    after: int,
    last: int,
    found: Sequence[int],
    missing: Sequence[int],
) -> bool:
    """Plan what was found, name what was not, and go on behind ``last``, in one transaction.

    Returns:
        False, with nothing changed, when another worker has been here meanwhile.
    """
    is_ours = connection.execute(
        query("advance_rescoring"),
        {
            "id": rescoring.id,
            "after": after,
            "last": last,
            "count_seen": len(found) + len(missing),
            "count_planned": len(found),
        },
    ).rowcount
    if not is_ours:
        return False
    connection.execute(
        query("plan_archived"),
        {"model_version_id": rescoring.model_version_id, "image_ids": array_text(found)},
    )
    connection.execute(
        query("record_rescoring_missing"),
        {"rescoring_id": rescoring.id, "image_ids": array_text(missing)},
    )
    return True


def close_rescoring(connection: Connection, rescoring_id: int) -> None:
    """Note that the whole archive was looked through."""
    connection.execute(query("close_rescoring"), {"id": rescoring_id})
