"""What health checks have found over time, and what waits now."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from emotion_core.store.queries import query


@dataclass(frozen=True)
class Alarm:
    """A limit that a look found crossed."""

    checked_at: datetime
    batch: str | None
    measure: str
    sentence: str
    is_new_alarm: bool
    """Whether the look before had not found it: then people were told."""


@dataclass(frozen=True)
class NightDistance:
    """One distance of one night's scores from a reference."""

    batch: str
    night: datetime
    model: str
    against: str
    measure: str
    value: float | None
    """None when there were too few images."""
    limit_value: float | None
    status: str
    count_images: int


@dataclass(frozen=True)
class Waiting:
    """Images that wait for one model."""

    model: str
    count_waiting: int
    count_in_work: int
    count_abandoned: int
    waiting_since: datetime


def recent_alarms(connection: Connection, limit: int = 30) -> list[Alarm]:
    """The newest alarms, newest first."""
    rows = connection.execute(query("recent_alarms"), {"limit": limit}).mappings()
    return [Alarm(**row) for row in rows]


def drift_by_night(connection: Connection, nights: int = 14) -> list[NightDistance]:
    """Every distance of the newest nights that were checked, newest first."""
    rows = connection.execute(query("drift_by_night"), {"nights": nights}).mappings()
    return [NightDistance(**row) for row in rows]


def backlog(connection: Connection) -> list[Waiting]:
    """What waits for a worker, the longest first; empty when nothing does."""
    rows = connection.execute(query("backlog")).mappings()
    return [Waiting(**row) for row in rows]
