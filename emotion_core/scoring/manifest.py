"""``manifest.csv``: what a sender says was delivered, and whether all of it is there.

The manifest of a folder speaks for everything below that folder. Nothing of it is ingested until
every listed file is there with the size and SHA-256 it is said to have; then all of it is. Lines
are parsed once and bytes are read and hashed once: what was verified is what is ingested.

Commas, semicolons or tabs stand between its columns, whichever its first line has; it is in UTF-8,
or in UTF-16 as a spreadsheet's "Unicode text". Its columns, in any order and beside others:

- ``path``: relative to the folder, ``/`` between parts. ``%XX`` stands for one byte, so that a name
  in any encoding can be written; a percent sign before two hex digits is written ``%25``.
- ``size`` in bytes, ``sha256`` as 64 hex digits: one of them or both, the same for every line.
- ``subject``, if anybody may ever ask to be erased: the sender's own key for the person shown.
"""

import codecs
import csv
import hashlib
import io
import pickle
import re
import unicodedata
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import IO
from urllib.parse import quote_from_bytes, unquote_to_bytes

import numpy as np
from numpy.typing import NDArray

from emotion_core.scoring.source import Source, arrived, join, map_files, readable
from emotion_core.store.batches import ArrivedFile, HeldFolder
from emotion_core.vision.images import MAX_FILE_BYTES

MANIFEST = b"manifest.csv"
_CHUNK = 5_000
_HEAD_BYTES = 4_096

Delivery = tuple[bytes, int, int]
Known = Callable[[list[Delivery]], set[Delivery]]
"""Which of these ``(path, bytes, modified_ns)`` were ingested before."""


class ManifestError(Exception):
    """A manifest cannot be read; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a manifest."""

    path: bytes
    """Inside the manifest's folder."""
    size: int | None
    sha256: bytes | None
    subject: str | None = None
    """The sender's key for the person shown; kept only as an HMAC."""


def read_manifest(source: Source, folder: bytes) -> Iterator[Listed]:
    """The lines of a folder's manifest, one at a time.

    Raises:
        ManifestError: A line cannot be understood, or the file cannot be read.
    """
    try:
        with closing(source.open(join(folder, MANIFEST))) as stream:
            head = stream.read(_HEAD_BYTES)
            stream.seek(0)
            encoding = _encoding(head)
            first_line = (head.decode(encoding, "replace").splitlines() or [""])[0]
            text = io.TextIOWrapper(stream, encoding, "surrogateescape", newline="")
            rows = csv.DictReader(text, delimiter=max(",;\t", key=first_line.count), strict=True)
            columns = [(name or "").strip().lower() for name in rows.fieldnames or []]
            if "path" not in columns or not {"size", "sha256"} & set(columns):
                raise ManifestError(
                    "its first line must name the columns path and size or sha256, and names "
                    + (", ".join(map(repr, columns))[:200] or "none")
                )
            rows.fieldnames = columns
            for row in rows:
                yield _listed(row, rows.line_num)
    except (OSError, csv.Error, ValueError) as error:
        raise ManifestError(f"{type(error).__name__}: {error}") from error


