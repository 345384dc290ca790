"""What became of a batch: its refusals for the log, and whether there are too many of them."""

import logging
from collections import Counter
from collections.abc import Sequence

from emotion_core.errors import ScoringError
from emotion_core.store.batches import BatchSummary, RefusedFile

log = logging.getLogger(__name__)

LOGGED = 50
"""Refusals named one by one; the others are counted, and all of them are in the tables."""


def report_refusals(refused: Sequence[RefusedFile]) -> None:
    """Write refusals into the log: the first ones by name, all by reason."""
    for file in refused[:LOGGED]:
        log.warning("refused %s: %s %s", file.file, file.meaning, file.detail)
    if len(refused) > LOGGED:
        log.warning("%d refused in all: %s", len(refused), top_reasons(refused))


def check_refused_share(
    summary: BatchSummary, refused: Sequence[RefusedFile], limit: float, minimum: int
) -> None:
    """Fail when more than ``limit`` of a batch, and at least ``minimum`` files, were refused.

    Raises:
        ScoringError: Names counts and the most frequent reasons.
    """
    count = summary.count_rejected + summary.count_quarantined
    if count < minimum or summary.refused_share <= limit:
        return
    quarantined = (
        f" and {summary.count_quarantined:,} set aside" if summary.count_quarantined else ""
    )
    raise ScoringError(
        f"batch {summary.run_key} is closed and {summary.count_done:,} files are published, but "
        f"{summary.count_rejected:,} of {summary.count_found:,} were refused{quarantined} "
        f"({summary.refused_share:.0%}; the limit is {limit:.0%}), mostly {top_reasons(refused)}: "
        "look at the delivery, then `emotion retry` queues them for the next run"
    )


def top_reasons(refused: Sequence[RefusedFile], count: int = 3) -> str:
    """The most frequent reasons with their numbers, as part of a sentence."""
    counted = Counter(file.reason for file in refused).most_common(count)
    return ", ".join(f"{reason} ({number:,})" for reason, number in counted) or "none"
