"""A labelled set of faces in AffectNet's layout, validated file by file.

``<any folders>/images/<id>.jpg`` beside ``annotations/<id>_{exp,val,aro,lnd}.npy``, in a folder or
in a zip archive that is read in place. Nothing wrong with one file stops the reading: it becomes an
:class:`Exclusion`. Landmarks are not used and may be missing.
"""

import hashlib
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np

from emotion_core.drawn_faces.dataset import DRAWN_MARKER
from emotion_core.emotions import EXPRESSIONS, MIN_PER_EXPRESSION
from emotion_core.errors import DataError, ImageRefused
from emotion_core.training import annotation
from emotion_core.training.class_folders import FOLDERS
from emotion_core.training.labelled_set import (
    Exclusion,
    LabelledSet,
    Sample,
    assemble,
    printable,
    reasons,
)
from emotion_core.training.plausibility import contradiction
from emotion_core.training.source_files import (
    OTHER_IMAGES,
    FileRefused,
    SourceFiles,
    open_source,
    packed,
    require_suffix,
)
from emotion_core.vision.images import MAX_FILE_BYTES, decode

_IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")
_ANNOTATION = re.compile(r"(.+)_(exp|val|aro|lnd)\.npy", re.DOTALL)
_LAYOUT = (
    "expected <any folders>/images/<id>.jpg (or .jpeg, .png) beside "
    "annotations/<id>_exp.npy, <id>_val.npy and <id>_aro.npy"
)


@dataclass
class _Face:
    """What lies in the source for one id of one folder."""

    root: str
    stem: str
    images: list[str] = field(default_factory=list)
    other_images: list[str] = field(default_factory=list)
    """With endings that are not read."""
    annotations: dict[str, str] = field(default_factory=dict)


def read_affectnet(source: Path) -> LabelledSet:
    """Read and validate a data set.

    Every image is decoded once, every label checked. A data set with several ``images`` folders
    (AffectNet's train_set and val_set) is read whole; ids then carry their folder's name.

    Args:
        source: A folder at any depth above the images, or a zip archive.

    Raises:
        DataError: There is nothing to read, the archive is encrypted, no image is found, or fewer
            than two usable images of some expression are left.
    """
    files = open_source(source)
    names = files.names()
    faces = _gather(names)
    if not any(face.images or face.other_images for face in faces):
        raise DataError(f"{source} holds no images: {_LAYOUT}{_advice(source, names)}")
    prefix = _common_root(face.root for face in faces if face.images or face.other_images)
    slices = [faces[start : start + 64] for start in range(0, len(faces), 64)]
    samples: list[Sample] = []
    exclusions: list[Exclusion] = []
    # Decoding leaves Python's lock, so threads share the work; the results keep their order.
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for found in pool.map(
            lambda part: [_validate(files, face, prefix) for face in part], slices
        ):
            for sample, problems in found:
                exclusions += problems
                if sample is not None:
                    samples.append(sample)
    _require_every_expression(source, samples, exclusions)
    return assemble(
        source,
        samples,
        exclusions,
        kind="affectnet 1",
        is_drawn=any(name.rpartition("/")[2] == DRAWN_MARKER for name in names),
        has_affect=True,
        files=files,
    )


def _gather(names: Iterable[str]) -> list[_Face]:
    """Put together the files of each id; a root is the folder that holds ``images``."""
    faces: dict[tuple[str, str], _Face] = {}

    def face(root: str, stem: str) -> _Face:
        return faces.setdefault((root, stem), _Face(root, stem))

    for name in names:
        folder, _, file = name.rpartition("/")
        above, _, last = folder.rpartition("/")
        # Archives may hold names such as ./images/1.jpg or /images/1.jpg.
        root = "/".join(part for part in above.split("/") if part not in ("", "."))
        kind = last.lower()
        if kind == "images":
            stem, dot, suffix = file.rpartition(".")
            if dot and f".{suffix.lower()}" in _IMAGE_SUFFIXES:
                face(root, stem).images.append(name)
            elif dot and f".{suffix.lower()}" in OTHER_IMAGES:
                face(root, stem).other_images.append(name)
        elif kind == "annotations" and (match := _ANNOTATION.fullmatch(file)):
            face(root, match[1]).annotations[match[2]] = name
    return list(faces.values())


