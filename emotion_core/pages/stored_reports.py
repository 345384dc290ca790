"""Reports as files: what a newer one replaces is kept, what names an erased sample is found."""

import json
import shutil
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from emotion_core.files import replacing

PAGE_FILE: Final = "comparison.html"
FACTS_FILE: Final = "comparison.json"
EARLIER: Final = "earlier"
"""Folder beside a page, with a folder for each earlier one, named by the time it was made."""


def keep_earlier(folder: Path, page: str) -> None:
    """Copy the report in a folder aside, if another page is about to take its place.

    Args:
        folder: Of the report; may hold nothing yet.
        page: The page to come.
    """
    present, facts = folder / PAGE_FILE, folder / FACTS_FILE
    if not present.is_file() or present.read_bytes() == page.encode("utf-8"):
        return
    kept = folder / EARLIER / _made_at(facts, present)
    kept.mkdir(parents=True, exist_ok=True)
    for path in (present, facts):
        if path.is_file():
            with replacing(kept / path.name) as copy:
                shutil.copyfile(path, copy)


def earlier_pages(folder: Path) -> list[Path]:
    """The earlier pages of a report, newest first."""
    return sorted((folder / EARLIER).glob(f"*/{PAGE_FILE}"), reverse=True)


def pages_naming(reports: Path, samples: Collection[tuple[str, str]]) -> list[Path]:
    """Folders of the pages, earlier ones too, that name one of these samples.

    A page shows single images as ids, or as pictures if they were asked for; the facts beside it
    hold the same ids. A page whose facts cannot be read counts as naming them.

    Args:
        reports: The folder of all reports; need not exist.
        samples: (fingerprint of the data set, sample id) each.
    """
    if not samples:
        return []
    pages = [*reports.glob(f"*/{PAGE_FILE}"), *reports.glob(f"*/{EARLIER}/*/{PAGE_FILE}")]
    return [page.parent for page in sorted(pages) if _names(page.with_name(FACTS_FILE), samples)]


def remove_page(folder: Path) -> None:
    """Remove a page and its facts; an earlier page goes with its folder.

    Raises:
        OSError: They cannot be removed.
    """
    if folder.parent.name == EARLIER:
        shutil.rmtree(folder)
    else:
        for name in (PAGE_FILE, FACTS_FILE):
            (folder / name).unlink(missing_ok=True)


def _made_at(facts: Path, page: Path) -> str:
    """When a page was made, as a folder's name; of facts that cannot be read, the file's time."""
    try:
        moment = datetime.fromisoformat(json.loads(facts.read_text(encoding="utf-8"))["made_at"])
    except (OSError, ValueError, KeyError, TypeError):
        moment = datetime.fromtimestamp(page.stat().st_mtime, UTC)
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ")


def _names(facts_file: Path, samples: Collection[tuple[str, str]]) -> bool:
    try:
        facts = json.loads(facts_file.read_text(encoding="utf-8"))
        if not (named := set(_sample_ids(facts))):
            return False  # as the page of an experiment
        fingerprints = {run["record"]["dataset_fingerprint"] for run in facts["runs"]}
    except (OSError, ValueError, KeyError, TypeError):
        return True
    return any(data in fingerprints and sample in named for data, sample in samples)


def _sample_ids(facts: Any) -> Iterator[str]:
    if isinstance(facts, dict):
        if isinstance(facts.get("sample_id"), str):
            yield facts["sample_id"]
        facts = list(facts.values())
    if isinstance(facts, list):
        for part in facts:
            yield from _sample_ids(part)
