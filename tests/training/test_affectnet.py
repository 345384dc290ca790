"""Reading AffectNet's layout: what is accepted, what is left out, and what stops everything."""

import os
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from factories_data import (
    make_image,
    make_npy,
    npy_with_header,
    write_affectnet,
    write_sample,
)

from emotion_core.errors import DataError
from emotion_core.training.affectnet import read_affectnet
from emotion_core.training.labelled_set import LabelledSet
from emotion_core.vision.images import decode
from emotion_core.vision.preprocessing import Preprocessing


def zip_folder(folder: Path, archive: Path, prefix: str = "") -> Path:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                file.write(path, prefix + path.relative_to(folder).as_posix())
    return archive


def codes(found: LabelledSet) -> dict[str, str]:
    return {exclusion.name: exclusion.code for exclusion in found.exclusions}


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return write_affectnet(tmp_path / "faces")


# --- what is read -----------------------------------------------------------------------------


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


# --- what is left out -------------------------------------------------------------------------


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


# --- what stops everything --------------------------------------------------------------------


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere does not exist"):
        read_affectnet(tmp_path / "nowhere")


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "faces.zip"
    path.write_bytes(b"PK but no archive")

    with pytest.raises(DataError, match="neither a folder nor a readable zip"):
        read_affectnet(path)


@pytest.mark.parametrize(
    ("name", "start", "cause_and_cure"),
    [
        ("faces.zip", b"7z\xbc\xaf\x27\x1c..", "it is a 7z archive: unpack it and give the folder"),
        ("faces.zip", b"Rar!\x1a\x07", "a rar archive: unpack it"),
        ("faces.tar", bytes(257) + b"ustar", "a tar archive: unpack it"),
        ("faces.tgz", b"\x1f\x8b\x08", "a gzip file: unpack it"),
        ("faces.zip", b"", "it is empty; copy or download it again"),
        ("faces.zip", b"\n<!DOCTYPE html>", "a page of the web: download the file itself"),
        ("0.jpg", make_image(0), "a single image: give the folder or zip archive of the whole"),
        ("0.png", make_image(0, suffix="png"), "a single image: give"),
        ("0_exp.npy", make_npy("1"), "a single annotation: give"),
    ],
)
def test_a_file_of_another_kind_is_told_what_it_is_and_what_to_do(
    tmp_path: Path, name: str, start: bytes, cause_and_cure: str
) -> None:
    (tmp_path / name).write_bytes(start)

    with pytest.raises(DataError, match="neither a folder nor a readable zip") as error:
        read_affectnet(tmp_path / name)

    assert cause_and_cure in str(error.value)


def test_an_archive_that_is_cut_short_is_told_so(sound: Path, tmp_path: Path) -> None:
    archive = zip_folder(sound, tmp_path / "faces.zip")
    archive.write_bytes(archive.read_bytes()[:-500])

    with pytest.raises(DataError, match="cut short: copy or download it again"):
        read_affectnet(archive)


def test_a_path_that_leads_into_an_archive_is_told_so(sound: Path, tmp_path: Path) -> None:
    archive = zip_folder(sound, tmp_path / "faces.zip")

    with pytest.raises(DataError, match=r"faces\.zip is a file: give"):
        read_affectnet(archive / "images")


@pytest.mark.parametrize("part", ["images", "annotations"])
def test_half_of_the_layout_is_told_to_give_the_folder_above(sound: Path, part: str) -> None:
    with pytest.raises(DataError) as error:
        read_affectnet(sound / part)

    assert f"the folder of the {part} alone: give the folder above it, {sound}" in str(error.value)


