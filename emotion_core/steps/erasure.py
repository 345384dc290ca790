"""Steps of erasing: by content, by file, by subject; and again after a backup was restored."""

import hashlib
import logging
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from emotion_core.errors import ErasureError, StoreError
from emotion_core.files import is_address, real_name
from emotion_core.steps import reports
from emotion_core.steps.installation import Installation
from emotion_core.store import erasure, tombstones
from emotion_core.store.tombstone_key import TombstoneKey, tombstone_key

log = logging.getLogger(__name__)


@dataclass
class ErasureOutcome:
    """What an erasure did."""

    record: erasure.ErasureRecord | None = None
    """None when there was nothing to erase."""
    unknown: list[str] = field(default_factory=list)
    """What was to be erased and is not here; its tombstone stands all the same."""
    held: list[str] = field(default_factory=list)
    """Why something was kept."""
    by_hand: list[str] = field(default_factory=list)
    """What only people can remove."""


def erase(
    here: Installation,
    *,
    reason: str,
    requested_by: str,
    content: str | None = None,
    file: str | None = None,
    subject: str | None = None,
) -> ErasureOutcome:
    """Remove an image, or all of a subject's, from tables and sources, and let none come back.

    One of ``content`` (64 hex digits), ``file`` (a path or address) and ``subject`` (the key
    that its sender gave in a manifest) is given. Safe to repeat, and to go on with after a
    kill: every content is erased in a transaction of its own, and what is then left to remove
    is a row.

    Raises:
        ErasureError: Nothing was named, or nothing is known of it.
        StoreError: The key is not the one that the tombstones were made with.
        StorageError: The file of tombstones cannot be written.
    """
    key = claim_tombstone_key(here)
    asked_by = "content" if content else "file" if file else "subject"
    contents, files = _named(here, key, content, file, subject)
    outcome = ErasureOutcome()
    with here.database.transaction("emotion_erase") as connection:
        number = erasure.open_erasure(
            connection, asked_by=asked_by, reason=reason, requested_by=requested_by
        )
    _erase_files(here, number, files, outcome)
    _erase_contents(here, number, contents, key, outcome)
    if file is not None and contents and not outcome.held:
        _note_lying(here, number, file, contents, key)
    finish_erasures(here, number, outcome)
    if file is not None and not outcome.held and Path(file).is_file():
        outcome.by_hand.append(f"{file} itself is in no source of this system: remove it")
    return outcome


def finish_erasures(
    here: Installation, number: int | None = None, outcome: ErasureOutcome | None = None
) -> ErasureOutcome:
    """Remove the bytes that erasures have left, of one or of all; says what people must do."""
    from emotion_core.privacy.removal import naming_manifest, remove_content

    key, outcome = claim_tombstone_key(here), outcome or ErasureOutcome()
    with here.database.transaction("emotion_erase") as connection:
        left = erasure.leftovers(connection, number)
    for leftover in left:
        problem = remove_content(leftover.source, leftover.path, leftover.content_hmac, key)
        if problem is None and (told := naming_manifest(leftover.source, leftover.path)):
            outcome.by_hand.append(told)
        if problem is not None:
            outcome.by_hand.append(
                f"a file in {leftover.source} is still there: {problem}. "
                "`emotion erase --finish` tries again"
            )
        with here.database.transaction("emotion_erase") as connection:
            erasure.settle_leftover(connection, leftover.id, problem)
    with here.database.transaction("emotion_erase") as connection:
        erasure.finish_erasures(connection, number)
        if number is not None:
            outcome.record = erasure.erasures(connection, number)[0]
    return outcome


