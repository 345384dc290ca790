"""What a scoring run says as a whole: its mix of expressions, and whether that has drifted."""

from dataclasses import dataclass

from sqlalchemy import Connection

from emotion_core.store.queries import query


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
    rows = connection.execute(query("expression_mix"), {"run_key": run_key}).mappings()
    return [MixShare(**row) for row in rows]


def drift_readings(connection: Connection, run_key: str) -> list[DriftReading]:
    """The newest readings of the view ``drift`` for a batch; none before its health was checked."""
    rows = connection.execute(query("drift_readings"), {"run_key": run_key}).mappings()
    return [DriftReading(**row) for row in rows]
