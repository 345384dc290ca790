"""``emotion report``: a run, any runs, a night; wrong asking is one sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from comparison_factory import train_two

from emotion_core.store.database import Database


def report(url: str, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "emotion_core.cli", "report", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "EMOTION_DATABASE_URL": url, "EMOTION_HOME": str(home)},
    )


def test_any_runs_are_reported_at_a_given_time(
    urls: dict[str, str], database: Database, tmp_path: Path
) -> None:
    train_two(database, "cli-1")

    result = report(
        urls["emotion_app"],
        tmp_path,
        *("--runs", "cli-1/resnet50", "--runs", "cli-1/efficientnet_b0"),
        *("--made-at", "2026-11-22T19:36:00+00:00"),
    )

    assert result.returncode == 0, result.stderr
    page = Path(result.stdout.strip())
    assert page.is_relative_to(tmp_path)
    assert "22 November 2026, 19:36 UTC" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "name one of three"),
        (("x", "--runs", "y"), "name one of three"),
        (("nobody",), "there is no training run of 'nobody'"),
        (("--runs", "nobody"), "no training run and no model 'nobody'"),
        (("--batch", "nobody"), "there is no batch 'nobody'"),
        (("x", "--made-at", "noon"), "'noon' is not a time"),
        (("x", "--made-at", "2026-11-22T19:36:00"), "names no time zone"),
    ],
)
def test_wrong_asking_is_one_sentence(
    urls: dict[str, str], tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    result = report(urls["emotion_app"], tmp_path, *arguments)

    assert result.returncode == 1
    assert sentence in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
