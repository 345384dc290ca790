"""The inbox: what has arrived in a source, and whether it has arrived whole.

Files count as whole when one of these holds, the first that applies:

- their folder, or one above it inside the inbox, holds a ``manifest.csv`` and everything on it is
  there (:mod:`emotion_core.scoring.manifest`);
- their folder, or one above it, holds a ``_SUCCESS`` marker;
- they have not been written to for a while.

Everything else waits for the next look, and is counted. Names that are nearly ``manifest.csv`` or
``_SUCCESS`` hold their folder back too: its sender meant to say when it is whole.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from emotion_core.scoring.clutter import is_clutter
from emotion_core.scoring.local_folder import LocalFolder
from emotion_core.scoring.manifest import (
    MANIFEST,
    Check,
    Delivery,
    Known,
    Listed,
    ManifestError,
    read_manifest,
)
from emotion_core.scoring.source import Entry, Source, join, readable, unreadable
from emotion_core.store.batches import ArrivedFile, HeldFolder
from emotion_core.vision.images import MAX_FILE_BYTES

SUCCESS_MARKER = b"_SUCCESS"

MAX_PATH_BYTES = 1_600
"""See :data:`emotion_core.files.MAX_PLACE_BYTES`: the two of them fit into one index row."""

# In small letters: a table or text that is called manifest, a marker that is called success, and
# either of them on its way.
_NEARLY_SIGN = re.compile(
    rb"((?!\.).*manifest[^.]*|_?success[ _-]*(\(?\d+\)?|copy)?)"
    rb"(\.(csv|tsv|tab|txt|xlsx?|ods|json|xml|gz|zip|bak|ok|done|flag"
    rb"|tmp|part|partial|filepart|crdownload))* *",
    re.DOTALL,
)

_CHUNK = 5_000

_MEANING = {
    "path_too_long": f"the limit is {MAX_PATH_BYTES:,} bytes; nothing of it was opened",
    "unusable_name": "an object's key with an empty part, `.` or `..`; nothing of it was opened",
    "not_a_regular_file": "nothing of it was opened",
    "hard_link": "it has more than one name; nothing of it was opened",
    "unreadable_file": "the folder could not be read",
}


# Not frozen: a frozen one takes three times as long to make, and a million are made.
@dataclass(slots=True)
class FoundFile:
    """A directory entry that has arrived, before its bytes are read."""

    path: bytes
    """Inside the inbox; one that is too long only with its beginning and its hash."""
    size: int
    modified_ns: int
    problem: str | None = None
    """Reason code, where the entry is nothing that could be read."""
    sha256: bytes | None = None
    """What its manifest says it holds."""
    subject: str | None = None
    """Whom its manifest says it shows, by the sender's key."""

    @property
    def delivery(self) -> tuple[bytes, int, int]:
        """As in :attr:`ArrivedFile.delivery`."""
        return (self.path, self.size, self.modified_ns)


def nothing_known(_: list[tuple[bytes, int, int]]) -> set[tuple[bytes, int, int]]:
    """For a look without a ledger: every file with a SHA-256 on a manifest is read."""
    return set()


