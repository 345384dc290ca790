"""Written comparison pages that name single samples: an erasure must find them again."""

import json
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from emotion_core.pages.earlier_pages import EARLIER, FACTS_FILE, PAGE_FILE


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


def _names(facts_file: Path, samples: Collection[tuple[str, str]]) -> bool:
    try:
        facts = json.loads(facts_file.read_text(encoding="utf-8"))
        fingerprints = {run["record"]["dataset_fingerprint"] for run in facts["runs"]}
    except (OSError, ValueError, KeyError, TypeError):
        return True
    named = set(_sample_ids(facts))
    return any(data in fingerprints and sample in named for data, sample in samples)


def _sample_ids(facts: Any) -> Iterator[str]:
    if isinstance(facts, dict):
        if isinstance(facts.get("sample_id"), str):
            yield facts["sample_id"]
        facts = list(facts.values())
    if isinstance(facts, list):
        for part in facts:
            yield from _sample_ids(part)
