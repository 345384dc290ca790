"""Reading AffectNet's layout: what is accepted, and what it becomes."""

import os
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from factories_data import (
    make_image,
    make_npy,
    write_affectnet,
    write_sample,
    zip_folder,
)

from emotion_core.errors import DataError
from emotion_core.training.affectnet import read_affectnet
from emotion_core.training.labelled_set import LabelledSet
from emotion_core.vision.images import decode
from emotion_core.vision.preprocessing import Preprocessing


def test_a_sound_folder_is_read_whole_with_its_labels(sound: Path) -> None:
    found = read_affectnet(sound)

    assert len(found.samples) == 16
    assert found.exclusions == ()
    assert not found.is_drawn
    assert found.name == "faces"
    assert [sample.sample_id for sample in found.samples] == [str(3 * n) for n in range(16)]
    first = found.samples[0]
    assert (first.sample_id, first.expression, first.valence, first.arousal) == ("0", 0, -0.9, 0.7)
    assert found.read_images([first]) == [(sound / "images" / "0.jpg").read_bytes()]


def test_the_fingerprint_is_the_same_from_a_folder_a_deeper_folder_and_a_zip(
    sound: Path, tmp_path: Path
) -> None:
    deeper = tmp_path / "a" / "b"
    shutil.copytree(sound, deeper / "c" / "d")
    archive = zip_folder(sound, tmp_path / "faces.zip", prefix="Top Folder/Dataset/")

    sets = [read_affectnet(path) for path in (sound, deeper, archive)]

    assert len({found.fingerprint for found in sets}) == 1
    assert sets[2].read_images(sets[2].samples) == sets[0].read_images(sets[0].samples)


def test_the_fingerprint_changes_with_a_label_an_image_and_an_id(sound: Path) -> None:
    before = read_affectnet(sound).fingerprint
    annotation = sound / "annotations" / "3_val.npy"
    original = annotation.read_bytes()

    annotation.write_bytes(make_npy("0.111"))
    with_label = read_affectnet(sound).fingerprint
    annotation.write_bytes(original)
    (sound / "images" / "3.jpg").write_bytes(make_image(999))
    with_image = read_affectnet(sound).fingerprint
    for path in sorted(sound.rglob("3[._]*")):
        path.rename(path.with_name("4" + path.name[1:]))
    with_id = read_affectnet(sound).fingerprint

    assert len({before, with_label, with_image, with_id}) == 4


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ("3", 3),
        ("3.0", 3),
        (" 3 ", 3),
        (3, 3),
        (3.0, 3),
        (np.float32(3), 3),
        (np.array([3]), 3),
        (np.array(b"3"), 3),
        (np.array("3", dtype=">U4"), 3),
    ],
)
def test_an_expression_may_be_written_in_any_way_a_number_is(
    sound: Path, stored: object, expected: int
) -> None:
    (sound / "annotations" / "9_exp.npy").write_bytes(make_npy(stored))

    found = read_affectnet(sound)

    assert {s.sample_id: s.expression for s in found.samples}["9"] == expected


def test_landmarks_may_be_missing_or_damaged(sound: Path) -> None:
    (sound / "annotations" / "0_lnd.npy").write_bytes(b"not an array")

    found = read_affectnet(sound)

    assert len(found.samples) == 16
    assert found.exclusions == ()


def test_png_and_jpeg_endings_of_either_case_are_images(sound: Path) -> None:
    write_sample(sound, "100", suffix="png")
    write_sample(sound, "101", suffix="JPEG")

    ids = {sample.sample_id for sample in read_affectnet(sound).samples}

    assert {"100", "101"} <= ids


def test_several_image_folders_are_read_with_their_folders_name_in_the_id(tmp_path: Path) -> None:
    write_affectnet(tmp_path / "all" / "train_set", first=0)
    write_affectnet(tmp_path / "all" / "val_set", first=0)

    found = read_affectnet(tmp_path)

    ids = [sample.sample_id for sample in found.samples]
    assert len(ids) == len(set(ids)) == 32
    assert "train_set/0" in ids
    assert "val_set/0" in ids


