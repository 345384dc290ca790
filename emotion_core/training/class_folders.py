"""A labelled set of faces in one folder per expression: ``<any folders>/<expression>/<name>.jpg``.

The layout of FER2013 and of many sets like it. There is no valence or arousal; some expressions may
be missing. It serves as the set of the pretraining stage.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Final

from emotion_core.emotions import EXPRESSIONS
from emotion_core.errors import DataError, ImageRefused
from emotion_core.training.labelled_set import (
    Exclusion,
    LabelledSet,
    Sample,
    assemble,
    printable,
)
from emotion_core.training.source_files import FileRefused, SourceFiles, open_source
from emotion_core.vision.images import MAX_FILE_BYTES, decode

FOLDERS: Final = MappingProxyType(
    {
        **{name.lower(): index for index, name in enumerate(EXPRESSIONS)},
        # As other sets call them.
        "happiness": EXPRESSIONS.index("Happy"),
        "sadness": EXPRESSIONS.index("Sad"),
        "surprised": EXPRESSIONS.index("Surprise"),
        "angry": EXPRESSIONS.index("Anger"),
        "fearful": EXPRESSIONS.index("Fear"),
        "disgusted": EXPRESSIONS.index("Disgust"),
    }
)
"""Folder name in lower case to the index of its expression."""

_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


def read_class_folders(source: Path) -> LabelledSet:
    """Read and validate a set whose folders are named after the expressions.

    Args:
        source: A folder at any depth above, or a zip archive.

    Raises:
        DataError: There is nothing to read, no folder bears an expression's name, or some
            expression that occurs has fewer than two usable images.
    """
    files = open_source(source)
    labelled = [
        (name, FOLDERS[folder])
        for name in files.names()
        if (path := PurePosixPath(name)).suffix.lower() in _SUFFIXES
        and (folder := path.parent.name.lower()) in FOLDERS
    ]
    if not labelled:
        raise DataError(
            f"{source} holds no images in folders named after expressions "
            f"({', '.join(sorted(FOLDERS))})"
        )
    slices = [labelled[start : start + 256] for start in range(0, len(labelled), 256)]
    samples: list[Sample] = []
    exclusions: list[Exclusion] = []
    # Decoding leaves Python's lock, so threads share the work; the results keep their order.
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for good, bad in pool.map(lambda part: _validate(files, part), slices):
            samples += good
            exclusions += bad
    counts = Counter(sample.expression for sample in samples)
    if short := [EXPRESSIONS[index] for index, count in sorted(counts.items()) if count < 2]:
        raise DataError(f"{source} holds only one usable image of {', '.join(short)}")
    if not samples:
        reasons = Counter(exclusion.code for exclusion in exclusions)
        why = ", ".join(f"{count} {code}" for code, count in reasons.most_common(4))
        raise DataError(f"{source} holds no usable image; found wrong: {why}")
    return assemble(
        source,
        samples,
        exclusions,
        kind="class folders 1",
        is_drawn=False,
        has_affect=False,
        files=files,
    )


def _validate(
    files: SourceFiles, part: Sequence[tuple[str, int]]
) -> tuple[list[Sample], list[Exclusion]]:
    good: list[Sample] = []
    bad: list[Exclusion] = []
    for name, expression in part:
        try:
            data = files.read(name, MAX_FILE_BYTES)
            decode(data)
        except (FileRefused, ImageRefused) as refused:
            bad.append(Exclusion(printable(name), refused.code, printable(refused.detail)))
            continue
        good.append(
            Sample(
                sample_id=printable(str(PurePosixPath(name).with_suffix(""))),
                image_name=name,
                sha256=hashlib.sha256(data).hexdigest(),
                expression=expression,
                valence=0.0,
                arousal=0.0,
            )
        )
    return good, bad
