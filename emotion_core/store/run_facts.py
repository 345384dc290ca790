"""What the tables hold about a finished run beyond its scores."""

from sqlalchemy import Connection

from emotion_core.calibration import Calibration
from emotion_core.store.queries import query


def run_calibration(connection: Connection, run_id: int) -> Calibration | None:
    """The temperature fitted after training and what it mends; None if none was recorded."""
    row = connection.execute(query("run_calibration"), {"run_id": run_id}).mappings().one_or_none()
    return None if row is None else Calibration(**row)
