"""The shell: the same steps, sentences instead of tracebacks."""

import subprocess
import sys

import pytest
from factories import make_arrivals, make_model

from emotion_core.store.batches import enter_files, open_batch
from emotion_core.store.database import Database


def emotion(*arguments: str, url: str | None = None) -> subprocess.CompletedProcess[str]:
    import os

    environment = {**os.environ, "COLUMNS": "200"}
    if url:
        environment["EMOTION_DATABASE_URL"] = url
    return subprocess.run(
        [sys.executable, "-m", "emotion_core.cli", *arguments],
        capture_output=True,
        text=True,
        env=environment,
    )


def test_without_a_database_it_says_what_to_set() -> None:
    result = emotion("batches")

    assert result.returncode == 1
    assert "EMOTION_DATABASE_URL is not set" in result.stderr
    assert "Traceback" not in result.stderr


def test_models_are_listed_and_one_is_promoted(urls: dict[str, str], database: Database) -> None:
    with database.transaction("emotion_train") as connection:
        model = make_model(connection, network="efficientnet_b0")

    promoted = emotion("promote", model.name, "--reason", "a test", url=urls["emotion_app"])
    listed = emotion("models", url=urls["emotion_app"])

    assert promoted.stdout.strip() == f"{model.name} is champion"
    line = next(line for line in listed.stdout.splitlines() if f" {model.name} " in line)
    assert "champion" in line


def test_promoting_what_does_not_exist_names_what_does(urls: dict[str, str]) -> None:
    result = emotion("promote", "resnet50 v999", "--reason", "a test", url=urls["emotion_app"])

    assert result.returncode == 1
    assert "there is no model 'resnet50 v999'; there are:" in result.stderr


@pytest.mark.parametrize("name", [b"[red]loud[/red].jpg", b"\x1b[2Jclear.jpg"])
def test_a_file_name_cannot_paint_the_terminal(
    urls: dict[str, str], database: Database, name: bytes, request: pytest.FixtureRequest
) -> None:
    with database.transaction("emotion_train") as connection:
        model = make_model(connection)
    file = type(make_arrivals(1)[0])(name, 1, 1, None, "unreadable_file", "denied")
    with database.transaction("emotion_score") as connection:
        batch = open_batch(
            connection, run_key=request.node.name, source="/in", model_version_id=model.id
        )
        enter_files(connection, batch, [file])

    result = emotion("refused", request.node.name, url=urls["emotion_app"])

    assert name.decode().replace("\x1b", "?") in result.stdout
    assert "\x1b" not in result.stdout
