"""A scoring run as a whole: its mix of expressions, and whether that has drifted."""

from dataclasses import dataclass

from sqlalchemy import Connection

from emotion_core.store.queries import rows


@dataclass(frozen=True)
class MixShare:
    """One expression among the images delivered with a batch."""

    expression: str
    count_images: int
    share: float
    """0 to 1."""
    mean_confidence: float
    mean_valence: float
    mean_arousal: float


@dataclass(frozen=True)
class DriftReading:
    """One distance of a night's scores from a reference."""

    measure: str
    against: str
    value: float | None
    limit_value: float | None
    status: str
    sentence: str


def expression_mix(connection: Connection, run_key: str) -> list[MixShare]:
    """What the batch's images were called, in the order of the expressions."""
    return rows(connection, "expression_mix", MixShare, run_key=run_key)


def drift_readings(connection: Connection, run_key: str) -> list[DriftReading]:
    """The newest measurements of the view ``drift`` for a batch; none before its health check."""
    return rows(connection, "drift_readings", DriftReading, run_key=run_key)
