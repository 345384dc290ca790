"""The demo's batch: what it promises to hold is what lies in the inbox."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from emotion_core.drawn_faces.dataset import draw_dataset
from emotion_core.errors import ImageRefused
from emotion_core.local.demo_batch import COUNT_GOOD, drop, faces_to_score
from emotion_core.training.affectnet import read_affectnet
from emotion_core.training.labelled_set import LabelledSet
from emotion_core.training.split import split_by_content
from emotion_core.vision.images import decode


@pytest.fixture(scope="module")
def labelled_set(tmp_path_factory: pytest.TempPathFactory) -> LabelledSet:
    folder = tmp_path_factory.mktemp("drawn") / "faces"
    return read_affectnet(draw_dataset(folder, per_expression=8, seed=1))


def test_a_batch_holds_faces_a_copy_and_files_that_must_be_refused(
    labelled_set: LabelledSet, tmp_path: Path
) -> None:
    faces = faces_to_score(labelled_set, split_by_content(labelled_set, 42), seed=7)

    folder = tmp_path / "inbox" / "batch"
    count_files = drop(folder, faces)

    files = [path for path in folder.iterdir() if path.name != "_SUCCESS"]
    contents = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    refused = {}
    for path in files:
        try:
            decode(path.read_bytes())
        except ImageRefused as refusal:
            refused[path.name] = refusal.code
    assert len(files) == count_files == COUNT_GOOD + 3
    assert len(contents) - len(set(contents)) == 1, "one copy"
    assert refused == {
        "cut off in transit.jpg": "truncated",
        "shopping list.jpg": "not_an_image",
    }
    assert any('"' in path.name and "'" in path.name and "\n" in path.name for path in files)
    assert (folder / "_SUCCESS").is_file()


def test_drawn_faces_to_score_are_new_each_time(labelled_set: LabelledSet) -> None:
    split = split_by_content(labelled_set, 42)
    known = {sample.sha256 for sample in labelled_set.samples}

    first, second = (faces_to_score(labelled_set, split, seed) for seed in (7, 8))

    assert not set(first) & set(second)
    assert not {hashlib.sha256(data).hexdigest() for data in first} & known


def test_faces_of_a_real_set_are_held_out_ones(labelled_set: LabelledSet) -> None:
    labelled_set = replace(labelled_set, is_drawn=False)
    split = split_by_content(labelled_set, 42, validation_share=0.25)
    held_out = {labelled_set.samples[index].sha256 for index in split.validation}

    faces = faces_to_score(labelled_set, split, seed=1)

    assert 2 <= len(faces) == len(set(faces))
    assert {hashlib.sha256(data).hexdigest() for data in faces} <= held_out