def test_what_macos_and_editors_leave_behind_is_ignored(sound: Path, tmp_path: Path) -> None:
    expected = read_affectnet(sound).fingerprint
    (sound / "images" / "._0.jpg").write_bytes(b"resource fork")
    (sound / "images" / ".DS_Store").write_bytes(b"x")
    (sound / "images" / "Thumbs.db").write_bytes(b"x")
    shutil.copytree(sound / "images", sound / "__MACOSX" / "images")
    archive = zip_folder(sound, tmp_path / "faces.zip")

    sets = [read_affectnet(sound), read_affectnet(archive)]

    assert [found.fingerprint for found in sets] == [expected, expected]
    assert [found.exclusions for found in sets] == [(), ()]


def test_a_link_that_leads_back_up_is_not_followed_for_ever(sound: Path) -> None:
    (sound / "images" / "again").symlink_to(sound, target_is_directory=True)

    found = read_affectnet(sound)

    assert len(found.samples) == 16


def test_identical_images_with_different_expressions_are_reported_and_kept(sound: Path) -> None:
    write_sample(sound, "708", expression="6", image=make_image(0))
    write_sample(sound, "800", expression="0", valence="0.3", image=make_image(0))
    write_sample(sound, "900", expression="1", image=make_image(3))  # the same label: no matter

    found = read_affectnet(sound)

    assert len(found.samples) == 19
    assert [
        [(sample.sample_id, sample.expression) for sample in group]
        for group in found.contradictions
    ] == [[("0", 0), ("708", 6), ("800", 0)]]


def test_pixels_are_kept_in_the_order_of_the_samples_and_come_back_from_the_disk(
    sound: Path, tmp_path: Path
) -> None:
    (sound / "images" / "9.jpg").write_bytes(b"left out")
    write_sample(sound, "10", expression="3")
    folder = tmp_path / "decoded"
    folder.mkdir()

    in_memory = read_affectnet(sound, 32)
    on_disk = read_affectnet(sound, 32, folder)
    on_disk.save_index(folder)
    loaded = LabelledSet.load(folder)

    preprocessing = Preprocessing(image_size=32)
    expected = np.stack(
        [preprocessing.pixels(decode(data)) for data in in_memory.read_images(in_memory.samples)]
    )
    assert in_memory == on_disk == loaded
    for found in (in_memory, on_disk, loaded):
        assert found.pixels is not None
        assert np.array_equal(found.pixels, expected)


@pytest.mark.parametrize("is_on_disk", [False, True])
def test_more_pixels_than_memory_or_disk_holds_is_a_sentence(
    sound: Path, tmp_path: Path, is_on_disk: bool
) -> None:
    with pytest.raises(DataError, match="use a smaller image_size"):
        read_affectnet(sound, 3_000_000, tmp_path if is_on_disk else None)


def test_an_image_that_changed_after_validation_is_not_handed_out(sound: Path) -> None:
    found = read_affectnet(sound)
    (sound / "images" / "0.jpg").write_bytes(make_image(999))

    with pytest.raises(DataError, match=r"images/0\.jpg .* has changed"):
        found.read_images(found.samples)


@pytest.mark.real_data
def test_the_real_data_set_is_read_whole_and_its_contradictions_are_found() -> None:
    found = read_affectnet(Path(os.environ["EMOTION_REAL_DATA"]))

    assert len(found.samples) == 3400
    assert found.exclusions == ()
    assert found.warnings == ()
    assert len({sample.sha256 for sample in found.samples}) == 3400 - 7
    assert {tuple(s.sample_id for s in group) for group in found.contradictions} == {
        ("708", "3952"),
        ("1351", "4519"),
        ("430", "3657"),
    }
    assert min(Counter(sample.expression for sample in found.samples).values()) == 424
