"""A labelled set of faces, wherever it was read from: labels, digests and decoded pixels."""

import hashlib
import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from itertools import repeat
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from emotion_core.emotions import EXPRESSIONS
from emotion_core.errors import DataError, ImageRefused
from emotion_core.files import write_bytes
from emotion_core.training.plausibility import contradiction
from emotion_core.training.source_files import FileRefused, SourceFiles, open_source, require_suffix
from emotion_core.vision.images import MAX_FILE_BYTES, decode, decode_pixels
from emotion_core.vision.preprocessing import Preprocessing
from emotion_core.vision.processor import available_cores

INDEX_FILE: Final = "index.json"
PIXELS_FILE: Final = "pixels.npy"

T = TypeVar("T")
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Sample:
    """One face that can be used: its image decodes and all three labels are sound.

    Attributes:
        sample_id: Unique in the set: the file's name without ending, after its folder when there
            are several.
        image_name: Path inside the source.
        sha256: Of the image file's bytes, hex.
        expression: Index into :data:`emotion_core.emotions.EXPRESSIONS`.
        valence: -1 (unpleasant) to 1 (pleasant).
        arousal: -1 (calm) to 1 (excited).
        group: The person or other group that must not be split; None for one of its own.
    """

    sample_id: str
    image_name: str
    sha256: str
    expression: int
    valence: float
    arousal: float
    group: str | None = None


@dataclass(frozen=True)
class Exclusion:
    """One file that kept a face out of the set, and why. (name, code) is unique in a set.

    Attributes:
        name: Path inside the source, printable (control and undecodable bytes are escaped).
        code: A short reason.
        detail: For people.
    """

    name: str
    code: str
    detail: str

    @classmethod
    def of(cls, name: str, refused: FileRefused | ImageRefused) -> "Exclusion":
        """A file that could not be read, or an image that could not be decoded."""
        return cls(printable(name), refused.code, printable(refused.detail))


