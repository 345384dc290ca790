"""The words of the field, in code, SQL, templates and docs; and those that we do not write."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOT_OURS = ("tests/test_words.py", "CHANGELOG.md")
"""The list itself, and what says which names are former ones."""
READ = (".py", ".sql", ".html", ".md", ".toml", ".yaml", ".js")

WRITE_INSTEAD = {
    r"collapsed (training|network|model)|training collapses": "degenerate model",
    r"[Dd]oubtful labels?": "likely label errors",
    r"[Nn]umerals?": "number formatting",
    r"[Ss]urely wrong|surest": "confident errors, most confident",
    r"Always the same": "majority / mean baseline",
    r"[Cc]andidacy": "champion or candidate",
    r"class (Notice|Conditions)|comparison\.(notices|conditions)": "warnings, run configuration",
    r"plays safe|too sure of itself|at its word": "overconfident, calibrated, spread",
    r"origin report|the seed report": "the original paper",
    r"ResNet-50|Resnet50|EfficientNetB0|EfficientNet B0": "ResNet50, EfficientNet-B0",
    r"name=\"press\"|\"press\":": "idempotency key",
}
"""What must not be found, as whole words, and what to write instead."""


def texts() -> dict[str, str]:
    """Our files by name, and what stands in them."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    return {
        name: (ROOT / name).read_text(encoding="utf-8")
        for name in listed
        # Applied migrations are never edited.
        if not name.startswith("sql/migrations/")
        and name.endswith(READ)
        and name not in NOT_OURS
        and (ROOT / name).is_file()
    }


def found(word: str, text: str) -> list[str]:
    return [match[0] for match in re.finditer(rf"(?<!\w)(?:{word})(?!\w)", text)]


@pytest.mark.parametrize("word", WRITE_INSTEAD)
def test_a_word_of_ours_stands_nowhere(word: str) -> None:
    where = {name: found(word, text) for name, text in texts().items()}

    assert len(where) > 300
    assert {name: words for name, words in where.items() if words} == {}, WRITE_INSTEAD[word]


def test_a_word_that_stands_somewhere_would_be_found() -> None:
    assert found("candidacy|numerals?", "numerals of a candidacy") == ["numerals", "candidacy"]
    assert found("class Part", "class Particle: ...") == []
