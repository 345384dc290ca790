"""A batch as it arrives in real life: mostly good images, and some that are not."""

import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

from emotion_core.drawn_faces.dataset import draw_dataset
from emotion_core.emotions import EXPRESSIONS
from emotion_core.training.labelled_set import LabelledSet
from emotion_core.training.split import Split

COUNT_GOOD = 24


def faces_to_score(labelled_set: LabelledSet, split: Split, seed: int) -> list[bytes]:
    """Image files that no training has seen: held-out ones, or new ones of a drawn set."""
    if labelled_set.is_drawn:
        return _newly_drawn(seed)
    distinct = {labelled_set.samples[i].sha256: i for i in split.validation}
    chosen = random.Random(seed).sample(sorted(distinct), min(COUNT_GOOD, len(distinct)))
    return labelled_set.read_images([labelled_set.samples[distinct[sha256]] for sha256 in chosen])


def drop(folder: Path, faces: Sequence[bytes]) -> int:
    """Write the batch into a folder of the inbox; the marker that makes it whole comes last.

    Args:
        folder: Does not exist yet.
        faces: Distinct image files, two or more.

    Returns:
        How many files it holds: the faces, a copy, one cut off, one that is no image.
    """
    files = {f"face_{number:03d}.jpg": data for number, data in enumerate(faces[1:], 1)}
    files['she said "cheese",\nhe didn\'t.jpg'] = faces[0]
    files["face_001 (copy).jpg"] = faces[1]
    files["cut off in transit.jpg"] = faces[-1][: len(faces[-1]) // 2]
    files["shopping list.jpg"] = b"Milk, bread, a new camera.\n"
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (folder / "_SUCCESS").touch()
    return len(files)


def _newly_drawn(seed: int) -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        drawn = draw_dataset(
            Path(folder, "drawn"), per_expression=COUNT_GOOD // len(EXPRESSIONS), seed=seed
        )
        return [path.read_bytes() for path in sorted((drawn / "images").iterdir())]
