"""The words of the field, in code, SQL, templates and docs; and those that we do not write."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOT_OURS = ("test_words.py", "CHANGELOG.md")
"""The list itself, and what says which names are former ones."""
READ = (".py", ".sql", ".html", ".md", ".toml", ".yaml", ".js")

FOLDERS = (
    "benchmarks",
    "dags",
    "deploy",
    "docs",
    "emotion_core",
    "experiments",
    "plugins",
    "reports",
    "scripts",
    "sql",
    "tests",
)

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
    r"[Bb]elts?|[Pp]arcels?": "bounded queue, item",
    r"class (Holding|Peers|Part|Pace)": "lease keeper, distributed context, split, micro-batch",
    r"golden answers?|stored answers": "golden outputs",
    r"(take|takes|taken|taking|took) in|taken_in": "ingest",
    r"(put|puts) back": "retry",
    r"newest look|held against|(is|are) told (of|about|when)": "latest check, compared with, alert",
    r"name=\"press\"|\"press\":": "idempotency key",
}
"""What must not be found, as whole words, and what to write instead."""


def texts() -> dict[str, str]:
    """Our files by name, and what stands in them; applied migrations are never edited."""
    paths = [*ROOT.glob("*.md"), *(path for name in FOLDERS for path in (ROOT / name).rglob("*"))]
    return {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
        for path in paths
        if path.suffix in READ and "migrations" not in path.parts and path.name not in NOT_OURS
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
