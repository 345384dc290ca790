"""Removing delivered bytes: only what still holds what is to go."""

import hashlib
from collections.abc import Callable

from emotion_core.errors import EmotionError
from emotion_core.scoring.manifest import MANIFEST, ManifestError, read_manifest
from emotion_core.scoring.source import Source, join, readable
from emotion_core.scoring.sources import get_source
from emotion_core.store.tombstone_key import TombstoneKey


def remove_content(
    source: str, path: bytes, content_hmac: bytes | None, key: TombstoneKey
) -> str | None:
    """Remove a file if it still holds a content; returns why it is still there, or None.

    A file that is gone, or holds other bytes by now, is not ours to remove any more: None.

    Args:
        source: As stored with the file.
        path: Inside the source.
        content_hmac: What it must hold, under ``key``; None removes it whatever it holds.
        key: Of this installation.
    """
    return _remove(
        source,
        path,
        lambda place: content_hmac is None or key.content(_sha256_at(place, path)) == content_hmac,
    )


def naming_manifest(source: str, path: bytes) -> str | None:
    """A sentence where a manifest still names a file that was removed; None where none does."""
    folder, name = path, b""
    while folder:
        folder, _, part = folder.rpartition(b"/")
        name = join(part, name) if name else part
        try:
            place = get_source(source)
            if place.stat(join(folder, MANIFEST)) is None:
                continue
            if any(listed.path == name for listed in read_manifest(place, folder)):
                where = readable(join(folder, MANIFEST))
                return f"{where} in {source} still names a removed file: take its line out"
        except (ManifestError, EmotionError):
            continue
    return None


def remove_delivery(
    source: str, path: bytes, size: int, modified_ns: int, sha256: bytes | None
) -> str | None:
    """Remove a file if it is still the one that was delivered; returns why it stays, or None.

    Args:
        source: As stored with the file.
        path: Inside the source.
        size: When it was delivered.
        modified_ns: When it was delivered.
        sha256: What it must hold; None for one that could not be read, which must then have its
            size and time.
    """

    def is_delivered(place: Source) -> bool:
        if sha256 is not None:
            return _sha256_at(place, path) == sha256
        entry = place.stat(path)
        return entry is not None and (entry.size, entry.modified_ns) == (size, modified_ns)

    return _remove(source, path, is_delivered)


def remove_met_manifests(removed: set[tuple[str, bytes]]) -> int:
    """Remove manifests of which nothing is left, in the folders above removed files; how many.

    A manifest whose files retention took would hold its folder back for ever.
    """
    folders = set()
    for source, path in removed:
        while path:
            path = path.rpartition(b"/")[0]
            folders.add((source, path))
    return sum(_remove_met_manifest(get_source(source), folder) for source, folder in folders)


def _remove_met_manifest(source: Source, folder: bytes) -> bool:
    if source.stat(join(folder, MANIFEST)) is None:
        return False
    try:
        for listed in read_manifest(source, folder):
            if source.stat(join(folder, listed.path)) is not None:
                return False
        source.remove(join(folder, MANIFEST))
    except (ManifestError, OSError, EmotionError):
        return False
    return True


def _remove(source: str, path: bytes, is_still: Callable[[Source], bool]) -> str | None:
    """Remove a file if it still is the one that is meant; returns why it stays, or None."""
    try:
        place = get_source(source)
        if is_still(place):
            place.remove(path)
    except FileNotFoundError:
        return None
    except EmotionError as error:
        return str(error)
    except OSError as error:
        return f"it cannot be removed: {error.strerror or error}"
    return None


def _sha256_at(place: Source, path: bytes) -> bytes:
    return hashlib.sha256(place.read(path)[0]).digest()
