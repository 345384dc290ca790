"""What became of a batch: its refusals for the log, and whether there are too many of them."""

import logging
from collections import Counter
from collections.abc import Sequence

from emotion_core.errors import ScoringError
from emotion_core.store.batches import (
    BatchSummary,
    RefusedFile,
    batch_by_key,
    batch_summary,
    close_batch,
    refused_files,
)
from emotion_core.store.database import Database

log = logging.getLogger(__name__)

LOGGED = 50
"""Refusals named one by one; the others are counted, and all of them are in the tables."""


def close(
    database: Database, run_key: str, refused_share_limit: float, refused_minimum: int
) -> BatchSummary:
    """Close a batch whose counts add up and say in the log what was refused.

    Args:
        database: The ledger.
        run_key: The batch.
        refused_share_limit: 0 to 1; see :func:`check_refused_share`.
        refused_minimum: With fewer refusals than this the share says nothing.

    Raises:
        ScoringError: Something of it still waits; or it is closed but too much was refused.
    """
    with database.transaction("emotion_score") as connection:
        close_batch(connection, batch_by_key(connection, run_key).id)
    with database.transaction("emotion_report") as connection:
        summary = batch_summary(connection, run_key)
        refused = refused_files(connection, run_key)
    assert summary is not None  # noqa: S101  - it was found above
    report_refusals(refused)
    if not summary.is_closed:
        raise ScoringError(
            f"batch {run_key} cannot close: {summary.count_left} of {summary.count_found} "
            "files still wait for a worker"
        )
    check_refused_share(summary, refused, refused_share_limit, refused_minimum)
    return summary


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
        "look at the delivery, then `emotion retry` puts them back"
    )


def top_reasons(refused: Sequence[RefusedFile], count: int = 3) -> str:
    """The most frequent reasons with their numbers, as part of a sentence."""
    counted = Counter(file.reason for file in refused).most_common(count)
    return ", ".join(f"{reason} ({number:,})" for reason, number in counted) or "none"
