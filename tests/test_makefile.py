"""What is typed after ``make`` reaches the program letter by letter, and no shell runs it."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

NAMES = [
    "Bob's faces.zip",
    'say "cheese".zip',
    "5$ for $HOME $(HOME) $$.zip",
    "a; touch {marker}; b",
    "`touch {marker}` $(shell touch {marker})",
    "-x.zip",
    "two\nlines.zip",
    "a#b%c\\d&e|f*g?.zip",
]


def make(tmp_path: Path, target: str, **variables: str) -> list[str]:
    """The words that a target hands to its program, which only writes them down."""
    program = tmp_path / "program"
    program.write_text('#!/bin/sh\nprintf "%s\\0" "$@" >"$WORDS"\n')
    program.chmod(0o755)
    done = subprocess.run(
        ["make", "-s", "-o", "install", target, f"LOCAL={program}"]
        + [f"{name}={value}" for name, value in variables.items()],
        cwd=ROOT,
        env=os.environ | {"WORDS": str(tmp_path / "words")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return (tmp_path / "words").read_text().split("\0")[:-1]


@pytest.mark.parametrize("name", NAMES)
def test_a_value_arrives_as_it_was_typed(tmp_path: Path, name: str) -> None:
    marker = tmp_path / "marker"
    value = name.format(marker=marker) if "{marker}" in name else name

    demo = make(tmp_path, "demo", DATA=value, PORT=value, EXIT="1")
    up = make(tmp_path, "up", PORT=value)
    psql = make(tmp_path, "psql", SQL=value)

    assert demo == ["demo", f"--data={value}", f"--port={value}", "--exit"]
    assert up == ["up", f"--port={value}"]
    assert psql == ["psql", f"--command={value}"]
    assert not marker.exists()


def test_words_are_told_apart_by_quotes_and_run_by_nobody(tmp_path: Path) -> None:
    words = 'promote "resnet50 v1" --reason "it costs $5; `date` $(HOME)" ~/faces'

    assert make(tmp_path, "emotion", ARGS=words) == [
        *("emotion", "promote", "resnet50 v1"),
        *("--reason", "it costs $5; `date` $(HOME)", str(Path("~/faces").expanduser())),
    ]
    assert make(tmp_path, "emotion") == ["emotion"]


def test_a_quote_that_is_left_open_is_one_sentence() -> None:
    done = subprocess.run(
        ["make", "-s", "-o", "install", "emotion", "ARGS=score Bob's faces"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert done.returncode != 0
    assert done.stderr.startswith(
        'error: ARGS is "score Bob\'s faces": No closing quotation; put quotes around such a word'
    )


def test_no_recipe_writes_a_users_value_into_a_command() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (declared,) = [line for line in makefile.splitlines() if line.startswith("$(foreach name,")]
    names = declared.removeprefix("$(foreach name,").rstrip(",\\").split(",")[0].split()
    recipes = [line for line in makefile.splitlines() if line.startswith("\t@")]

    assert len(names) == 14
    for line in recipes:
        for name in names:
            assert f"$({name})" not in line, line
