"""The shell: the same steps, sentences instead of tracebacks."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from comparison_factory import train_two
from factories import make_jpeg, make_model
from shells import Answer, emotion
from sqlalchemy import text
from typer.main import get_command

from emotion_core.cli import app
from emotion_core.settings import Settings
from emotion_core.steps import scoring
from emotion_core.steps.installation import Installation
from emotion_core.store.batches import (
    ArrivedFile,
    HeldFolder,
    close_batch,
    enter_files,
    open_batch,
    record_intake,
)
from emotion_core.store.database import Database

Tell = Callable[..., Answer]


@pytest.fixture
def tell(urls: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Tell:
    """``emotion …`` on the test database, with a home of the test's own."""
    own = tmp_path_factory.mktemp("home")

    def answer(*arguments: str, home: Path = own) -> Answer:
        given = {"EMOTION_DATABASE_URL": urls["emotion_app"], "EMOTION_HOME": str(home)}
        told = emotion(*arguments, **given)
        assert "Traceback" not in told.stderr
        return told

    return answer


def test_without_a_database_it_says_what_to_set() -> None:
    result = emotion("batches")

    assert result.returncode == 1
    assert "EMOTION_DATABASE_URL is not set" in result.stderr


MakeBatch = Callable[..., str]


@pytest.fixture
def make_batch(database: Database, request: pytest.FixtureRequest) -> MakeBatch:
    """A closed batch of refused files, and a folder that waits; returns its run key."""

    def make(names: Sequence[bytes], reason: str, detail: str) -> str:
        run_key = request.node.name
        with database.transaction("emotion_train") as connection:
            model = make_model(connection)
        files = [ArrivedFile(name, 1, n, None, reason, detail) for n, name in enumerate(names)]
        held = [HeldFolder(b"half", "manifest_missing", 3, "3 of 9 files, for example x.jpg")]
        with database.transaction("emotion_score") as connection:
            batch = open_batch(
                connection, run_key=run_key, source=f"/in/{run_key}", model_version_id=model.id
            )
            enter_files(connection, batch, files)
            record_intake(connection, batch.id, count_ignored=4, count_unsettled=5, held=held)
            assert close_batch(connection, batch.id)
        return run_key

    return make


@pytest.fixture
def refusing_batch(make_batch: MakeBatch) -> str:
    return make_batch([b"1.jpg", b"2.jpg"], "hard_link", "2 names")


@pytest.mark.parametrize("name", [b"[red]loud[/red].jpg", b"\x1b[2Jclear.jpg"])
def test_a_file_name_cannot_paint_the_terminal(
    tell: Tell, make_batch: MakeBatch, name: bytes
) -> None:
    result = tell("refused", make_batch([name], "unreadable_file", "denied"))

    assert name.decode().replace("\x1b", "?") in result.stdout
    assert "\x1b" not in result.stdout


def test_a_batch_is_shown_with_its_counts_reasons_and_what_waits(
    tell: Tell, refusing_batch: str
) -> None:
    shown = tell("batches", "show", refusing_batch)
    listed = tell("batches", "--limit", "1000")

    assert shown.returncode == 0, shown.stderr
    lines = {line.split("│")[1].strip(): line for line in shown.stdout.splitlines() if "│" in line}
    assert "2 (100.0% with quarantined)" in lines["refused"]
    assert " 5 " in lines["still being written"] and " 4 " in lines["ignored names"]
    assert " 2 " in lines["hard_link"] and "Deliver a copy" in lines["hard_link"]
    assert "3 of 9 files" in lines["half"] and "manifest_missing" in lines["half"]
    assert refusing_batch[:40] in listed.stdout


def test_refused_files_are_retried_once(tell: Tell, refusing_batch: str) -> None:
    first = tell("retry", "--reason", "hard_link", "--batch", refusing_batch)
    second = tell("retry", "--reason", "hard_link", "--batch", refusing_batch)
    told = tell("refused", refusing_batch)

    assert first.stdout.strip() == "the next run tries 2 files again"
    assert second.stdout.strip() == "nothing to try again"
    assert told.stdout.count("the next batch") == 2


def numbers() -> list[tuple[str, str, Any]]:
    """Command, parameter and bounds of every number that the shell takes."""

    def of(command: Any, name: str) -> Iterator[tuple[str, str, Any]]:
        for parameter in command.params:
            if {"int", "float"} & set(
                re.findall(r"\w+", str(parameter.type_descriptor.annotation))
            ):
                yield name, parameter.opts[-1], parameter
        for child in getattr(command, "commands", {}).values():
            yield from of(child, f"{name} {child.name}".strip())

    return list(of(get_command(app), ""))


def test_every_number_has_a_least_and_a_most() -> None:
    found = numbers()

    assert len(found) >= 15
    assert [name for name in found if None in (name[2].min, name[2].max)] == []


