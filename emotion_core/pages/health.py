"""The health page: what waits, the latest check with its limits, the alarms, the drift."""

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from emotion_core.store import health, health_history
from emotion_core.store.health import HealthRow
from emotion_core.store.health_history import Alarm, NightDistance, Waiting

DISTANCES: Final = ("psi_expression", "js_expression", "ks_valence", "ks_arousal")
"""The measures of drift, in the order of the columns."""


@dataclass(frozen=True)
class DriftRow:
    """One batch against one reference."""

    first: NightDistance
    """Names batch, model, reference and images, which are the same for all."""
    distances: tuple[NightDistance | None, ...]
    """In the order of :data:`DISTANCES`."""


@dataclass(frozen=True)
class HealthPage:
    """What the page shows."""

    made_at: datetime
    headline: str
    newest_scored_at: datetime | None
    """The champion's newest prediction; None before the first."""
    hours_since_newest: float | None
    waiting: tuple[Waiting, ...]
    readings: tuple[HealthRow, ...]
    """Of the latest check, alarms first."""
    alarms: tuple[Alarm, ...]
    """Of all checks, newest first."""
    drift: tuple[DriftRow, ...]
    """Newest batch first."""
    distances: tuple[str, ...] = DISTANCES


def read_health(connection: Any, made_at: datetime) -> HealthPage:
    """Read the page from the tables.

    Args:
        connection: Transaction that sees one snapshot.
        made_at: Stands on the page.
    """
    readings = health.health_readings(connection)
    pulse = health.pulse(connection)
    return HealthPage(
        made_at=made_at,
        headline=_headline(readings),
        newest_scored_at=pulse["newest_scored_at"],
        hours_since_newest=pulse["hours_since_newest"],
        waiting=tuple(health_history.backlog(connection)),
        readings=tuple(readings),
        alarms=tuple(health_history.recent_alarms(connection)),
        drift=_drift(health_history.drift_by_night(connection)),
    )


def _headline(readings: list[HealthRow]) -> str:
    count = sum(row.status == "alarm" for row in readings)
    if not readings:
        return "Nothing was measured yet"
    if not count:
        return "No limit is crossed"
    return "One limit is crossed" if count == 1 else f"{count} limits are crossed"


def _drift(found: list[NightDistance]) -> tuple[DriftRow, ...]:
    rows = []
    for _, of_reference in groupby(found, key=lambda one: (one.batch, one.against)):
        measured = {one.measure: one for one in of_reference}
        first = next(iter(measured.values()))
        distances = tuple(measured.get(name) for name in DISTANCES)
        rows.append(DriftRow(first, distances))
    return tuple(rows)
