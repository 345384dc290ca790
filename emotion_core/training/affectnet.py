"""A labelled set of faces in AffectNet's layout, validated file by file.

``<any folders>/images/<id>.jpg`` beside ``annotations/<id>_{exp,val,aro,lnd}.npy``, in a folder or
in a zip archive that is read in place. There may be a folder per person in ``images`` and in
``annotations``, or a ``groups.csv`` beside them (:mod:`emotion_core.training.groups`). Nothing
wrong with one file stops the reading: it becomes an :class:`Exclusion`. Landmarks are not used and
may be missing.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

from emotion_core.drawn_faces.dataset import DRAWN_MARKER
from emotion_core.emotions import EXPRESSIONS, MIN_PER_EXPRESSION
from emotion_core.errors import DataError, ImageRefused
from emotion_core.training import annotation
from emotion_core.training.class_folders import FOLDERS
from emotion_core.training.groups import GROUPS_FILE, groups_file
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
    annotations: dict[str, str] = field(default_factory=dict)
    sample_id: str = ""
    group: str | None = None


def read_affectnet(
    source: Path, image_size: int | None = None, folder: Path | None = None
) -> LabelledSet:
    """Read and validate a data set; every file is read, hashed and decoded once.

    A data set with several ``images`` folders (AffectNet's train_set and val_set) is read whole;
    ids then carry their folder's name.

    Args:
        source: A folder at any depth above the images, or a zip archive.
        image_size: Side of the pixels to keep for a training; None keeps none.
        folder: As for :func:`emotion_core.training.labelled_set.read_faces`.

    Raises:
        DataError: There is nothing to read, the archive is encrypted, no image is found, or fewer
            than two usable images of some expression are left.
    """
    files = open_source(source)
    names = files.names()
    faces = _gather(names)
    if not any(face.images for face in faces):
        raise DataError(f"{source} holds no images: {_LAYOUT}{_advice(source, names)}")
    prefix = _common_root(face.root for face in faces if face.images)
    for face in faces:
        if face.images:
            path = PurePosixPath(face.root, face.stem).relative_to(prefix)
            face.sample_id = printable(str(path))
    _assign_groups(files, faces)
    faces.sort(key=lambda face: natural(face.sample_id))
    found = read_faces(
        source,
        faces,
        partial(_validate, files),
        kind="affectnet 1",
        is_drawn=any(name.rpartition("/")[2] == DRAWN_MARKER for name in names),
        image_size=image_size,
        folder=folder,
    )
    _require_every_expression(found)
    return found


def _gather(names: Iterable[str]) -> list[_Face]:
    """Put together the files of each id; a root is the folder that holds ``images``."""
    faces: dict[tuple[str, str], _Face] = {}

    def face(root: str, stem: str) -> _Face:
        return faces.setdefault((root, stem), _Face(root, stem))

    for name in names:
        folder, _, file = name.rpartition("/")
        above, _, kind = folder.rpartition("/")
        person = ""
        if above.rpartition("/")[2].lower() in ("images", "annotations"):
            person, (above, _, kind) = f"{kind}/", above.rpartition("/")
        root = _plain(above)
        stem, dot, suffix = file.rpartition(".")
        is_image = dot and f".{suffix.lower()}" in _IMAGE_SUFFIXES + OTHER_IMAGES
        if kind.lower() == "images" and is_image:
            face(root, person + stem).images.append(name)
        elif kind.lower() == "annotations" and (match := _ANNOTATION.fullmatch(file)):
            face(root, person + match[1]).annotations[match[2]] = name
    # A folder in images that nothing annotates holds something else, as thumbnails.
    faces = {key: one for key, one in faces.items() if "/" not in one.stem or one.annotations}
    for one in faces.values():
        # A format that is not read counts where nothing else bears the id.
        one.images = [n for n in one.images if _is_read(n)] or one.images
    return list(faces.values())


def _plain(folder: str) -> str:
    """Archives may hold names such as ``./images/1.jpg`` or ``/images/1.jpg``."""
    return "/".join(part for part in folder.split("/") if part not in ("", "."))


def _assign_groups(files: SourceFiles, faces: Iterable[_Face]) -> None:
    """A person's folder is a group, in each root its own; ``groups.csv`` goes first."""
    listed = {
        _plain(name.rpartition("/")[0]): groups_file(files, name)
        for name in files.names()
        if name.rpartition("/")[2].lower() == GROUPS_FILE
    }
    for face in faces:
        person = face.stem.rpartition("/")[0]
        face.group = listed.get(face.root, {}).get(face.stem) or (
            f"{face.root}/{person}" if person else None
        )


def _is_read(name: str) -> bool:
    return name.lower().endswith(_IMAGE_SUFFIXES)


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
    files: SourceFiles, face: _Face, pixels: Pixels | None
) -> tuple[Sample | None, list[Exclusion]]:
    """One face's sample, or everything that is wrong with it; its image goes to ``pixels``."""
    if not face.images:
        name = min(face.annotations.values())
        what = f"no image {face.stem} lies beside it"
        return None, [Exclusion.of(name, FileRefused("annotation_without_image", what))]
    if len(face.images) > 1:
        refused = FileRefused(
            "ambiguous_id", "several images share this id; which one is labelled?"
        )
        return None, [Exclusion.of(name, refused) for name in sorted(face.images)]
    problems: list[Exclusion] = []
    labels: dict[str, float] = {}
    sha256, name = "", face.images[0]
    wanted = ("exp", "val", "aro")
    stem = face.stem.rpartition("/")[2]
    if missing := [f"{stem}_{k}.npy" for k in wanted if k not in face.annotations]:
        refused = FileRefused("missing_annotation", f"there is no {', '.join(missing)}")
        problems.append(Exclusion.of(name, refused))
    for kind in face.annotations.keys() & wanted:
        try:
            data = files.read(face.annotations[kind], annotation.BYTES_LIMIT)
            labels[kind] = annotation.READERS[kind](data)
        except FileRefused as refused:
            problems.append(Exclusion.of(face.annotations[kind], refused))
    try:
        sha256 = digest_and_decode(files, name, _IMAGE_SUFFIXES, pixels)
    except (FileRefused, ImageRefused) as refused:
        problems.append(Exclusion.of(name, refused))
    if problems:
        return None, problems
    expression, valence, arousal = (labels[kind] for kind in wanted)
    return (
        Sample(face.sample_id, name, sha256, int(expression), valence, arousal, face.group),
        [],
    )


def _require_every_expression(found: LabelledSet) -> None:
    why = reasons(found.exclusions)
    if not found.samples:
        raise DataError(f"{found.source} holds no usable image; found wrong: {why}")
    counts = Counter(sample.expression for sample in found.samples)
    short = [
        f"{counts[index]} of {name}"
        for index, name in enumerate(EXPRESSIONS)
        if counts[index] < MIN_PER_EXPRESSION
    ]
    if short:
        clauses = [
            f"{found.source} holds only {', '.join(short)}; training needs at least "
            f"{MIN_PER_EXPRESSION} usable images of each of the eight expressions",
            *([f"left out: {why}"] if why else []),
            *found.warnings,
        ]
        raise DataError("; ".join(clauses))


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