@pytest.mark.parametrize("value", ["-1", "1" + 20 * "0", "nan", "inf", "-inf", "many", ""])
@pytest.mark.parametrize(
    "arguments",
    [
        *(f"{command} --limit" for command in ("batches", "runs", "erasures", "models history")),
        *(f"score . {option}" for option in ("--limit",)),
        *(f"models check m {option}" for option in ("--alpha", "--minimum-images")),
        *(f"rescore {option}" for option in ("--images-per-second", "--most-images")),
        *(
            f"train . --{name}"
            for name in ("epochs", "batch-size", "learning-rate", "seed", "pretraining-epochs")
        ),
        "hold lift",
    ],
)
def test_a_number_that_cannot_be_is_a_wrong_command_line(
    tell: Tell, arguments: str, value: str
) -> None:
    option = arguments.split()[-1]
    given = [*arguments.split()[:-1], f"{option}={value}"] if "--" in option else []

    told = tell(*(given or [*arguments.split(), value]))

    assert told.returncode == 2
    assert "Invalid value" in told.stderr or "No such option" in told.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("refused", "\udcff"), 1, "bytes that are not UTF-8"),
        (("hold", "place", "--reason", "\udcff", "--source", "x"), 1, "not UTF-8"),
        (("retention", "set", "audit", "9" * 5000), 1, "is no number of days"),
        (("retention", "set", "audit", "1e3"), 1, "is no number of days"),
        (("retention", "set", "audit", "36501"), 1, "give 1 to 36,500"),
        (("hold", "lift", "999999"), 1, "no hold 999999 stands"),
        (("tombstones", "/proc/1/no"), 1, "/proc/1/no cannot be written"),
        (("tombstones", "/"), 1, "Is a directory"),
        (("erase", "--replay", "--tombstones", "/no/file"), 1, "no file of tombstones /no/file"),
        (("erase", "--finish", "--content", "ab"), 1, "name one of --content, --file"),
        (("promote", "nobody", "--reason", "x"), 1, "there is no model 'nobody'"),
        (("challenge", "nobody", "--reason", "x"), 1, "there is no model 'nobody'"),
        (("retry", "--reason", "bad_luck"), 1, "there is no reason 'bad_luck'; there are: "),
        (("retry", "--reason", "truncated", "--batch", "x"), 1, "there is no batch 'x'"),
        (("batches", "show", "x"), 1, "there is no batch 'x'"),
        (("refused", "x"), 1, "there is no batch 'x'"),
        (("score", "/no/such/picture.jpg"), 1, "there is no file or folder '/no/such/picture.jpg'"),
        (("score", ""), 1, "'' names no place: it is empty"),
        (("score", " "), 1, "' ' names no place: it is empty"),
        (("score", "~"), 1, "there is no file or folder '~'"),
        (("score", "/no/such/*.jpg"), 1, "there is no file or folder '/no/such/*.jpg'"),
        (("score", "file:///tmp"), 1, "an address is written s3://bucket/folder"),
        (("source", "set", "s3:/b", "--purpose", "research"), 1, "an address is written"),
        (("score", ".", "--model", "resnet50 v999"), 1, "there is no model 'resnet50 v999'"),
        (("report",), 1, "name one of three"),
        (("report", "x", "--runs", "y"), 1, "name one of three"),
        (("report", "--runs", "nobody"), 1, "no training run and no model 'nobody'"),
        (("report", "x", "--made-at", "noon"), 1, "'noon' is not a time"),
        (("report", "x", "--made-at", "2026-11-22T19:36:00"), 1, "names no time zone"),
        (("report", "nothing"), 1, "there is no training run of 'nothing'"),
        (("report", "--batch", "nothing"), 1, "there is no batch 'nothing'"),
        (("report", "x", "--made-at", "0001-01-01T00:00:00+14:00"), 1, "the years 1 to 9999"),
        (("export", "--since", "2026-02-30", "--to", "csv", "--out", "/x"), 2, "does not match"),
        (("db", "migrate"), 1, "the database refused: permission denied"),
    ],
)
def test_bad_input_is_one_sentence_and_its_exit_code(
    tell: Tell, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    told = tell(*arguments)

    assert told.returncode == code
    assert sentence in " ".join(told.stderr.split())


def test_a_user_without_a_name_is_its_number(
    tell: Tell, refusing_batch: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54_321)

    done = tell("retry", "--reason", "hard_link", "--batch", refusing_batch)

    assert done.stdout.startswith("the next run tries 2 files")
    with database.transaction("emotion_report") as connection:
        asked = text("SELECT requested_by FROM refusal_retry ORDER BY requested_at DESC LIMIT 1")
        assert connection.execute(asked).scalar() == "54321"


def test_a_home_that_may_not_be_written_to_is_a_sentence(tell: Tell) -> None:
    told = tell("erase", "--finish", home=Path("/proc/nobody"))

    assert told.returncode == 1
    assert "/proc/nobody" in told.stderr and "EMOTION_ERASURE_KEY" in told.stderr


def test_a_folder_and_then_one_of_its_files_are_scored_at_once(
    tell: Tell, database: Database, tmp_path: Path
) -> None:
    network = "efficientnet_b0"
    with database.transaction("emotion_train") as connection:
        model = make_model(connection, network=network, folder=store_network(tmp_path, network))
        other = make_model(connection, network=network, folder=tmp_path / "model")
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    (pictures / "a.jpg").write_bytes(make_jpeg((5, 200, 5)))
    (pictures / "b.jpg").write_bytes(make_jpeg((5, 5, 200)))
    (pictures / "letter.jpg").write_bytes(b"Dear sir or madam")

    folder = tell("score", str(pictures), "--model", model.name)
    again = tell("score", str(pictures / "b.jpg"), "--model", model.name)
    by_other = tell("score", str(pictures / "b.jpg"), "--model", other.name)

    assert folder.returncode == again.returncode == by_other.returncode == 0, (
        folder.stderr + again.stderr + by_other.stderr
    )
    assert "not_an_image" in folder.stdout
    assert folder.stdout.count(".jpg") == 3
    (line,) = [line for line in folder.stdout.splitlines() if "b.jpg" in line]
    assert line.split()[1:] == scores_of_b(again.stdout)[1:] == scores_of_b(by_other.stdout)[1:]
    assert again.stdout.count(".jpg") == 1


def scores_of_b(printed: str) -> list[str]:
    return next(line for line in printed.splitlines() if "b.jpg" in line).split()


def test_a_folder_is_one_source_however_it_is_spelt(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d/e").mkdir(parents=True)
    (tmp_path / "d/a.jpg").write_bytes(make_jpeg())
    (tmp_path / "link").symlink_to(tmp_path / "d")
    here = Installation(settings)
    spelt = (
        str(tmp_path / "d"),
        "d",
        "./d/",
        "d/../d",
        "d/e/..",
        "link",
        "link/../d",
        "//" + str(tmp_path / "d"),
    )

    assert {scoring.place_to_score(here, written) for written in spelt} == {
        (str(tmp_path / "d"), None)
    }
    assert {scoring.place_to_score(here, f"{written}/a.jpg") for written in spelt} == {
        (str(tmp_path / "d"), b"a.jpg")
    }


@pytest.mark.parametrize("name", ["a\udcff.jpg", "$HOME.jpg", "~", " a ", "s3:", "*.jpg"])
def test_a_file_that_is_there_is_meant_whatever_its_name_looks_like(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(make_jpeg())

    assert scoring.place_to_score(Installation(settings), name) == (
        str(tmp_path),
        os.fsencode(name),
    )


def test_a_folder_with_nothing_in_it_is_a_sentence(
    tell: Tell, database: Database, tmp_path: Path
) -> None:
    with database.transaction("emotion_train") as connection:
        model = make_model(connection)

    result = tell("score", str(tmp_path), "--model", model.name)

    assert result.returncode == 1
    assert f"there is nothing to score in {tmp_path}" in result.stderr


def test_a_folder_that_waits_for_its_manifest_says_so_and_fails(
    tell: Tell, database: Database, tmp_path: Path
) -> None:
    with database.transaction("emotion_train") as connection:
        model = make_model(connection)
    (tmp_path / "manifest.csv").write_text("path,size\nmissing.jpg,9\n")

    result = tell("score", str(tmp_path), "--model", model.name)

    assert result.returncode == 1
    assert "it waits for its manifest" in result.stderr
    assert "manifest_missing" in result.stdout and "missing.jpg" in result.stdout


def store_network(folder: Path, network: str) -> Path:
    """A network with random weights, as training stores it."""
    import torch

    from emotion_core.vision.checkpoint import save_model
    from emotion_core.vision.description import ModelDescription
    from emotion_core.vision.network import build_network
    from emotion_core.vision.preprocessing import Preprocessing

    torch.manual_seed(3)
    stored = folder / "model"
    stored.mkdir()
    save_model(
        stored,
        build_network(network),
        ModelDescription(network, Preprocessing(image_size=32)),
    )
    return stored


def test_any_runs_are_reported_at_a_given_time(
    tell: Tell, database: Database, tmp_path: Path
) -> None:
    train_two(database, "cli-1")

    result = tell(
        *("report", "--runs", "cli-1/resnet50", "--runs", "cli-1/efficientnet_b0"),
        *("--made-at", "2026-11-22T19:36:00+00:00"),
        home=tmp_path,
    )

    assert result.returncode == 0, result.stderr
    page = Path(result.stdout.strip())
    assert page.is_relative_to(tmp_path)
    assert "22 November 2026, 19:36 UTC" in page.read_text(encoding="utf-8")