def replay_erasures(here: Installation, path: Path | None = None) -> ErasureOutcome:
    """Erase again what a restored backup brought back, by a file of tombstones.

    Args:
        path: In place of the installation's own file.

    Raises:
        ErasureError: There is no file ``path``.
    """
    from emotion_core.privacy.tombstones_file import read_tombstones

    if path is not None and not path.is_file():
        raise ErasureError(f"there is no file of tombstones {path}")
    key = claim_tombstone_key(here)
    marks = read_tombstones(path or here.settings.erasures_path)
    with here.database.transaction("emotion_erase") as connection:
        count = tombstones.place_tombstones(connection, dict(marks))
        back = list(erasure.known_contents_of(connection, key, list(marks)))
    log.info("%d tombstones were missing, %d contents are back", count, len(back))
    outcome = ErasureOutcome()
    if back:
        with here.database.transaction("emotion_erase") as connection:
            number = erasure.open_erasure(
                connection,
                asked_by="replay",
                reason="a backup was restored",
                requested_by="replay",
            )
        _erase_contents(here, number, back, key, outcome)
        finish_erasures(here, number, outcome)
    return outcome


def export_tombstones(here: Installation, path: Path) -> int:
    """Write every tombstone of the database into a file; returns how many."""
    from emotion_core.privacy.tombstones_file import append_tombstones, read_tombstones

    with here.database.transaction("emotion_erase") as connection:
        marks = tombstones.tombstones(connection)
    known = read_tombstones(path)
    append_tombstones(path, {m: at for m, at in marks.items() if m not in known})
    return len(marks)


def require_erasures(here: Installation) -> TombstoneKey:
    """Stop before anything is ingested that a restored backup has forgotten the erasure of.

    Returns:
        The key with which what was erased is known again.

    Raises:
        StoreError: The database lacks tombstones that the file beside it holds, or they were
            made with another key.
    """
    from emotion_core.privacy.tombstones_file import read_tombstones

    key, marks = tombstone_key(here.settings), read_tombstones(here.settings.erasures_path)
    with here.database.transaction("emotion_score") as connection:
        tombstones.require_same_key(connection, key)
        known = tombstones.tombstones(connection) if marks else {}
    missing = len(marks.keys() - known.keys())
    if missing:
        raise StoreError(
            f"the database lacks {missing} erasures that {here.settings.erasures_path} remembers, "
            "as after restoring a backup: run `emotion erase --replay`"
        )
    return key


def claim_tombstone_key(here: Installation) -> TombstoneKey:
    """This installation's key, checked against the database's tombstones.

    Raises:
        StoreError: It is another one.
    """
    key = tombstone_key(here.settings)
    with here.database.transaction("emotion_erase") as connection:
        tombstones.claim_key(connection, key)
    return key


def parse_sha256(content: str) -> bytes:
    """The 32 bytes that 64 hex digits stand for.

    Raises:
        ErasureError: It is something else.
    """
    if not re.fullmatch(r"[0-9a-fA-F]{64}", content.strip()):
        raise ErasureError(f"{content[:80]!r} is no SHA-256; give its 64 hex digits")
    return bytes.fromhex(content.strip())


def _erase_contents(
    here: Installation,
    number: int,
    contents: Sequence[bytes],
    key: TombstoneKey,
    outcome: ErasureOutcome,
) -> None:
    from emotion_core.privacy.tombstones_file import append_tombstones
    from emotion_core.training.decoded import remove_decoded

    count_pages = 0
    for sha256 in contents:
        with here.database.transaction("emotion_erase") as connection:
            erased = erasure.erase_content(connection, number, sha256, key)
            if erased.hold is None:
                # Pages first: once it is committed nothing knows any more what they name.
                count_pages += _remove_pages(here, erased.samples, outcome)
                if erased.samples:
                    outcome.by_hand.extend(
                        f"{folder} may hold its pixels and cannot be removed: remove it"
                        for folder in remove_decoded(here.settings.runs_dir)
                    )
                # On disk before it is committed: no restore may forget what was done.
                append_tombstones(
                    here.settings.erasures_path, {key.content(sha256): datetime.now(UTC)}
                )
        if erased.hold is not None:
            outcome.held.append(f"an image is kept by legal hold {erased.hold}")
        if not erased.is_known:
            before = erased.marked_at and f"it was erased on {erased.marked_at:%Y-%m-%d} and "
            outcome.unknown.append(
                f"nothing with this content is here; {before or ''}its tombstone stands: the "
                "same bytes are refused from now on"
            )
        outcome.by_hand += [f"{told}: remove it there" for told in erased.datasets]
    if count_pages:
        reports.refresh_index(here)