def _common_root(roots: Iterable[str]) -> PurePosixPath:
    """The deepest folder above every ``images`` folder, so that ids do not depend on the depth."""
    paths = [PurePosixPath(root).parts for root in set(roots)]
    common: list[str] = []
    for parts in zip(*paths, strict=False):
        if len(set(parts)) > 1:
            break
        common.append(parts[0])
    return PurePosixPath(*common)


def _validate(
    files: SourceFiles, face: _Face, prefix: PurePosixPath
) -> tuple[Sample | None, list[Exclusion]]:
    """One face's sample, or everything that is wrong with it."""
    problems: list[Exclusion] = []

    def exclude(name: str, code: str, detail: str) -> None:
        problems.append(Exclusion(printable(name), code, printable(detail)))

    images = face.images or face.other_images
    if not images:
        name = min(face.annotations.values())
        exclude(name, "annotation_without_image", f"no image {printable(face.stem)} lies beside it")
        return None, problems
    if len(images) > 1:
        for name in sorted(images):
            exclude(name, "ambiguous_id", "several images share this id; which one is labelled?")
        return None, problems
    name = images[0]
    missing = [kind for kind in ("exp", "val", "aro") if kind not in face.annotations]
    if missing:
        wanted = ", ".join(f"{face.stem}_{kind}.npy" for kind in missing)
        exclude(name, "missing_annotation", f"there is no {wanted}")
    labels: dict[str, float] = {}
    for kind in ("exp", "val", "aro"):
        if kind in missing:
            continue
        try:
            data = files.read(face.annotations[kind], annotation.BYTES_LIMIT)
            if kind == "exp":
                labels[kind] = annotation.read_expression(data)
            else:
                dimension = "valence" if kind == "val" else "arousal"
                labels[kind] = annotation.read_dimension(data, dimension)
        except FileRefused as refused:
            exclude(face.annotations[kind], refused.code, refused.detail)
    sha256 = ""
    try:
        require_suffix(name, _IMAGE_SUFFIXES)
        data = files.read(name, MAX_FILE_BYTES)
        sha256 = hashlib.sha256(data).hexdigest()
        decode(data)
    except (FileRefused, ImageRefused) as refused:
        exclude(name, refused.code, refused.detail)
    if problems:
        return None, problems
    sample_id = str(PurePosixPath(face.root, face.stem).relative_to(prefix))
    sample = Sample(
        sample_id=printable(sample_id),
        image_name=name,
        sha256=sha256,
        expression=int(labels["exp"]),
        valence=labels["val"],
        arousal=labels["aro"],
    )
    return sample, problems


def _require_every_expression(
    source: Path, samples: list[Sample], exclusions: list[Exclusion]
) -> None:
    why = reasons(exclusions)
    if not samples:
        raise DataError(f"{source} holds no usable image; found wrong: {why}")
    counts = Counter(sample.expression for sample in samples)
    short = [
        f"{counts[index]} of {name}"
        for index, name in enumerate(EXPRESSIONS)
        if counts[index] < MIN_PER_EXPRESSION
    ]
    if short:
        odd = contradiction(
            np.array([sample.expression for sample in samples]),
            np.array([(sample.valence, sample.arousal) for sample in samples]),
        )
        raise DataError(
            f"{source} holds only {', '.join(short)}; training needs at least "
            f"{MIN_PER_EXPRESSION} usable images of each of the eight expressions"
            + (f"; left out: {why}" if why else "")
            + (f"; {odd}" if odd else "")
        )


def _advice(source: Path, names: Sequence[str]) -> str:
    """What the source seems to be instead, with a semicolon before it; empty where unknown."""
    folders: dict[str, set[str]] = defaultdict(set)
    for name in names:
        folder, _, file = name.rpartition("/")
        suffix = PurePosixPath(file).suffix.lower()
        if suffix in _IMAGE_SUFFIXES + OTHER_IMAGES:
            folders["images"].add(folder)
        elif _ANNOTATION.fullmatch(file):
            folders["annotations"].add(folder)
    if len(folders) == 1 and (kind := next(iter(folders))) == source.resolve().name.lower():
        above = source.resolve().parent
        return f"; this is the folder of the {kind} alone: give the folder above it, {above}"
    if not folders["images"]:
        return printable(packed(source, names))
    if folders["images"] & folders["annotations"]:
        return "; images and annotations lie in one folder: divide them into two"
    where = min(folders["images"])
    if where.rpartition("/")[2].lower() in FOLDERS:
        return "; it has a folder per expression: such a set can be pretraining data"
    return f"; its images lie in {printable(where) or 'no folder'}: name their folder images"