@pytest.mark.parametrize(
    ("names", "cause_and_cure"),
    [
        (["inner.zip"], "holds another archive, inner.zip: unpack faces.zip, then give that one"),
        (["a/inner.tar.gz"], "holds another archive, a/inner.tar.gz: unpack faces.zip"),
        ([], "; it is empty"),
        (["0.jpg", "0_exp.npy"], "images and annotations lie in one folder: divide them into two"),
        (["img/0.jpg", "annotations/0_exp.npy"], "its images lie in img: name their folder images"),
        (["happy/0.jpg", "sad/1.jpg"], "a folder per expression: such a set can be pretraining"),
    ],
)
def test_an_archive_of_another_layout_is_told_what_it_holds_and_what_to_do(
    tmp_path: Path, names: list[str], cause_and_cure: str
) -> None:
    with zipfile.ZipFile(tmp_path / "faces.zip", "w") as archive:
        for name in names:
            archive.writestr(name, b"x")

    with pytest.raises(DataError) as error:
        read_affectnet(tmp_path / "faces.zip")

    assert cause_and_cure in str(error.value)


@pytest.mark.parametrize("suffix", ["webp", "WEBP", "bmp", "gif", "tiff", "heic"])
def test_images_of_a_format_that_is_not_read_are_named_with_the_cure(
    sound: Path, suffix: str
) -> None:
    write_sample(sound, "100", suffix=suffix)
    some = read_affectnet(sound)
    for path in (sound / "images").glob("*.jpg"):
        path.rename(path.with_suffix(f".{suffix}"))

    with pytest.raises(DataError) as error:
        read_affectnet(sound)

    assert codes(some) == {f"images/100.{suffix}": "unsupported_format"}
    cure = f"images/0.{suffix}: .{suffix.lower()} is not read here; convert it to .jpg or .png"
    assert f"17 unsupported_format ({cure}" in str(error.value)


@pytest.mark.parametrize(
    ("method", "called"), [(9, "Deflate64"), (12, "bzip2"), (14, "LZMA"), (93, "Zstandard")]
)
def test_a_compression_that_is_not_read_is_named_in_the_error(
    sound: Path, tmp_path: Path, method: int, called: str
) -> None:
    archive = zip_folder(sound, tmp_path / "faces.zip")
    data = bytearray(archive.read_bytes())
    # The method stands at byte 8 of a file's own header and at byte 10 of the directory's.
    for mark, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        at = data.find(mark)
        while at >= 0:
            data[at + place] = method
            at = data.find(mark, at + 1)
    archive.write_bytes(data)

    with pytest.raises(DataError) as error:
        read_affectnet(archive)

    assert "64 unreadable_file" in str(error.value)
    assert f"compressed by {called}, which is not read here; unpack" in str(error.value)


def test_a_folder_without_images_is_told_the_expected_layout(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"images/<id>\.jpg"):
        read_affectnet(tmp_path)


def test_a_folder_that_holds_the_archive_is_told_so(sound: Path, tmp_path: Path) -> None:
    (tmp_path / "downloads").mkdir()
    zip_folder(sound, tmp_path / "downloads" / "faces.zip")

    with pytest.raises(DataError, match=r"faces\.zip: give the archive's own path"):
        read_affectnet(tmp_path / "downloads")


def test_a_set_of_which_nothing_is_usable_says_what_was_wrong(tmp_path: Path) -> None:
    write_sample(tmp_path, "1", expression=None)

    with pytest.raises(DataError, match="no usable image; found wrong: 1 missing_annotation"):
        read_affectnet(tmp_path)


def test_an_expression_with_a_single_image_stops_the_reading(sound: Path) -> None:
    (sound / "images" / "0.jpg").unlink()

    with pytest.raises(DataError, match="only 1 of Neutral"):
        read_affectnet(sound)


def test_an_encrypted_archive_is_refused_with_advice(sound: Path, tmp_path: Path) -> None:
    archive = zip_folder(sound, tmp_path / "faces.zip")
    data = bytearray(archive.read_bytes())
    directory = data.index(b"PK\x01\x02")
    data[directory + 8] |= 0x1
    archive.write_bytes(data)

    with pytest.raises(DataError, match=r"encrypted .* unpack it"):
        read_affectnet(archive)


# --- the real data set ------------------------------------------------------------------------


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