def _remove_pages(
    here: Installation, samples: Sequence[tuple[str, str]], outcome: ErasureOutcome
) -> int:
    """Remove the reports that name a sample; returns how many are gone."""
    from emotion_core.pages.stored_reports import pages_naming, remove_page

    count = 0
    for folder in pages_naming(here.settings.reports_dir, samples):
        try:
            remove_page(folder)
        except OSError as error:
            outcome.by_hand.append(
                f"the report in {folder} names it and cannot be removed "
                f"({error.strerror}): remove it"
            )
        else:
            outcome.by_hand.append(
                f"the report in {folder} named it and was removed: `emotion report` makes it "
                "again without it"
            )
            count += 1
    return count


def _erase_files(
    here: Installation, number: int, files: Sequence[tuple[str, bytes]], outcome: ErasureOutcome
) -> None:
    for source, path in files:
        with here.database.transaction("emotion_erase") as connection:
            hold = erasure.hold_on_source(connection, source)
            if hold is None:
                erasure.erase_unread_files(connection, number, source, path)
        if hold is not None:
            outcome.held.append(f"a file is kept by legal hold {hold}")


def _note_lying(
    here: Installation, number: int, file: str, contents: Sequence[bytes], key: TombstoneKey
) -> None:
    """Also remove the named file where it lies in a source and was never ingested."""
    with here.database.transaction("emotion_erase") as connection:
        noted = {(left.source, left.path) for left in erasure.leftovers(connection, number)}
        for place in _places(file, erasure.known_sources(connection)):
            if place not in noted:
                erasure.erase_lying_file(connection, number, *place, key.content(contents[-1]))


def _named(
    here: Installation,
    key: TombstoneKey,
    content: str | None,
    file: str | None,
    subject: str | None,
) -> tuple[list[bytes], list[tuple[str, bytes]]]:
    """The contents that are meant, and the files whose content was never known."""
    if sum(name is not None for name in (content, file, subject)) != 1:
        raise ErasureError("name one of content, file and subject")
    if content is not None:
        return [parse_sha256(content)], []
    with here.database.transaction("emotion_erase") as connection:
        if subject is not None:
            contents = erasure.contents_of_subject(connection, key.subject(subject))
            if not contents:
                raise ErasureError(
                    "no image of that subject is known; subjects come from the column subject "
                    "of a manifest.csv"
                )
            return contents, []
        assert file is not None  # noqa: S101  - one of the three is given
        places = _places(file, erasure.known_sources(connection))
        found = [(at, erasure.contents_of_path(connection, *at)) for at in places]
    contents = [sha256 for _, of_place in found for sha256 in of_place if sha256 is not None]
    unread = [at for at, of_place in found if None in of_place]
    lying = Path(file)
    if not is_address(file) and lying.is_file() and not lying.is_symlink():
        contents.append(hashlib.sha256(lying.read_bytes()).digest())
    if not contents and not unread:
        raise ErasureError(f"nothing is known of {file!r}, and no such file is here")
    return list(dict.fromkeys(contents)), unread


def _places(file: str, sources: Sequence[str]) -> list[tuple[str, bytes]]:
    """A file as ``(source, path inside it)``, for every source that it may lie in."""
    if not is_address(file):
        # A link's own name, in the folder that it really lies in.
        file = os.path.join(os.path.realpath(Path(file).parent), Path(file).name)  # noqa: PTH118
    return [
        (source, os.fsencode(file[len(root) :]))
        for source in sources
        if file.startswith(root := real_name(source).rstrip("/") + "/")
    ]
