"""The Makefile's commands: expected troubles are one sentence, and nothing is touched in vain."""

import errno
import os
import zipfile
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from emotion_core.errors import LocalSystemError
from emotion_core.local import __main__ as commands
from emotion_core.local import postgres_place
from emotion_core.local.home import Home
from emotion_core.local.instance import State
from emotion_core.store.address import psql_address


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home that was not made yet, as the environment names it."""
    monkeypatch.setenv("EMOTION_HOME", str(tmp_path / "home"))
    return Home(tmp_path / "home")


def said(captured: pytest.CaptureFixture[str]) -> str:
    """Standard output and error, as one line."""
    streams = captured.readouterr()
    return " ".join((streams.out + streams.err).split())


def test_data_that_is_not_there_is_refused_before_anything_starts(
    empty: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    code = commands.main(["demo", "--data", "no/such/set.zip"])

    assert code == 1
    assert "error: DATA=no/such/set.zip: there is no /" in said(capsys)
    assert not empty.path.exists()


def test_data_that_is_neither_folder_nor_zip_is_refused(
    empty: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "set.rar").write_bytes(b"Rar!")

    code = commands.main(["demo", "--data", str(tmp_path / "set.rar")])

    assert code == 1
    assert "neither a folder nor a zip file" in said(capsys)
    assert not empty.path.exists()


def test_data_may_be_a_zip_with_a_relative_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from emotion_core.local.demo import existing_data

    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile("set.zip", "w") as archive:
        archive.writestr("a", "b")

    assert existing_data("set.zip") == tmp_path / "set.zip"


@pytest.mark.parametrize("port", ["eighty", "-1", "8080.5"])
def test_a_port_that_is_no_number_is_one_sentence(
    empty: Home, capsys: pytest.CaptureFixture[str], port: str
) -> None:
    code = commands.main(["up", f"--port={port}"])

    assert code == 1
    assert f"PORT is '{port}'; use a number from 1 to 65535" in said(capsys)
    assert not empty.path.exists()


def test_a_demo_that_exits_stops_what_it_started(
    empty: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    system = MagicMock()
    monkeypatch.setattr(commands, "Instance", system.instance)
    monkeypatch.setattr(commands, "Guardian", MagicMock())
    monkeypatch.setattr("emotion_core.local.demo.Demo", system.demo)
    monkeypatch.setattr("emotion_core.local.demo_weights.WeightsCheck", MagicMock())

    assert commands.main(["demo", "--exit", "--port=8123"]) == 0

    done = [name for name, *_ in system.mock_calls]
    assert done[1:] == ["instance().start", "demo", "demo().run", "instance().stop"]
    assert "ending as asked" in said(capsys)


def test_stopping_what_never_ran_is_fine(empty: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["down"]) == 0

    assert "nothing runs here" in said(capsys)
    assert not empty.path.exists()


def test_looking_around_needs_something_that_runs(
    empty: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.main(["psql"]) == 1

    assert "nothing runs here; start it with `make up`" in said(capsys)


def test_cleaning_removes_the_home_and_can_be_repeated(
    empty: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    empty.make()
    (empty.path / "runs").mkdir()
    (empty.path / "runs" / "weights.safetensors").touch()

    codes = [commands.main(["clean"]), commands.main(["clean"])]

    assert codes == [0, 0]
    assert not empty.path.exists()
    assert "kept .venv" in said(capsys)


def test_cleaning_leaves_a_folder_alone_that_is_not_ours(
    empty: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    empty.path.mkdir()
    (empty.path / "thesis.txt").write_text("chapter 1")

    assert commands.main(["clean"]) == 1

    assert "left alone" in said(capsys)
    assert (empty.path / "thesis.txt").exists()


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EACCES, "may not be read or written by this user"),
        (errno.EROFS, "cannot be written to"),
        (errno.ENOMEM, "no room for more"),
    ],
)
def test_what_the_machine_refuses_has_a_sentence(empty: Home, number: int, words: str) -> None:
    sentence = commands.sentence(OSError(number, "refused", "/some/folder"))

    assert sentence is not None
    assert words in sentence
    if number != errno.ENOMEM:
        assert "/some/folder" in sentence


def test_what_should_not_happen_keeps_its_traceback() -> None:
    assert commands.sentence(OSError(errno.EBADF, "refused")) is None


def test_the_shells_command_needs_something_that_runs(
    empty: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.main(["emotion", "runs"]) == 1

    assert "nothing runs here; start it with `make up`" in said(capsys)


def test_psql_on_a_server_of_the_users_own_shows_no_password_in_the_process_list(
    empty: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "postgresql+psycopg2://me:hunter2@h/db?sslmode=require"
    state = State("http://x", address, ("psql", psql_address(address, "x")[0]), None, "")
    monkeypatch.setattr(State, "read", lambda home: state)
    run: list[tuple[list[str], dict[str, str]]] = []

    def replace_process(name: str, command: list[str], environment: dict[str, str]) -> None:
        run.append((command, environment))
        raise SystemExit

    monkeypatch.setattr(os, "execvpe", replace_process)

    with pytest.raises(SystemExit):
        commands.main(["psql"])

    ((command, environment),) = run
    assert "dbname=db" in command[1] and "sslmode=require" in command[1]
    assert "hunter2" not in " ".join(command)
    assert environment["PGPASSWORD"] == "hunter2"


def test_the_embedded_server_is_refused_to_a_user_without_a_name_before_anything_is_made(
    empty: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty.make()
    monkeypatch.setattr(os, "geteuid", lambda: 54_321)

    with pytest.raises(LocalSystemError, match=r"user with id 54321, whom /etc/passwd does not"):
        postgres_place.prepare(empty)


@pytest.mark.parametrize("user", ["~", "~nobody-of-that-name"])
def test_a_data_path_in_the_home_of_nobody_is_a_sentence(
    empty: Home, user: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os, "getuid", lambda: 54_321)

    assert commands.main(["demo", "--data", f"{user}/set.zip"]) == 1

    assert "that user has no home folder" in said(capsys)
