"""Erasing one content from every table, and what then is left to remove outside of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection

from emotion_core.store.queries import execute, row, rows
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
    made = execute(
        connection, "open_erasure", asked_by=asked_by, reason=reason, requested_by=requested_by
    )
    return int(made.scalar_one())


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
    execute(connection, "lock_erasing")
    mark = key.content(sha256)
    image = execute(connection, "lock_content", sha256=sha256).one_or_none()
    if image is None:
        before = erased_among(connection, key, [sha256])
        erased = Erased(is_known=False, marked_at=before.get(sha256))
    elif image.hold is not None:
        erased = Erased(hold=image.hold)
    else:
        erased = _remove(connection, erasure_id, image.id, mark)
    if erased.hold is None:
        place_tombstones(connection, {mark: None})
    _count(connection, erasure_id, erased, int(erased.is_known and erased.hold is None))
    return erased


def erase_unread_files(connection: Connection, erasure_id: int, source: str, path: bytes) -> None:
    """Remove what is known of a name under which nothing could be read.

    The file itself becomes a leftover.
    """
    found = row(connection, "erase_unread_files", Erased, source=source, path=path)
    if found is not None and found.count_files:
        _note_leftover(connection, erasure_id, source, path, None)
        _count(connection, erasure_id, found)


def erase_lying_file(
    connection: Connection, erasure_id: int, source: str, path: bytes, mark: bytes
) -> None:
    """A file that lies in a source and was never ingested becomes a leftover."""
    _note_leftover(connection, erasure_id, source, path, mark)
    _count(connection, erasure_id, Erased(count_files=1))


def leftovers(connection: Connection, erasure_id: int | None = None) -> list[Leftover]:
    """Files still to be removed, of one erasure or of all."""
    return rows(connection, "leftovers", Leftover, erasure_id=erasure_id)


def settle_leftover(connection: Connection, leftover_id: int, problem: str | None) -> None:
    """The file is gone (``problem`` is None), or why it is not."""
    if problem is None:
        execute(connection, "forget_leftover", id=leftover_id)
    else:
        execute(connection, "explain_leftover", id=leftover_id, problem=problem[:500])


def finish_erasures(connection: Connection, erasure_id: int | None = None) -> None:
    """Mark the requests of which nothing is left to remove."""
    execute(connection, "finish_erasure", erasure_id=erasure_id)


def erasures(
    connection: Connection, erasure_id: int | None = None, limit: int = 20
) -> list[ErasureRecord]:
    """Requests, newest first."""
    return rows(connection, "erasures", ErasureRecord, erasure_id=erasure_id, limit=limit)


def contents_of_subject(connection: Connection, subject_hmac: bytes) -> list[bytes]:
    """SHA-256 of every image of this subject, as manifests named it."""
    return list(execute(connection, "contents_of_subject", subject_hmac=subject_hmac).scalars())


def contents_of_path(connection: Connection, source: str, path: bytes) -> list[bytes | None]:
    """SHA-256 of everything delivered under a name; None stands for what could not be read."""
    return list(execute(connection, "contents_of_path", source=source, path=path).scalars())


def known_sources(connection: Connection) -> list[str]:
    """Every source that a batch ever read."""
    return list(execute(connection, "known_sources").scalars())


def hold_on_source(connection: Connection, source: str) -> int | None:
    """The oldest active legal hold on a whole source."""
    hold: int | None = execute(connection, "hold_on_source", source=source).scalar()
    return hold


def known_contents_of(
    connection: Connection, key: TombstoneKey, marks: Sequence[bytes]
) -> Iterator[bytes]:
    """SHA-256 of every image in the tables whose HMAC is one of these: after a restore, say."""
    wanted, after = set(marks), 0
    while images := execute(connection, "all_contents", after=after, limit=_STRETCH).all():
        after = images[-1].id
        yield from (image.sha256 for image in images if key.content(image.sha256) in wanted)


def _note_leftover(
    connection: Connection, erasure_id: int, source: str, path: bytes, mark: bytes | None
) -> None:
    """Keep that a file's bytes are to be removed, before anybody tries."""
    execute(
        connection,
        "note_leftover",
        erasure_id=erasure_id,
        source=source,
        path=path,
        content_hmac=mark,
    )


def _count(
    connection: Connection, erasure_id: int, erased: Erased, count_contents: int = 0
) -> None:
    execute(
        connection,
        "count_erasure",
        erasure_id=erasure_id,
        count_contents=count_contents,
        count_held=int(erased.hold is not None),
        **vars(erased),
    )


def _remove(connection: Connection, erasure_id: int, image_id: int, mark: bytes) -> Erased:
    execute(connection, "lock_items_of_content", image_id=image_id).all()
    datasets = execute(connection, "datasets_with", image_id=image_id).all()
    erased = row(
        connection,
        "erase_content",
        Erased,
        image_id=image_id,
        erasure_id=erasure_id,
        content_hmac=mark,
    )
    assert erased is not None  # noqa: S101  - an aggregate gives one row
    return replace(
        erased,
        datasets=tuple(
            f"the data set {found.name} in {found.location} holds it as sample {found.sample_id}"
            for found in datasets
        ),
        samples=tuple((found.fingerprint, found.sample_id) for found in datasets),
    )