@dataclass
class Scan:
    """One walk over an inbox; the counts are complete once :meth:`files` is exhausted."""

    source: Source
    now_ns: int
    settle_seconds: float
    known: Known = nothing_known
    count_ignored: int = 0
    """Markers, manifests and clutter; see :mod:`emotion_core.scoring.clutter`. A folder is one."""
    count_unsettled: int = 0
    """Files that may still be written to; the next scan looks again."""
    held: list[HeldFolder] = field(default_factory=list)
    """Folders that their manifest holds back, and why."""
    _folders: list[tuple[bytes, bool]] = field(default_factory=list)

    def files(self) -> Iterator[FoundFile]:
        """Arrived files, folder by folder, without ever holding a folder's files in memory.

        Raises:
            ScoringError: The inbox is not a folder that can be read.
            SourceUnreachableError: The object store does not answer.
        """
        self._folders = [(b"", False)]
        while self._folders:
            folder, is_complete = self._folders.pop()
            signs = self._signs(folder)
            is_complete = is_complete or SUCCESS_MARKER in signs
            if MANIFEST in signs:
                yield from self._files_of_manifest(folder)
            elif signs and not is_complete:
                self._hold_misnamed(folder, signs)
            else:
                yield from self._files_of(folder, is_complete)

    def _signs(self, folder: bytes) -> list[bytes]:
        """What lies in a folder and says, or nearly says, that it is whole."""
        if len(folder) > MAX_PATH_BYTES:  # whatever lies in there is refused
            return []
        try:
            return [name for name in self.source.names(folder) if _is_nearly_sign(name)]
        except OSError:  # then its entries cannot be read either
            return []

    def _hold_misnamed(self, folder: bytes, signs: list[bytes]) -> None:
        detail = (
            f"{readable(signs[0])} is neither {MANIFEST.decode()} nor {SUCCESS_MARKER.decode()}"
        )
        self.held.append(HeldFolder(folder, "misnamed_marker", len(signs), detail[:500]))

    def _files_of(self, folder: bytes, is_complete: bool) -> Iterator[FoundFile]:
        for path, entry in self._entries(folder):
            if entry.is_folder:
                self._folders.append((path, is_complete))
            elif is_complete or self._has_settled(entry) or entry.problem == "unreadable_file":
                yield _found(path, entry)
            else:
                self.count_unsettled += 1

    def _files_of_manifest(self, folder: bytes) -> Iterator[FoundFile]:
        check = Check(self.source, folder, self.known)
        if not check.is_met():
            self.held += check.held
            self.count_ignored += 1
            return
        self._count_unlisted(check)
        self.held += check.held
        try:
            for listed in read_manifest(self.source, folder):
                path = join(folder, listed.path)
                entry = self.source.look(path)
                if entry is None:
                    self.count_unsettled += 1
                else:
                    yield _found(path, entry, listed)
        except ManifestError as error:  # replaced since it was checked
            self.held.append(HeldFolder(folder, "manifest_unreadable", 1, str(error)[:500]))

    def _count_unlisted(self, check: Check) -> None:
        count, example = 0, b""
        unlisted = self._unlisted(check)
        while chunk := list(islice(unlisted, _CHUNK)):
            # What an earlier manifest brought is no concern of this one.
            known = self.known(chunk)
            for delivery in chunk:
                if delivery not in known:
                    count, example = count + 1, delivery[0]
        if count:
            check.leave_out(count, example[len(check.folder) :].lstrip(b"/"))

    def _unlisted(self, check: Check) -> Iterator[Delivery]:
        folders = [check.folder]
        while folders:
            for path, entry in self._entries(folders.pop()):
                inside = path[len(check.folder) + 1 :] if check.folder else path
                if entry.is_folder:
                    folders.append(path)
                elif not check.lists(inside):
                    yield _found(path, entry).delivery

    def _entries(self, folder: bytes) -> Iterator[tuple[bytes, Entry]]:
        """Entries with their paths, without what is ignored; a folder that cannot be read too."""
        try:
            for entry in self.source.entries(folder):
                if entry.problem == "unusable_name":
                    # A key that is the source's own address and a slash has no part of its own.
                    yield join(folder, entry.name) or b"/", entry
                elif entry.name in (SUCCESS_MARKER, MANIFEST) or is_clutter(entry.name):
                    self.count_ignored += 1
                else:
                    yield join(folder, entry.name), entry
        except OSError as error:
            if not folder:
                raise unreadable(self.source.name, error) from error
            yield folder, Entry(folder.rpartition(b"/")[2], problem="unreadable_file")

    def _has_settled(self, entry: Entry) -> bool:
        # Whole seconds: an object's fraction of a second is digits of its ETag.
        age = self.now_ns // 1_000_000_000 - entry.written_ns // 1_000_000_000
        return age >= self.settle_seconds


def read_arrived(source: Source, found: FoundFile) -> ArrivedFile | None:
    """Read a file once to know its content; None when it was being written to meanwhile.

    Links, pipes and devices are never opened: each becomes a refusal with its reason.

    Raises:
        SourceUnreachableError: The object store does not answer.
    """
    if found.problem is not None:
        return _refused(found, found.problem, _MEANING[found.problem])
    if found.size > MAX_FILE_BYTES:
        return _refused(
            found, "too_large_file", f"{found.size:,} bytes; the limit is {MAX_FILE_BYTES:,}"
        )
    try:
        data, after = source.read(found.path)
    except OSError as error:
        return _refused(found, "unreadable_file", error.strerror or str(error))
    if (after.size, after.modified_ns, len(data)) != (found.size, found.modified_ns, found.size):
        return None
    digest = hashlib.sha256(data).digest()
    if found.sha256 not in (None, digest):
        return None  # replaced since its manifest was checked; the next look says so
    return ArrivedFile(found.path, found.size, found.modified_ns, digest, subject=found.subject)


def read_regular_file(root: Path, path: bytes) -> tuple[bytes, Entry]:
    """The bytes of a regular file inside ``root`` and its state after they were read.

    Raises:
        OSError: It cannot be opened, is not a regular file, or is a link.
    """
    return LocalFolder(root).read(path)


def _is_nearly_sign(name: bytes) -> bool:
    small = name.lower()
    # A million names are asked: nearly all of them are answered by the first two questions.
    return (b"manifest" in small or b"success" in small) and bool(_NEARLY_SIGN.fullmatch(small))


def _found(path: bytes, entry: Entry, listed: Listed | None = None) -> FoundFile:
    problem = entry.problem
    if len(path) > MAX_PATH_BYTES:
        problem = "path_too_long"
        mark = hashlib.sha256(path).hexdigest()[:16]
        path = path[: MAX_PATH_BYTES - 20] + f"…{mark}".encode()
    found = FoundFile(path, entry.size, entry.modified_ns, problem)
    if listed is not None:
        found.sha256, found.subject = listed.sha256, listed.subject
    return found


def _refused(found: FoundFile, code: str, detail: str) -> ArrivedFile:
    return ArrivedFile(found.path, found.size, found.modified_ns, None, code, detail)
