"""What was erased for good: tombstones, and the door at which they say no."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from emotion_core.errors import StoreError
from emotion_core.store.batches import ArrivedFile
from emotion_core.store.copying import array_text
from emotion_core.store.queries import execute
from emotion_core.store.tombstone_key import TombstoneKey


def begin_entering(connection: Connection) -> None:
    """Enter content in this transaction: an erasure waits until it ends, or it for the erasure."""
    execute(connection, "lock_entering")


def require_same_key(connection: Connection, key: TombstoneKey) -> None:
    """Stop before another key than the tombstones' lets erased content in.

    Where nothing was ever marked any key will do.

    Raises:
        StoreError: The key is another one.
    """
    known = execute(connection, "erasure_key").scalar()
    if known not in (None, key.fingerprint):
        raise StoreError(
            "the erasure key is not the one that this database's tombstones were made with: "
            "restore erasure.key in EMOTION_HOME, or set EMOTION_ERASURE_KEY to the former value, "
            "the same on every machine"
        )


def claim_key(connection: Connection, key: TombstoneKey) -> None:
    """Mark with this key from now on, or stop where another one was used before.

    Raises:
        StoreError: The key is another one.
    """
    execute(connection, "claim_erasure_key", fingerprint=key.fingerprint)
    require_same_key(connection, key)


def erased_among(
    connection: Connection, key: TombstoneKey, contents: Sequence[bytes]
) -> dict[bytes, datetime]:
    """Which of these SHA-256 were erased, and when. The same list gives nothing away in a log."""
    if not contents:
        return {}
    by_mark = {key.content(sha256): sha256 for sha256 in contents}
    found = execute(connection, "erased_among", content_hmacs=array_text(by_mark))
    return {by_mark[mark]: erased_at for mark, erased_at in found}


def refuse_erased(
    connection: Connection, key: TombstoneKey, arrived: Sequence[ArrivedFile]
) -> list[ArrivedFile]:
    """The same files; those whose content was erased lose it and become refusals."""
    contents = [file.sha256 for file in arrived if file.sha256 is not None]
    erased = erased_among(connection, key, contents)

    def checked(file: ArrivedFile) -> ArrivedFile:
        if file.sha256 is None or file.sha256 not in erased:
            return file
        detail = f"the same bytes were erased on {erased[file.sha256]:%Y-%m-%d}"
        return replace(file, sha256=None, subject=None, code="erased", detail=detail)

    return [checked(file) for file in arrived]


def tombstones(connection: Connection) -> dict[bytes, datetime]:
    """Every tombstone: HMAC to when it was placed."""
    return {row.content_hmac: row.erased_at for row in execute(connection, "tombstones")}


def place_tombstones(connection: Connection, marks: dict[bytes, datetime | None]) -> int:
    """Place these HMACs, with when they were first placed (None: now); returns how many are new."""
    return execute(
        connection, "place_tombstones", content_hmacs=list(marks), erased_at=list(marks.values())
    ).rowcount


def enter_subjects(
    connection: Connection, key: TombstoneKey, shown: Iterable[tuple[str, bytes]]
) -> int:
    """Keep which subject's images came: pairs of the sender's key for it and a SHA-256.

    Returns:
        How many pairs are new.

    Raises:
        StoreError: Another key was used before.
    """
    pairs = list(shown)
    if not pairs:
        return 0
    claim_key(connection, key)
    return execute(
        connection,
        "enter_subjects",
        subject_hmacs=array_text(key.subject(subject) for subject, _ in pairs),
        contents=array_text(sha256 for _, sha256 in pairs),
    ).rowcount
