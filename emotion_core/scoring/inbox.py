"""The inbox: what has arrived in a source, and whether it has arrived whole.

Files count as whole when one of these holds, the first that applies:

- their folder, or one above it inside the inbox, holds a ``manifest.csv`` and everything on it is
  there (:mod:`emotion_core.scoring.manifest`);
- their folder, or one above it, holds a ``_SUCCESS`` marker;
- they have not been written to for a while.

Everything else waits for the next scan, and is counted. Names that are nearly ``manifest.csv`` or
``_SUCCESS`` hold their folder back too: its sender meant to say when it is whole.
"""

import hashlib
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from emotion_core.scoring.clutter import is_clutter
from emotion_core.scoring.manifest import (
    MANIFEST,
    Check,
    Delivery,
    Known,
)
from emotion_core.scoring.source import (
    MAX_PATH_BYTES,
    Entry,
    Source,
    arrived,
    join,
    readable,
    unreadable,
)
from emotion_core.store.batches import ArrivedFile, HeldFolder
from emotion_core.vision.images import MAX_FILE_BYTES

SUCCESS_MARKER = b"_SUCCESS"

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


def nothing_known(_: list[Delivery]) -> set[Delivery]:
    """For a scan without a ledger: every file with a SHA-256 on a manifest is read."""
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

    def files(self) -> Iterator[ArrivedFile]:
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

    def _files_of(self, folder: bytes, is_complete: bool) -> Iterator[ArrivedFile]:
        for path, entry in self._entries(folder):
            if entry.is_folder:
                self._folders.append((path, is_complete))
            elif is_complete or self._has_settled(entry) or entry.problem == "unreadable_file":
                yield arrived(path, entry)
            else:
                self.count_unsettled += 1

    def _files_of_manifest(self, folder: bytes) -> Iterator[ArrivedFile]:
        with tempfile.TemporaryFile() as checked:
            check = Check(self.source, folder, self.known, checked)
            is_met = check.is_met()
            if is_met:
                self._count_unlisted(check)
            else:
                self.count_ignored += 1
            self.held += check.held
            if is_met:
                yield from check.files()

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
                    yield arrived(path, entry).delivery

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


def read_arrived(source: Source, file: ArrivedFile) -> ArrivedFile | None:
    """Read a file once to know its content; None when it was being written to meanwhile.

    Links, pipes and devices are never opened: each becomes a refusal with its reason. What the
    check of a manifest has read is not read again.

    Raises:
        SourceUnreachableError: The object store does not answer.
    """
    if file.code is not None:
        file.detail = _MEANING[file.code]
    elif file.size > MAX_FILE_BYTES:
        file.code = "too_large_file"
        file.detail = f"{file.size:,} bytes; the limit is {MAX_FILE_BYTES:,}"
    elif file.sha256 is None:
        try:
            data, after = source.read(file.path)
        except OSError as error:
            file.code, file.detail = "unreadable_file", error.strerror or str(error)
            return file
        if (after.size, after.modified_ns, len(data)) != (file.size, file.modified_ns, file.size):
            return None
        file.sha256 = hashlib.sha256(data).digest()
    return file


def _is_nearly_sign(name: bytes) -> bool:
    small = name.lower()
    # A million names are asked: nearly all of them are answered by the first two questions.
    return (b"manifest" in small or b"success" in small) and bool(_NEARLY_SIGN.fullmatch(small))
