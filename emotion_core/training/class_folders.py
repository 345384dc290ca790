"""A labelled set of faces in one folder per expression: ``<any folders>/<expression>/<name>.jpg``.

The layout of FER2013 and of many sets like it. There is no valence or arousal; some expressions may
be missing. It serves as the set of the pretraining stage.
"""

from collections import Counter
from collections.abc import Sequence
from difflib import get_close_matches
from functools import partial
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Final

from emotion_core.emotions import EXPRESSIONS
from emotion_core.errors import DataError, ImageRefused
from emotion_core.training.labelled_set import (
    Exclusion,
    LabelledSet,
    Pixels,
    Sample,
    digest_and_decode,
    natural,
    printable,
    read_faces,
    reasons,
)
from emotion_core.training.source_files import (
    OTHER_IMAGES,
    FileRefused,
    SourceFiles,
    open_source,
    packed,
)

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

_ALIKE: Final = 0.7
"""How alike a folder's name is to an expression's, 0 to 1, before it is taken for a slip."""

_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")

_Face = tuple[str, str, int | FileRefused]
"""Id, path inside the source, and the expression or why there is none."""


def read_class_folders(
    source: Path, image_size: int | None = None, folder: Path | None = None
) -> LabelledSet:
    """Read and validate a set whose folders are named after the expressions.

    An image belongs to the innermost folder around it that bears an expression's name. One that
    lies in no such folder, or within it in one that looks like a slip of the pen, is left out.

    Args:
        source: A folder at any depth above, or a zip archive.
        image_size: As for :func:`emotion_core.training.affectnet.read_affectnet`.
        folder: As there.

    Raises:
        DataError: There is nothing to read, no folder bears an expression's name, or some
            expression that occurs has fewer than two usable images.
    """
    files = open_source(source)
    names = files.names()
    images = [n for n in names if PurePosixPath(n).suffix.lower() in _SUFFIXES + OTHER_IMAGES]
    labelled: list[_Face] = []
    for name in images:
        sample_id = printable(str(PurePosixPath(name).with_suffix("")))
        try:
            labelled.append((sample_id, name, _expression(name)))
        except FileRefused as refused:
            labelled.append((sample_id, name, refused))
    labelled.sort(key=lambda face: natural(face[0]))
    if all(isinstance(expression, FileRefused) for _, _, expression in labelled):
        raise DataError(
            f"{source} holds no images in folders named after expressions "
            f"({', '.join(sorted(FOLDERS))}){_advice(source, names, labelled)}"
        )
    found = read_faces(
        source,
        labelled,
        partial(_validate, files),
        kind="class folders 1",
        has_affect=False,
        image_size=image_size,
        folder=folder,
    )
    why = reasons(found.exclusions)
    if not found.samples:
        raise DataError(f"{source} holds no usable image; found wrong: {why}")
    counts = Counter(sample.expression for sample in found.samples)
    if short := [EXPRESSIONS[index] for index, count in sorted(counts.items()) if count < 2]:
        why = f"; left out: {why}" if why else ""
        raise DataError(f"{source} holds only one usable image of {', '.join(short)}{why}")
    return found


def _validate(
    files: SourceFiles, face: _Face, pixels: Pixels | None
) -> tuple[Sample | None, list[Exclusion]]:
    sample_id, name, expression = face
    try:
        if isinstance(expression, FileRefused):
            raise expression
        sha256 = digest_and_decode(files, name, _SUFFIXES, pixels)
    except (FileRefused, ImageRefused) as refused:
        return None, [Exclusion.of(name, refused)]
    return Sample(sample_id, name, sha256, expression, 0.0, 0.0), []


def _expression(name: str) -> int:
    """The expression that the folders around an image name.

    Raises:
        FileRefused: ``unknown_folder``: none does, or the nearest one is misspelt.
    """
    folders = PurePosixPath(name).parent.parts
    for folder in reversed(folders):
        known = folder.strip().lower()
        if known in FOLDERS:
            return FOLDERS[known]
        if alike := get_close_matches(known, FOLDERS, n=1, cutoff=_ALIKE):
            raise FileRefused(
                "unknown_folder", f"{folder!r} names no expression; is it meant for {alike[0]!r}?"
            )
    where = f"the folder {folders[-1]!r} names no expression" if folders else "it lies in no folder"
    raise FileRefused("unknown_folder", f"{where}; use one of {', '.join(EXPRESSIONS).lower()}")


def _advice(source: Path, names: Sequence[str], faces: Sequence[_Face]) -> str:
    """What the source seems to be instead, with a semicolon before it; empty where unknown."""
    if source.resolve().name.lower() in FOLDERS and any("/" not in name for name in names):
        return f"; this is one of them: give the folder above it, {source.resolve().parent}"
    if any(PurePosixPath(name).parent.name.lower() == "annotations" for name in names):
        return "; it is laid out as AffectNet: give it as the data set itself"
    refused = [Exclusion.of(name, why) for _, name, why in faces if isinstance(why, FileRefused)]
    return f"; found {reasons(refused)}" if refused else printable(packed(source, names))
