"""The demo's batch: what it promises to hold is what lies in the inbox."""

import hashlib
from pathlib import Path

import pytest

from emotion_core.drawn_faces.dataset import draw_dataset
from emotion_core.errors import ImageRefused
from emotion_core.local.demo_batch import COUNT_GOOD, drop, faces_to_score
from emotion_core.training.affectnet import read_affectnet
from emotion_core.training.split import split_by_content
from emotion_core.vision.images import decode


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    return draw_dataset(tmp_path / "drawn", per_expression=8, seed=1)


def test_a_batch_holds_faces_a_copy_and_files_that_must_be_refused(
    drawn: Path, tmp_path: Path
) -> None:
    labelled_set = read_affectnet(drawn)
    faces = faces_to_score(labelled_set, split_by_content(labelled_set, 42), seed=7)

    batch = drop(tmp_path / "inbox" / "batch", faces)

    files = [path for path in batch.folder.iterdir() if path.name != "_SUCCESS"]
    contents = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    refused = {}
    for path in files:
        try:
            decode(path.read_bytes())
        except ImageRefused as refusal:
            refused[path.name] = refusal.code
    assert len(files) == batch.count_files == COUNT_GOOD + 3
    assert len(contents) - len(set(contents)) == 1, "one copy"
    assert refused == {
        "cut off in transit.jpg": "truncated",
        "shopping list.jpg": "not_an_image",
    }
    assert len(refused) == batch.count_unreadable
    assert any('"' in path.name and "'" in path.name and "\n" in path.name for path in files)
    assert (batch.folder / "_SUCCESS").is_file()


def test_drawn_faces_to_score_are_new_each_time(drawn: Path) -> None:
    labelled_set = read_affectnet(drawn)
    split = split_by_content(labelled_set, 42)
    known = {sample.sha256 for sample in labelled_set.samples}

    first, second = (faces_to_score(labelled_set, split, seed) for seed in (1, 2))

    assert not set(first) & set(second)
    assert not {hashlib.sha256(data).hexdigest() for data in first} & known


def test_faces_of_a_real_set_are_held_out_ones(drawn: Path) -> None:
    (drawn / "DRAWN_FACES.json").unlink()
    labelled_set = read_affectnet(drawn)
    split = split_by_content(labelled_set, 42, validation_share=0.25)
    held_out = {labelled_set.samples[index].sha256 for index in split.validation}

    faces = faces_to_score(labelled_set, split, seed=1)

    assert 2 <= len(faces) == len(set(faces))
    assert {hashlib.sha256(data).hexdigest() for data in faces} <= held_out
