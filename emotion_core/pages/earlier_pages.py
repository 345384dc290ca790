"""Pages whose place a newer one of the same runs took: kept, so that every figure stays shown."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from emotion_core.files import replacing

PAGE_FILE: Final = "comparison.html"
FACTS_FILE: Final = "comparison.json"
EARLIER: Final = "earlier"
"""Folder beside a page, with a folder for each earlier one, named by the time it was made."""


def keep_earlier(folder: Path, page: str) -> Path | None:
    """Copy what stands in a report's folder aside, if another page is about to take its place.

    Args:
        folder: Of the report; may hold nothing yet.
        page: The page to come.

    Returns:
        Where the earlier page now is; None when there was none, or just this one.
    """
    present, facts = folder / PAGE_FILE, folder / FACTS_FILE
    if not present.is_file() or present.read_bytes() == page.encode("utf-8"):
        return None
    kept = folder / EARLIER / _made_at(facts, present)
    kept.mkdir(parents=True, exist_ok=True)
    for path in (present, facts):
        if path.is_file():
            with replacing(kept / path.name) as copy:
                shutil.copyfile(path, copy)
    return kept


def earlier_pages(folder: Path) -> list[Path]:
    """The earlier pages of a report, newest first."""
    return sorted((folder / EARLIER).glob(f"*/{PAGE_FILE}"), reverse=True)


def _made_at(facts: Path, page: Path) -> str:
    """When a page was made, as a folder's name; of facts that cannot be read, the file's time."""
    try:
        moment = datetime.fromisoformat(json.loads(facts.read_text(encoding="utf-8"))["made_at"])
    except (OSError, ValueError, KeyError, TypeError):
        moment = datetime.fromtimestamp(page.stat().st_mtime, UTC)
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
