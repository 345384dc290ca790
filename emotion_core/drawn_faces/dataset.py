"""A data set of drawn faces in AffectNet's layout: something to train on that is nobody's face.

Figures measured on it say how the system works, and nothing about people.
"""

import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from emotion_core.drawn_faces.camera import jpeg_bytes
from emotion_core.drawn_faces.muscles import sample_affect
from emotion_core.drawn_faces.portrait import draw_portrait
from emotion_core.emotions import EXPRESSIONS, MIN_PER_EXPRESSION
from emotion_core.errors import DataError

DRAWING_VERSION: Final = 2
"""Raised whenever the same seed would give other pictures; older sets are then drawn anew."""

DRAWN_MARKER: Final = "DRAWN_FACES.json"
"""Lies in a data set whose faces were drawn: figures measured on it say nothing about people."""

MAX_PER_EXPRESSION: Final = 20_000

_ABANDONED_AFTER_SECONDS = 3600


def draw_face(
    expression: int, valence: float, arousal: float, rng: np.random.Generator
) -> Image.Image:
    """A drawn person, [224, 224] RGB; the same generator state draws the same picture.

    Args:
        expression: Id of the expression, 0 to 7.
        valence: -1 to 1; moves the mouth's corners and the cheeks within the expression.
        arousal: -1 to 1; moves eyes, brows and jaw within the expression.
        rng: Decides the rest: person, pose, light, what is in the way.
    """
    return draw_portrait(expression, valence, arousal, rng).image


def draw_dataset(folder: Path, *, per_expression: int, seed: int) -> Path:
    """Draw a balanced data set, or find the one drawn before with the same parameters.

    The folder appears complete or not at all: everything is drawn beside it under a hidden name
    and renamed. A set that was drawn there with other parameters is replaced. Takes about 6 ms a
    face on one core.

    Args:
        folder: Where the data set shall lie; missing, empty, or a set drawn before.
        per_expression: Faces of each of the eight expressions.
        seed: 0 or more; the same seed gives the same files.

    Returns:
        ``folder``, ready for :func:`emotion_core.training.affectnet.read_affectnet`.

    Raises:
        DataError: The folder holds something that was not drawn here, or cannot be written; or a
            parameter is out of range.
    """
    if not MIN_PER_EXPRESSION <= per_expression <= MAX_PER_EXPRESSION:
        raise DataError(
            f"per_expression is {per_expression}; draw from {MIN_PER_EXPRESSION} to "
            f"{MAX_PER_EXPRESSION:,} faces of each expression"
        )
    if seed < 0:
        raise DataError(f"seed is {seed}; use 0 or a positive whole number")
    marker = {"per_expression": per_expression, "seed": seed, "version": DRAWING_VERSION}
    if _is_complete(folder, marker):
        return folder
    if folder.exists() and not _may_replace(folder):
        raise DataError(
            f"{folder} holds something that was not drawn here; name another folder for the faces"
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(folder)
        partial = Path(tempfile.mkdtemp(prefix=_prefix(folder), dir=folder.parent))
        try:
            _draw_into(partial, per_expression, seed)
            (partial / DRAWN_MARKER).write_text(json.dumps(marker, indent=2) + "\n")
            partial.chmod(0o755)  # mkdtemp's 0700 would keep other users of the machine out
            _put_in_place(partial, folder, marker)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise DataError(f"the faces cannot be written to {folder}: {error}") from error
    return folder


def _draw_into(folder: Path, per_expression: int, seed: int) -> None:
    images, annotations = folder / "images", folder / "annotations"
    images.mkdir()
    annotations.mkdir()
    total = per_expression * len(EXPRESSIONS)
    plan = np.random.default_rng([seed, DRAWING_VERSION])
    # Like AffectNet's, the ids have gaps and say nothing about the expression.
    ids = np.sort(plan.choice(2 * total, size=total, replace=False))
    expressions = plan.permutation(np.repeat(np.arange(len(EXPRESSIONS)), per_expression))
    for sample_id, expression in zip(ids.tolist(), expressions.tolist(), strict=True):
        rng = np.random.default_rng([seed, DRAWING_VERSION, sample_id])
        valence, arousal = (round(value, 6) for value in sample_affect(expression, rng))
        portrait = draw_portrait(expression, valence, arousal, rng)
        (images / f"{sample_id}.jpg").write_bytes(jpeg_bytes(portrait.image, rng))
        labels = {"exp": str(expression), "val": f"{valence:g}", "aro": f"{arousal:g}"}
        for kind, text in labels.items():
            np.save(annotations / f"{sample_id}_{kind}.npy", np.array(text), allow_pickle=False)
        np.save(annotations / f"{sample_id}_lnd.npy", portrait.landmarks, allow_pickle=False)


def _prefix(folder: Path) -> str:
    return f".{folder.name}.partial-"


def _marker(folder: Path) -> Any:
    try:
        return json.loads((folder / DRAWN_MARKER).read_text())
    except (OSError, ValueError):
        return None


def _is_complete(folder: Path, marker: dict[str, int]) -> bool:
    """The marker is written last; the count notices files that somebody removed since."""
    if _marker(folder) != marker:
        return False
    faces = marker["per_expression"] * len(EXPRESSIONS)
    return (
        len(list((folder / "images").glob("*.jpg"))) == faces
        and len(list((folder / "annotations").glob("*.npy"))) == 4 * faces
    )


def _may_replace(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    return (folder / DRAWN_MARKER).is_file() or not any(folder.iterdir())


def _put_in_place(partial: Path, folder: Path, marker: dict[str, int]) -> None:
    if folder.exists():
        old = Path(tempfile.mkdtemp(prefix=_prefix(folder), dir=folder.parent))
        folder.replace(old)  # onto an empty folder, which POSIX allows
        shutil.rmtree(old, ignore_errors=True)
    try:
        partial.rename(folder)
    except OSError:
        # Another process drew the same faces meanwhile and was first.
        if not _is_complete(folder, marker):
            raise


def _remove_abandoned(folder: Path) -> None:
    """What a killed run left behind; a run still at work has touched its folder lately."""
    for path in folder.parent.glob(f"{_prefix(folder)}*"):
        try:
            if time.time() - path.stat().st_mtime > _ABANDONED_AFTER_SECONDS:
                shutil.rmtree(path, ignore_errors=True)
        except FileNotFoundError:
            continue  # a run next door has just finished with it
