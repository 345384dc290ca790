"""The inbox: only what has arrived whole is taken in, and nothing but regular files is opened."""

import os
import time
from pathlib import Path

import pytest
from factories import make_jpeg

from emotion_core.errors import ScoringError
from emotion_core.scoring.inbox import FoundFile, Scan, read_arrived


def scan(root: Path, settle_seconds: float = 60) -> tuple[dict[bytes, FoundFile], Scan]:
    looked = Scan(root, now_ns=time.time_ns(), settle_seconds=settle_seconds)
    return {found.path: found for found in looked.files()}, looked


def test_a_folder_with_its_success_marker_has_arrived(tmp_path: Path) -> None:
    (tmp_path / "night/deep").mkdir(parents=True)
    (tmp_path / "night/_SUCCESS").touch()
    (tmp_path / "night/a.jpg").write_bytes(make_jpeg())
    (tmp_path / "night/deep/b.jpg").write_bytes(make_jpeg())

    files, looked = scan(tmp_path)

    assert set(files) == {b"night/a.jpg", b"night/deep/b.jpg"}
    assert looked.count_ignored == 1


def test_without_a_marker_a_file_waits_until_it_was_left_alone_for_a_while(tmp_path: Path) -> None:
    for name, age in (("old.jpg", 3600), ("new.jpg", 0)):
        (tmp_path / name).write_bytes(make_jpeg())
        os.utime(tmp_path / name, (time.time() - age, time.time() - age))

    files, looked = scan(tmp_path)

    assert set(files) == {b"old.jpg"}
    assert looked.count_unsettled == 1


def test_unfinished_copies_and_hidden_files_are_ignored_and_counted(tmp_path: Path) -> None:
    for name in (".hidden.jpg", "a.jpg.tmp", "b.jpg.part", "_SUCCESS"):
        (tmp_path / name).write_bytes(b"x")

    files, looked = scan(tmp_path)

    assert (files, looked.count_ignored) == ({}, 4)


def test_names_are_bytes_whatever_they_hold(tmp_path: Path) -> None:
    names = [b"quo\"te\n line'.jpg", b"\xff\xfe not utf-8.jpg", "Ünïcode 😀.jpg".encode()]
    for name in names:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(make_jpeg())
    (tmp_path / "_SUCCESS").touch()

    files, _ = scan(tmp_path)

    assert set(files) == set(names)
    for found in files.values():
        arrived = read_arrived(tmp_path, found)
        assert arrived is not None and arrived.sha256 is not None


def test_links_and_pipes_are_refused_without_being_opened(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("not for scoring")
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "_SUCCESS").touch()
    (inbox / "link.jpg").symlink_to(secret)
    os.mkfifo(inbox / "pipe.jpg")

    files, _ = scan(inbox)
    codes = {path: read_arrived(inbox, found) for path, found in files.items()}

    assert {path: a and a.code for path, a in codes.items()} == {
        b"link.jpg": "not_a_regular_file",
        b"pipe.jpg": "not_a_regular_file",
    }


def test_a_link_to_a_folder_is_not_walked_into(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/a.jpg").write_bytes(make_jpeg())
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox/way_out").symlink_to(tmp_path / "outside")
    (tmp_path / "inbox/_SUCCESS").touch()

    files, _ = scan(tmp_path / "inbox")

    assert set(files) == {b"way_out"}
    assert files[b"way_out"].problem == "not_a_regular_file"


def test_a_file_that_changes_while_it_is_read_waits_for_the_next_time(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(make_jpeg())
    files, _ = scan(tmp_path, settle_seconds=0)

    (tmp_path / "a.jpg").write_bytes(make_jpeg() + b"more")

    assert read_arrived(tmp_path, files[b"a.jpg"]) is None


def test_a_file_that_vanished_is_a_refusal_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(make_jpeg())
    files, _ = scan(tmp_path, settle_seconds=0)

    (tmp_path / "a.jpg").unlink()

    arrived = read_arrived(tmp_path, files[b"a.jpg"])
    assert arrived is not None and arrived.code == "unreadable_file"


def test_an_inbox_that_is_no_folder_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ScoringError, match="is not a folder"):
        scan(tmp_path / "nowhere")
