"""Erasing one content from every table, and what then is left to remove outside of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from emotion_core.store.queries import query
from emotion_core.store.tombstone_key import TombstoneKey
from emotion_core.store.tombstones import erased_among, place_tombstones

_STRETCH = 50_000


@dataclass(frozen=True)
class Erased:
    """What the tables held of one content."""

    is_known: bool = True
    """False for a content that no table knows: only its tombstone stands."""
    marked_at: datetime | None = None
    """When its tombstone was placed by an earlier erasure."""
    hold: int | None = None
    """The legal hold that kept all of it; nothing was removed."""
    count_files: int = 0
    count_predictions: int = 0
    count_refusals: int = 0
    count_labels: int = 0
    models: tuple[str, ...] = ()
    """Models trained on it, by name."""
    datasets: tuple[str, ...] = ()
    """Labelled data whose own files hold it, in words."""
    samples: tuple[tuple[str, str], ...] = ()
    """(fingerprint of the data set, sample id) under which it was labelled."""


@dataclass(frozen=True)
class Leftover:
    """A file whose bytes are still to be removed."""

    id: int
    erasure_id: int
    source: str
    path: bytes = field(repr=False)
    content_hmac: bytes | None
    problem: str


@dataclass(frozen=True)
class ErasureRecord:
    """One request, for people."""

    id: int
    asked_by: str
    reason: str
    requested_by: str
    requested_at: datetime
    finished_at: datetime | None
    count_contents: int
    count_files: int
    count_predictions: int
    count_refusals: int
    count_labels: int
    count_held: int
    models: tuple[str, ...]
    count_left: int


def open_erasure(connection: Connection, *, asked_by: str, reason: str, requested_by: str) -> int:
    """Enter a request; returns its id. ``asked_by`` is content, file, subject or replay."""
    return int(
        connection.execute(
            query("open_erasure"),
            {"asked_by": asked_by, "reason": reason, "requested_by": requested_by},
        ).scalar_one()
    )


def erase_content(
    connection: Connection, erasure_id: int, sha256: bytes, key: TombstoneKey
) -> Erased:
    """Remove one content from every table and place its tombstone; its files become leftovers.

    Nobody enters content meanwhile. A worker that is publishing it is waited for, one that
    publishes later finds its item gone. Under a legal hold nothing is changed but the count.

    Args:
        connection: Transaction of role ``emotion_erase``, of its own for each content.
        erasure_id: From :func:`open_erasure`.
        sha256: The content; one that no table knows gets its tombstone all the same.
        key: Of this installation.
    """
    connection.execute(query("lock_erasing"))
    image = connection.execute(query("lock_content"), {"sha256": sha256}).one_or_none()
    if image is not None and image.hold is not None:
        erased = Erased(hold=image.hold)
    else:
        mark = key.content(sha256)
        if image is None:
            before = erased_among(connection, key, [sha256])
            erased = Erased(is_known=False, marked_at=before.get(sha256))
        else:
            erased = _remove(connection, erasure_id, image.id, mark)
        place_tombstones(connection, {mark: None})
    is_gone = erased.is_known and erased.hold is None
    _count(connection, erasure_id, erased, count_contents=int(is_gone))
    return erased


def erase_unread_files(connection: Connection, erasure_id: int, source: str, path: bytes) -> int:
    """Remove what is known of a name under which nothing could be read; returns how many rows.

    The file itself becomes a leftover.
    """
    row = connection.execute(query("erase_unread_files"), {"source": source, "path": path}).one()
    if row.count_files:
        note_leftover(connection, erasure_id, source, path, None)
        found = Erased(count_files=row.count_files, count_refusals=row.count_refusals)
        _count(connection, erasure_id, found)
    return int(row.count_files)


def erase_lying_file(
    connection: Connection, erasure_id: int, source: str, path: bytes, mark: bytes
) -> None:
    """A file that lies in a source and was never ingested becomes a leftover."""
    note_leftover(connection, erasure_id, source, path, mark)
    _count(connection, erasure_id, Erased(count_files=1))


def note_leftover(
    connection: Connection, erasure_id: int, source: str, path: bytes, mark: bytes | None
) -> None:
    """Keep that a file's bytes are to be removed, before anybody tries."""
    connection.execute(
        query("note_leftover"),
        {"erasure_id": erasure_id, "source": source, "path": path, "content_hmac": mark},
    )


