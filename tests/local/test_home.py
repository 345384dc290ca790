"""The folder of an installation: made once, recognised, never mistaken for something else."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from emotion_core.errors import LocalSystemError
from emotion_core.local.home import Home, read_json, write_private_json


def test_a_made_home_is_closed_to_others(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")

    home.make()

    assert home.path.stat().st_mode & 0o777 == 0o700


def test_a_folder_with_other_things_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("chapter 1")

    with pytest.raises(LocalSystemError, match="not empty and was not made by this system"):
        Home(tmp_path).make()

    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(LocalSystemError, match="cannot be made"):
        Home(tmp_path / "file" / "home").make()


def test_a_home_that_was_copied_is_refused(home: Home, tmp_path: Path) -> None:
    copied = Home(tmp_path / "copy")
    copied.path.mkdir()
    for entry in home.path.glob("*.json"):
        (copied.path / entry.name).write_bytes(entry.read_bytes())

    with pytest.raises(LocalSystemError, match="has been moved or copied"):
        copied.make()


def test_a_damaged_marker_is_one_sentence(home: Home) -> None:
    (home.path / "emotion-home.json").write_text("{")

    with pytest.raises(LocalSystemError, match="cannot be read"):
        Home(home.path).make()


def test_a_folder_that_is_not_ours_is_never_removed(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("chapter 1")

    with pytest.raises(LocalSystemError, match="left alone"):
        Home(tmp_path).remove()

    assert (tmp_path / "thesis.txt").exists()


def test_a_home_that_holds_a_repository_is_never_removed(home: Home) -> None:
    (home.path / ".git").mkdir()

    with pytest.raises(LocalSystemError, match="remove it by hand"):
        home.remove()

    assert home.is_made


def test_removing_follows_no_link_out_of_the_home(home: Home, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("chapter 1")
    (home.path / "inbox").symlink_to(tmp_path)

    home.remove()

    assert not home.path.exists()
    assert (tmp_path / "thesis.txt").exists()


def test_homes_at_different_places_have_different_ids(tmp_path: Path) -> None:
    ids = {Home(tmp_path / name / ".emotion").id for name in ("a", "b", "a b", "a/b", "ä" * 80)}

    assert len(ids) == 5


def test_the_lock_is_held_by_one_at_a_time(home: Home) -> None:
    with home.locked() as first, home.locked() as second:
        held = (first, second)

    with home.locked() as afterwards:
        assert (*held, afterwards) == (True, False, True)


def test_the_lock_of_a_killed_process_is_free(home: Home) -> None:
    script = (
        "import os, sys; from pathlib import Path; from emotion_core.local.home import Home\n"
        "with Home(Path(sys.argv[1])).locked() as held:\n"
        "    print(held, flush=True); os.kill(os.getpid(), 9)"
    )

    done = subprocess.run(
        [sys.executable, "-c", script, str(home.path)], capture_output=True, text=True, check=False
    )

    assert (done.stdout, done.returncode) == ("True\n", -9)
    with home.locked() as held:
        assert held


def test_private_files_are_private_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "state.json"

    write_private_json(path, {"password": "x"})
    with pytest.raises(TypeError):
        write_private_json(path, {"password": object()})

    assert path.stat().st_mode & 0o777 == 0o600
    assert read_json(path) == {"password": "x"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.json"]


@pytest.mark.parametrize("text", ["", "[1]", "{", json.dumps("text")])
def test_a_file_that_holds_no_object_reads_as_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(text)

    assert read_json(path) is None
