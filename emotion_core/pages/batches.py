"""The batches' page: the newest at a glance."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from emotion_core.pages.batch import headline
from emotion_core.store import batches, models, throughput
from emotion_core.store.batches import BatchSummary

BATCHES_SHOWN: Final = 30


@dataclass(frozen=True)
class BatchRow:
    """One batch at a glance."""

    batch: BatchSummary
    images_per_second: float | None
    """From the first worker's start to the last one's end; None when no worker did anything."""


@dataclass(frozen=True)
class BatchesPage:
    """What the page shows."""

    made_at: datetime
    headline: str
    rows: tuple[BatchRow, ...]
    """Newest first."""
    has_champion: bool


def read_batches(connection: Any, made_at: datetime) -> BatchesPage:
    """Read the page from the tables.

    Args:
        connection: Transaction that sees one snapshot.
        made_at: Stands on the page.
    """
    found = batches.batches(connection, BATCHES_SHOWN)
    rates = throughput.night_rates(connection, [batch.run_key for batch in found])
    return BatchesPage(
        made_at=made_at,
        headline=headline(found[0]) if found else "No batch yet",
        rows=tuple(BatchRow(batch, rates.get(batch.run_key)) for batch in found),
        has_champion=models.current_model(connection) is not None,
    )
