"""Samples that cannot be used are left out and listed with a reason; their neighbours stay."""

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from factories_data import (
    codes,
    make_image,
    make_npy,
    npy_with_header,
    write_sample,
    zip_folder,
)

from emotion_core.training.affectnet import read_affectnet


def pickled() -> bytes:
    return make_npy(np.array([{"expression": 3}], dtype=object))


@pytest.mark.parametrize(
    ("kind", "data", "code"),
    [
        ("exp", make_npy("8"), "expression_out_of_range"),
        ("exp", make_npy("-1"), "expression_out_of_range"),
        ("exp", make_npy("2.5"), "expression_out_of_range"),
        ("exp", make_npy("-2"), "no_value_label"),
        ("exp", make_npy("Happy"), "unreadable_annotation"),
        ("exp", make_npy("1_0"), "unreadable_annotation"),
        ("exp", make_npy(""), "unreadable_annotation"),
        ("exp", make_npy(True), "unreadable_annotation"),
        ("exp", pickled(), "pickled_annotation"),
        ("exp", b"", "unreadable_annotation"),
        ("exp", b"\x93NUMPY", "unreadable_annotation"),
        ("exp", make_npy("3")[:-2], "unreadable_annotation"),
        ("exp", make_npy("3") + b"x" * 70_000, "too_large_file"),
        ("val", make_npy("-2"), "no_value_label"),
        ("val", make_npy("1.2"), "valence_out_of_range"),
        ("val", make_npy("nan"), "not_a_number"),
        ("val", make_npy(float("nan")), "not_a_number"),
        ("val", make_npy("inf"), "unreadable_annotation"),
        ("val", make_npy("1e999"), "unreadable_annotation"),
        ("aro", make_npy("-1.01"), "arousal_out_of_range"),
        ("aro", make_npy([0.1, 0.2]), "unreadable_annotation"),
        ("aro", make_npy(np.array([])), "unreadable_annotation"),
        (
            "aro",
            npy_with_header({"descr": "<f8", "fortran_order": False, "shape": (10**12,)}),
            "unreadable_annotation",
        ),
        (
            "aro",
            npy_with_header({"descr": "<U2000000000", "fortran_order": False, "shape": ()}),
            "unreadable_annotation",
        ),
        (
            "aro",
            npy_with_header({"descr": "|O", "fortran_order": False, "shape": ()}, b"cos\nsystem\n"),
            "pickled_annotation",
        ),
    ],
)
def test_a_label_that_cannot_be_used_is_listed_under_its_file(
    sound: Path, kind: str, data: bytes, code: str
) -> None:
    write_sample(sound, "100")
    (sound / "annotations" / f"100_{kind}.npy").write_bytes(data)

    found = read_affectnet(sound)

    assert codes(found) == {f"annotations/100_{kind}.npy": code}
    assert len(found.samples) == 16


def without_image(root: Path) -> None:
    (root / "images" / "100.jpg").unlink()


def with_a_second_image(root: Path) -> None:
    write_sample(root, "100", suffix="png")


def with_a_pipe(root: Path) -> None:
    without_image(root)
    os.mkfifo(root / "images" / "100.jpg")


def with_content(data: bytes) -> Callable[[Path], object]:
    return lambda root: (root / "images" / "100.jpg").write_bytes(data)


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (with_content(b""), {"images/100.jpg": "empty_file"}),
        (with_content(b"<html>not found</html>"), {"images/100.jpg": "not_an_image"}),
        (with_content(make_image(1, size=64)[:-400]), {"images/100.jpg": "truncated"}),
        (without_image, {"annotations/100_aro.npy": "annotation_without_image"}),
        (
            with_a_second_image,
            {"images/100.jpg": "ambiguous_id", "images/100.png": "ambiguous_id"},
        ),
        (with_a_pipe, {"images/100.jpg": "unreadable_file"}),
    ],
)
def test_an_image_that_cannot_be_used_is_listed_and_never_hangs_the_reader(
    sound: Path, spoil: Callable[[Path], object], expected: dict[str, str]
) -> None:
    write_sample(sound, "100")
    spoil(sound)

    found = read_affectnet(sound)

    assert codes(found) == expected
    assert len(found.samples) == 16


def test_everything_wrong_with_a_face_is_listed_at_once(sound: Path) -> None:
    write_sample(sound, "100", expression="9", valence="-2", arousal=None, image=b"")

    found = read_affectnet(sound)

    assert {(exclusion.name, exclusion.code) for exclusion in found.exclusions} == {
        ("annotations/100_exp.npy", "expression_out_of_range"),
        ("annotations/100_val.npy", "no_value_label"),
        ("images/100.jpg", "missing_annotation"),
        ("images/100.jpg", "empty_file"),
    }


def test_names_of_any_bytes_are_listed_as_printable_text(sound: Path) -> None:
    name = os.fsdecode(b"a\nb\xff'\"\\")
    write_sample(sound, name, image=b"junk")

    found = read_affectnet(sound)

    (exclusion,) = found.exclusions
    assert exclusion.name == "images/a\\nb\\udcff'\"\\\\.jpg"
    assert exclusion.name.encode("utf-8")


def test_a_usable_image_of_any_name_keeps_a_storable_id(sound: Path) -> None:
    write_sample(sound, os.fsdecode(b"face\xff\n1"))

    found = read_affectnet(sound)

    sample = found.samples[-1]
    assert sample.sample_id == "face\\udcff\\n1"
    assert found.read_images([sample])


def test_a_damaged_member_of_a_zip_leaves_its_neighbours_alone(sound: Path, tmp_path: Path) -> None:
    write_sample(sound, "100", image=make_image(5, size=64))
    archive = zip_folder(sound, tmp_path / "faces.zip")
    with zipfile.ZipFile(archive) as file:
        info = file.getinfo("images/100.jpg")
    data = bytearray(archive.read_bytes())
    data[info.header_offset + 200] ^= 0xFF
    archive.write_bytes(data)

    found = read_affectnet(archive)

    assert codes(found) == {"images/100.jpg": "unreadable_file"}
    assert len(found.samples) == 16


def test_a_zip_bomb_among_the_annotations_is_not_inflated(sound: Path, tmp_path: Path) -> None:
    write_sample(sound, "100")
    (sound / "annotations" / "100_exp.npy").write_bytes(bytes(50_000_000))

    found = read_affectnet(zip_folder(sound, tmp_path / "faces.zip"))

    assert codes(found) == {"annotations/100_exp.npy": "too_large_file"}
