"""What stops the reading of a data set, and the sentence that says what to do."""

import zipfile
from pathlib import Path

import pytest
from factories_data import (
    codes,
    make_image,
    make_npy,
    write_sample,
    zip_folder,
)

from emotion_core.errors import DataError
from emotion_core.training.affectnet import read_affectnet


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