@dataclass(frozen=True)
class LabelledSet:
    """Faces with labels, in natural order of their ids (``2`` before ``10``).

    Attributes:
        fingerprint: SHA-256 (hex) over every sample's id, image hash, labels and group; not over
            where they lie.
        has_affect: Whether valence and arousal were labelled; otherwise every sample's are 0.
        pixels: uint8 [N, S, S, 3] in the order of the samples; None where they were not asked for.
    """

    name: str
    source: Path
    samples: tuple[Sample, ...]
    exclusions: tuple[Exclusion, ...]
    fingerprint: str
    is_drawn: bool
    has_affect: bool
    pixels: Pixels | None = field(default=None, repr=False, compare=False)

    def counts(self) -> str:
        """For people: how many images, of which expressions, and how many files were left out."""
        counts = Counter(sample.expression for sample in self.samples)
        each = ", ".join(f"{counts[label]} {name}" for label, name in enumerate(EXPRESSIONS))
        return f"{len(self.samples)} images ({each}), {len(self.exclusions)} files left out"

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the labels speak against, one sentence each; empty for most sets."""
        if not self.has_affect:
            return ()
        doubt = contradiction(
            np.array([sample.expression for sample in self.samples]),
            np.array([(sample.valence, sample.arousal) for sample in self.samples]),
        )
        return (doubt,) if doubt else ()

    @property
    def contradictions(self) -> list[list[Sample]]:
        """Byte-identical images that were given different expressions. They stay in the set."""
        groups: dict[str, list[Sample]] = defaultdict(list)
        for sample in self.samples:
            groups[sample.sha256].append(sample)
        return [group for group in groups.values() if len({s.expression for s in group}) > 1]

    def require_usable(self, excluded_share_limit: float) -> None:
        """Refuse a set of which too much had to be left out.

        Args:
            excluded_share_limit: Largest share that may be left out, 0 to 1.

        Raises:
            DataError: Names the share, the limit and the commonest reasons.
        """
        # A face with two broken files is left out once, but has two reasons.
        left_out = len({exclusion.name for exclusion in self.exclusions})
        share = left_out / (left_out + len(self.samples))
        if share > excluded_share_limit:
            raise DataError(
                f"{self.source}: {left_out} files ({share:.1%}) cannot be used, more than "
                f"the {excluded_share_limit:.1%} that excluded_share_limit allows: "
                f"{reasons(self.exclusions)}; mend them, or allow more"
            )

    def read_images(self, samples: Sequence[Sample]) -> list[bytes]:
        """The image files' bytes, as validated.

        Raises:
            DataError: A file is gone or is no longer the one that was validated.
        """
        files = open_source(self.source)
        found = []
        for sample in samples:
            name = f"{printable(sample.image_name)} in {self.source}"
            try:
                found.append(files.read(sample.image_name, MAX_FILE_BYTES))
            except FileRefused as refused:
                raise DataError(f"{name} cannot be read any more: {refused.detail}") from refused
            if hashlib.sha256(found[-1]).hexdigest() != sample.sha256:
                raise DataError(
                    f"{name} has changed since the data set was validated; read the data set again"
                )
        return found

    def save_index(self, folder: Path) -> None:
        """Write all but the pixels as ``index.json``, beside the ``pixels.npy`` of the reading."""
        stored = {name: value for name, value in vars(self).items() if name != "pixels"} | {
            "source": os.fspath(self.source),
            "samples": [asdict(sample) for sample in self.samples],
            "exclusions": [asdict(exclusion) for exclusion in self.exclusions],
        }
        write_bytes(folder / INDEX_FILE, json.dumps(stored).encode())

    @classmethod
    def load(cls, folder: Path) -> "LabelledSet":
        """What :meth:`save_index` wrote; the pixels are mapped into memory, not read."""
        stored = json.loads((folder / INDEX_FILE).read_bytes())
        samples = tuple(Sample(**sample) for sample in stored["samples"])
        # Copy on write: torch wants arrays that may be written to, and nothing may reach the file.
        pixels: Pixels = np.load(folder / PIXELS_FILE, mmap_mode="c")[: len(samples)]
        return cls(
            **stored
            | {
                "source": Path(stored["source"]),
                "samples": samples,
                "exclusions": tuple(Exclusion(**each) for each in stored["exclusions"]),
                "pixels": pixels,
            }
        )


def read_faces(
    source: Path,
    faces: Sequence[T],
    validate: Callable[[T, Pixels | None], tuple[Sample | None, list[Exclusion]]],
    *,
    kind: str,
    is_drawn: bool = False,
    has_affect: bool = True,
    image_size: int | None,
    folder: Path | None,
) -> LabelledSet:
    """Validate every face of a source once, several at a time.

    Args:
        source: Folder or archive.
        faces: What lies in it, in natural order of the ids.
        validate: Gives a face's sample, or all that is wrong with it, and writes its pixels.
        kind: The layout's name and version; part of the fingerprint.
        is_drawn: Whether a program drew the faces.
        has_affect: See :class:`LabelledSet`.
        image_size: Side of the pixels to keep; None keeps none.
        folder: Where the pixels go, as ``pixels.npy``; None keeps them in memory.

    Raises:
        DataError: Memory or disk does not hold the pixels.
    """
    pixels = None
    if image_size is not None:
        pixels = _allocate(source, (len(faces), image_size, image_size, 3), folder)
    # Decoding leaves Python's lock, so threads share the work; the results keep their order.
    with ThreadPoolExecutor(available_cores()) as pool:
        found = list(pool.map(validate, faces, repeat(None) if pixels is None else pixels))
    rows = [row for row, (sample, _) in enumerate(found) if sample is not None]
    if pixels is not None:
        for place, row in enumerate(rows):  # close the gaps of what was left out
            if place != row:
                pixels[place] = pixels[row]
        pixels = pixels[: len(rows)]
    samples = tuple(sample for sample, _ in found if sample is not None)
    exclusions = (problem for _, problems in found for problem in problems)
    return LabelledSet(
        name=source.stem if source.is_file() else source.resolve().name,
        source=source,
        samples=samples,
        exclusions=tuple(sorted(exclusions, key=lambda e: (natural(e.name), e.code))),
        fingerprint=_fingerprint(kind, samples),
        is_drawn=is_drawn,
        has_affect=has_affect,
        pixels=pixels,
    )


def _allocate(source: Path, shape: tuple[int, ...], folder: Path | None) -> Pixels:
    try:
        if folder is None:
            return np.empty(shape, dtype=np.uint8)
        file = folder / PIXELS_FILE
        pixels: Pixels = open_memmap(file, "w+", np.uint8, shape)
        # Without room for all of it, a write into the mapped file would end the process.
        with file.open("r+b") as opened:
            os.posix_fallocate(opened.fileno(), 0, file.stat().st_size)
        return pixels
    except (MemoryError, OSError) as error:
        where = f"the disk of {folder}" if folder else "the memory"
        raise DataError(
            f"{source} has {shape[0]} images, {np.prod(shape, dtype=float) / 1e9:.1f} GB at "
            f"{shape[1]} pixels, more than {where} holds ({error}); use a smaller image_size or a "
            "larger machine"
        ) from None


def digest_and_decode(
    files: SourceFiles, name: str, suffixes: Sequence[str], pixels: Pixels | None
) -> str:
    """Read an image once; returns the SHA-256 (hex) of its bytes.

    Args:
        files: Of the source.
        name: Path inside the source.
        suffixes: The layout's.
        pixels: uint8 [S, S, 3], receives the image at that size; None only checks that it decodes.

    Raises:
        FileRefused: It cannot be read.
        ImageRefused: It cannot be decoded.
    """
    require_suffix(name, suffixes)
    data = files.read(name, MAX_FILE_BYTES)
    if pixels is None:
        decode(data)
    else:
        decode_pixels(data, Preprocessing(image_size=len(pixels)), pixels)
    return hashlib.sha256(data).hexdigest()


def reasons(exclusions: Sequence[Exclusion]) -> str:
    """The commonest reasons, each with its number and some files that show it."""
    told = []
    for code, count in Counter(exclusion.code for exclusion in exclusions).most_common(4):
        shown: dict[str, str] = {}
        for exclusion in sorted(exclusions, key=lambda each: natural(each.name)):
            if exclusion.code == code:
                shown.setdefault(exclusion.detail, exclusion.name)
        examples = [f"{name}: {detail}" for detail, name in shown.items()]
        told.append(f"{count} {code} ({'; '.join(examples[:3])})")
    return ", ".join(told)


def _fingerprint(kind: str, samples: Sequence[Sample]) -> str:
    """``repr`` writes the shortest text that reads back as the same float, so lines are stable."""
    digest = hashlib.sha256(f"{kind}\n".encode())
    for s in samples:
        line = f"{s.sample_id}\t{s.sha256}\t{s.expression}\t{s.valence!r}\t{s.arousal!r}"
        line += "\n" if s.group is None else f"\t{s.group}\n"
        digest.update(line.encode())
    return digest.hexdigest()


def natural(text: str) -> tuple[tuple[tuple[int, str], ...], str]:
    """Sort key under which ``2`` stands before ``10``; the text itself breaks ties."""
    parts = re.split(r"([0-9]{1,18})", text)  # texts and numbers, in turns
    key = tuple((-1, part) if i % 2 == 0 else (int(part), "") for i, part in enumerate(parts))
    return key, text


def printable(text: str) -> str:
    """Valid UTF-8 on one line: file names may hold newlines and bytes of any encoding.

    Different texts stay different, because the backslash itself is escaped too.
    """
    return "".join(
        char if char.isprintable() and char != "\\" else char.encode("unicode_escape").decode()
        for char in text
    )