@dataclass
class Check:
    """Whether a folder holds what its manifest lists."""

    source: Source
    folder: bytes
    known: Known
    checked: IO[bytes]
    """An empty file: what was checked, for :meth:`files`. In memory a million take 300 MB."""
    held: list[HeldFolder] = field(default_factory=list)
    """Why it has to wait, by reason; complete when :meth:`is_met` has answered."""
    _wrong: Counter[str] = field(default_factory=Counter)
    _example: dict[str, bytes] = field(default_factory=dict)
    _hashes: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))

    def is_met(self) -> bool:
        """Look at every listed file, and read those whose SHA-256 is given and not known yet."""
        manifest = join(self.folder, MANIFEST)
        before = self.source.stat(manifest)
        hashes = array("Q")
        try:
            lines = read_manifest(self.source, self.folder)
            while chunk := list(islice(lines, _CHUNK)):
                hashes.extend(_hash(listed.path) for listed in chunk)
                pickle.dump(self._check(chunk), self.checked)
            self._hashes = np.sort(np.array(hashes, np.uint64))
            if (self._hashes[1:] == self._hashes[:-1]).any():
                raise ManifestError("it lists a file twice")
            if before != self.source.stat(manifest):
                raise ManifestError("it changed while it was read")
        except ManifestError as error:
            self.held = [HeldFolder(self.folder, "manifest_unreadable", 1, str(error)[:500])]
            return False
        for code, number in sorted(self._wrong.items()):
            listed = self._example[code]
            detail = f"{number:,} of {len(hashes):,} files, for example {readable(listed)}"
            if code == "manifest_missing":
                detail += self._nearly(listed)
            self.held.append(HeldFolder(self.folder, code, number, detail[:500]))
        return not self.held

    def files(self) -> Iterator[ArrivedFile]:
        """The listed files as they were checked, once; those that were read have their SHA-256."""
        end = self.checked.tell()
        self.checked.seek(0)
        while self.checked.tell() < end:
            yield from pickle.load(self.checked)  # noqa: S301  - written by is_met

    def lists(self, path: bytes) -> bool:
        """Whether the manifest names this path, relative to its folder. After :meth:`is_met`."""
        wanted = np.uint64(_hash(path))
        place = int(np.searchsorted(self._hashes, wanted))
        return place < len(self._hashes) and bool(self._hashes[place] == wanted)

    def leave_out(self, count: int, example: bytes) -> None:
        """Note files below the folder that the manifest does not list."""
        detail = f"{count:,} files, for example {readable(example)}"
        self.held.append(HeldFolder(self.folder, "manifest_unlisted", count, detail[:500]))

    def _check(self, chunk: list[Listed]) -> list[ArrivedFile]:
        files: list[ArrivedFile] = []
        unread: list[tuple[Listed, ArrivedFile]] = []
        for listed in chunk:
            path = join(self.folder, listed.path)
            entry = self.source.stat(path)
            if entry is None or entry.is_folder:
                self._note("manifest_missing", listed)
                continue
            file = arrived(path, entry)
            file.subject = listed.subject
            files.append(file)
            if file.code is not None or file.size > MAX_FILE_BYTES:
                pass  # there, and refused with its own reason when it is ingested
            elif listed.size not in (None, file.size):
                self._note("manifest_size", listed)
            elif listed.sha256 is not None:
                unread.append((listed, file))
        # The bytes of what is known were compared when it was ingested.
        known = self.known([file.delivery for _, file in unread]) if unread else set()
        new = [(listed, file) for listed, file in unread if file.delivery not in known]
        for (listed, _), is_as_listed in zip(
            new, map_files(self.source, self._verify, new), strict=True
        ):
            if not is_as_listed:
                self._note("manifest_sha256", listed)
        return files

    def _verify(self, listed_file: tuple[Listed, ArrivedFile]) -> bool:
        """Read a file; whether it holds what is listed, and was left alone meanwhile."""
        listed, file = listed_file
        try:
            data, after = self.source.read(file.path)
        except OSError:
            return True  # there, and refused with its own reason when it is ingested
        file.sha256 = hashlib.sha256(data).digest()
        return (file.sha256, file.size, file.modified_ns) == (
            listed.sha256,
            after.size,
            after.modified_ns,
        )

    def _note(self, code: str, listed: Listed) -> None:
        self._wrong[code] += 1
        self._example.setdefault(code, listed.path)

    def _nearly(self, path: bytes) -> str:
        """What lies there instead of a missing file, and how a manifest writes it; or nothing."""
        place = self.folder
        try:
            for part in path.replace(b"\\", b"/").split(b"/"):
                if self.source.stat(join(place, part)) is None:
                    entries = self.source.entries(place)
                    part = next(e.name for e in entries if _folded(e.name) == _folded(part))
                place = join(place, part)
        except (OSError, StopIteration):
            return ""
        lies = place[len(self.folder) :].lstrip(b"/")
        return f"; {readable(lies)} is there, which a manifest writes {quote_from_bytes(lies)}"


def _encoding(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    # Without a mark: of the names of columns every other byte is zero.
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if head[first::2].count(0) > len(head) // 4:
            return encoding
    return "utf-8-sig"


def _folded(name: bytes) -> str:
    """A name without case, Unicode's normal form and what is left of an old encoding."""
    try:
        text = name.decode()
    except UnicodeDecodeError:
        text = name.decode("cp1252", "replace")
    return unicodedata.normalize("NFC", text.casefold())


def _listed(row: dict[str, str], line: int) -> Listed:
    written = row.get("path") or ""
    path = unquote_to_bytes(written.encode("utf-8", "surrogateescape"))
    parts = path.split(b"/")
    if not path or b"\0" in path or any(part in (b"", b".", b"..") for part in parts):
        raise ManifestError(f"line {line}: {written!r} is no path inside the folder")
    size, digest = (row.get("size") or "").strip(), (row.get("sha256") or "").strip()
    if size and not re.fullmatch(r"[0-9]{1,18}", size):
        raise ManifestError(f"line {line}: size {size!r} is no number of bytes")
    if digest and not re.fullmatch(r"[0-9a-fA-F]{64}", digest):
        raise ManifestError(f"line {line}: sha256 {digest[:80]!r} is not 64 hex digits")
    if not size and not digest:
        raise ManifestError(f"line {line}: neither size nor sha256 is given")
    return Listed(
        path,
        int(size) if size else None,
        bytes.fromhex(digest) if digest else None,
        (row.get("subject") or "").strip() or None,
    )


def _hash(path: bytes) -> int:
    # A million paths in a set take 120 MB, their hashes 8 MB; two alike are less likely than a
    # broken disk.
    return int.from_bytes(hashlib.blake2b(path, digest_size=8).digest(), "little")