def leftovers(connection: Connection, erasure_id: int | None = None) -> list[Leftover]:
    """Files still to be removed, of one erasure or of all."""
    rows = connection.execute(query("leftovers"), {"erasure_id": erasure_id}).mappings()
    return [
        Leftover(
            **{
                **row,
                "path": bytes(row["path"]),
                "content_hmac": row["content_hmac"] and bytes(row["content_hmac"]),
            }
        )
        for row in rows
    ]


def settle_leftover(connection: Connection, leftover_id: int, problem: str | None) -> None:
    """The file is gone (``problem`` is None), or why it is not."""
    if problem is None:
        connection.execute(query("forget_leftover"), {"id": leftover_id})
    else:
        connection.execute(query("explain_leftover"), {"id": leftover_id, "problem": problem[:500]})


def finish_erasures(connection: Connection, erasure_id: int | None = None) -> None:
    """Mark the requests of which nothing is left to remove."""
    connection.execute(query("finish_erasure"), {"erasure_id": erasure_id})


def erasures(
    connection: Connection, erasure_id: int | None = None, limit: int = 20
) -> list[ErasureRecord]:
    """Requests, newest first."""
    rows = connection.execute(
        query("erasures"), {"erasure_id": erasure_id, "limit": limit}
    ).mappings()
    return [ErasureRecord(**{**row, "models": tuple(row["models"])}) for row in rows]


def contents_of_subject(connection: Connection, subject_hmac: bytes) -> list[bytes]:
    """SHA-256 of every image that a manifest said shows this subject."""
    rows = connection.execute(query("contents_of_subject"), {"subject_hmac": subject_hmac})
    return [bytes(sha256) for sha256 in rows.scalars()]


def contents_of_path(connection: Connection, source: str, path: bytes) -> list[bytes | None]:
    """SHA-256 of everything delivered under a name; None stands for what could not be read."""
    rows = connection.execute(query("contents_of_path"), {"source": source, "path": path})
    return [None if sha256 is None else bytes(sha256) for sha256 in rows.scalars()]


def known_sources(connection: Connection) -> list[str]:
    """Every source that a batch ever looked into."""
    return list(connection.execute(query("known_sources")).scalars())


def hold_on_source(connection: Connection, source: str) -> int | None:
    """The oldest standing legal hold on a whole source."""
    found = connection.execute(query("hold_on_source"), {"source": source}).scalar()
    return None if found is None else int(found)


def known_contents_of(
    connection: Connection, key: TombstoneKey, marks: Sequence[bytes]
) -> Iterator[bytes]:
    """SHA-256 of every image in the tables whose HMAC is one of these: after a restore, say."""
    wanted, after = set(marks), 0
    while rows := connection.execute(
        query("all_contents"), {"after": after, "limit": _STRETCH}
    ).all():
        after = rows[-1].id
        yield from (sha256 for row in rows if key.content(sha256 := bytes(row.sha256)) in wanted)


def _count(
    connection: Connection, erasure_id: int, erased: Erased, *, count_contents: int = 0
) -> None:
    connection.execute(
        query("count_erasure"),
        {
            "erasure_id": erasure_id,
            "count_contents": count_contents,
            "count_files": erased.count_files,
            "count_predictions": erased.count_predictions,
            "count_refusals": erased.count_refusals,
            "count_labels": erased.count_labels,
            "count_held": int(erased.hold is not None),
            "models": list(erased.models),
        },
    )


def _remove(connection: Connection, erasure_id: int, image_id: int, mark: bytes) -> Erased:
    of_image = {"image_id": image_id}
    connection.execute(query("lock_items_of_content"), of_image).all()
    models = connection.execute(query("models_trained_on"), of_image).scalars().all()
    datasets = connection.execute(query("datasets_with"), of_image).all()
    for place in connection.execute(query("places_of_content"), of_image).all():
        note_leftover(connection, erasure_id, place.source, bytes(place.path), mark)
    counts = connection.execute(query("erase_content"), of_image).one()
    return Erased(
        count_files=counts.count_files,
        count_predictions=counts.count_predictions,
        count_refusals=counts.count_refusals,
        count_labels=counts.count_labels,
        models=tuple(models),
        datasets=tuple(
            f"the data set {row.name} in {row.location} holds it as sample {row.sample_id}"
            for row in datasets
        ),
        samples=tuple((row.fingerprint, row.sample_id) for row in datasets),
    )
