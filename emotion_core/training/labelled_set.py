"""A labelled set of faces, wherever it was read from."""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from emotion_core.emotions import EXPRESSIONS
from emotion_core.errors import DataError
from emotion_core.training.plausibility import contradiction
from emotion_core.training.source_files import FileRefused, SourceFiles
from emotion_core.vision.images import MAX_FILE_BYTES


@dataclass(frozen=True)
class Sample:
    """One face that can be used: its image decodes and all three labels are sound."""

    sample_id: str
    """Unique in the set: the file's name without ending, after its folder when there are several"""
    image_name: str
    """Path inside the source."""
    sha256: str
    """Of the image file's bytes, hex."""
    expression: int
    """Index into :data:`emotion_core.emotions.EXPRESSIONS`."""
    valence: float
    """-1 (unpleasant) to 1 (pleasant)."""
    arousal: float
    """-1 (calm) to 1 (excited)."""


@dataclass(frozen=True)
class Exclusion:
    """One file that kept a face out of the set, and why. (name, code) is unique in a set."""

    name: str
    """Path inside the source, printable (control and undecodable bytes are escaped)."""
    code: str
    detail: str


@dataclass(frozen=True)
class Contradiction:
    """Byte-identical images that were given different expressions. They stay in the set."""

    sha256: str
    sample_ids: tuple[str, ...]
    expressions: tuple[int, ...]
    """One per sample id."""


@dataclass(frozen=True)
class LabelledSet:
    """Faces with labels, in natural order of their ids (``2`` before ``10``)."""

    name: str
    source: Path
    samples: tuple[Sample, ...]
    exclusions: tuple[Exclusion, ...]
    fingerprint: str
    """SHA-256 (hex) over every sample's id, image hash and labels; not over where they lie."""
    contradictions: tuple[Contradiction, ...]
    is_drawn: bool
    has_affect: bool
    """Whether valence and arousal were labelled; otherwise every sample's are 0."""
    _files: SourceFiles = field(repr=False, compare=False)

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

    def read_image(self, sample: Sample) -> bytes:
        """The image file's bytes, as validated.

        Raises:
            DataError: The file is gone or is no longer the one that was validated.
        """
        try:
            data = self._files.read(sample.image_name, MAX_FILE_BYTES)
        except FileRefused as refused:
            raise DataError(
                f"{printable(sample.image_name)} in {self.source} cannot be read any more: "
                f"{refused.detail}"
            ) from refused
        if hashlib.sha256(data).hexdigest() != sample.sha256:
            raise DataError(
                f"{printable(sample.image_name)} in {self.source} has changed since the data set "
                "was validated; read the data set again"
            )
        return data

    @property
    def duplicates(self) -> tuple[tuple[str, ...], ...]:
        """Sample ids that share one image, byte for byte."""
        return tuple(
            tuple(sample.sample_id for sample in group)
            for group in _by_content(self.samples).values()
            if len(group) > 1
        )

    def describe(self) -> dict[str, Any]:
        """Counts, label ranges and everything found wrong, ready for JSON."""
        counts = Counter(sample.expression for sample in self.samples)
        return {
            "name": self.name,
            "source": str(self.source),
            "fingerprint": self.fingerprint,
            "is_drawn": self.is_drawn,
            "count_samples": len(self.samples),
            "count_excluded": len(self.exclusions),
            "per_expression": {name: counts[index] for index, name in enumerate(EXPRESSIONS)},
            "valence": _spread(sample.valence for sample in self.samples),
            "arousal": _spread(sample.arousal for sample in self.samples),
            "duplicates": [list(ids) for ids in self.duplicates],
            "warnings": list(self.warnings),
            "contradictions": [
                dict(
                    zip(
                        found.sample_ids,
                        (EXPRESSIONS[label] for label in found.expressions),
                        strict=True,
                    )
                )
                for found in self.contradictions
            ],
            "exclusions_by_code": dict(sorted(Counter(e.code for e in self.exclusions).items())),
            "exclusions": [
                {"name": e.name, "code": e.code, "detail": e.detail} for e in self.exclusions
            ],
        }


def assemble(
    source: Path,
    samples: Iterable[Sample],
    exclusions: Iterable[Exclusion],
    *,
    kind: str,
    is_drawn: bool,
    has_affect: bool,
    files: SourceFiles,
) -> LabelledSet:
    """Put a validated set in order.

    Args:
        source: Folder or archive.
        samples: In any order.
        exclusions: In any order.
        kind: The layout's name and version; part of the fingerprint.
        is_drawn: See :class:`LabelledSet`.
        has_affect: See :class:`LabelledSet`.
        files: Of the source.
    """
    ordered = sorted(samples, key=lambda sample: _natural(sample.sample_id))
    return LabelledSet(
        name=source.stem if source.is_file() else source.resolve().name,
        source=source,
        samples=tuple(ordered),
        exclusions=tuple(sorted(exclusions, key=lambda e: (_natural(e.name), e.code))),
        fingerprint=_fingerprint(kind, ordered),
        contradictions=_contradictions(ordered),
        is_drawn=is_drawn,
        has_affect=has_affect,
        _files=files,
    )


def reasons(exclusions: Sequence[Exclusion]) -> str:
    """The commonest reasons, each with its number and some files that show it."""
    told = []
    for code, count in Counter(exclusion.code for exclusion in exclusions).most_common(4):
        shown: dict[str, str] = {}
        for exclusion in sorted(exclusions, key=lambda each: _natural(each.name)):
            if exclusion.code == code:
                shown.setdefault(exclusion.detail, exclusion.name)
        examples = [f"{name}: {detail}" for detail, name in shown.items()]
        told.append(f"{count} {code} ({'; '.join(examples[:3])})")
    return ", ".join(told)


def _by_content(samples: Iterable[Sample]) -> Mapping[str, list[Sample]]:
    groups: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        groups[sample.sha256].append(sample)
    return groups


def _contradictions(samples: Iterable[Sample]) -> tuple[Contradiction, ...]:
    return tuple(
        Contradiction(
            sha256=sha256,
            sample_ids=tuple(sample.sample_id for sample in group),
            expressions=tuple(sample.expression for sample in group),
        )
        for sha256, group in _by_content(samples).items()
        if len({sample.expression for sample in group}) > 1
    )


def _fingerprint(kind: str, samples: Iterable[Sample]) -> str:
    """``repr`` writes the shortest text that reads back as the same float, so lines are stable."""
    digest = hashlib.sha256(f"{kind}\n".encode())
    for s in samples:
        line = f"{s.sample_id}\t{s.sha256}\t{s.expression}\t{s.valence!r}\t{s.arousal!r}\n"
        digest.update(line.encode())
    return digest.hexdigest()


def _natural(text: str) -> tuple[tuple[tuple[int, str], ...], str]:
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


def _spread(values: Iterable[float]) -> dict[str, float]:
    array = np.fromiter(values, dtype=np.float64)
    return {
        "min": float(array.min()),
        "mean": float(array.mean()),
        "max": float(array.max()),
    }
