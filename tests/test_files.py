"""Files that are complete or absent."""

from pathlib import Path

import pytest

from emotion_core.files import remove_partial, replacing, write_bytes


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")

    with replacing(path) as temporary:
        temporary.write_text("new")
        during = path.read_text()

    assert during == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")

    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_writer_left_can_be_swept_away(tmp_path: Path) -> None:
    write_bytes(tmp_path / "kept", b"whole")
    with replacing(tmp_path / "other") as temporary:
        left = temporary.with_name(temporary.name.replace("other", "lost"))
        left.write_bytes(b"ha")
        temporary.write_bytes(b"whole")

    remove_partial(tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "other"]
