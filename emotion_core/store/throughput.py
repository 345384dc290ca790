"""How fast each scoring worker was, and where its time went."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from emotion_core.store.queries import query


@dataclass(frozen=True)
class Throughput:
    """What one worker did until it ended, by itself or by a failure; a retry is another one."""

    run_key: str
    model_version_id: int
    worker: str
    host: str
    device: str
    engine: str
    count_scored: int
    count_refused: int
    seconds: float
    """From the first claim to the last commit."""
    stage_seconds: dict[str, float]
    """Busy seconds by stage; stages overlap, so their sum may exceed ``seconds``."""
    ended_at: datetime | None = None

    @property
    def images_per_second(self) -> float:
        """Images brought to an end, scored or refused, over ``seconds``."""
        return (self.count_scored + self.count_refused) / self.seconds if self.seconds else 0.0


def record_throughput(
    connection: Connection,
    *,
    run_key: str,
    model_version_id: int,
    worker: str,
    host: str,
    device: str,
    engine: str,
    count_scored: int,
    count_refused: int,
    seconds: float,
    stage_seconds: Mapping[str, float],
) -> None:
    """Keep what a worker did; see :class:`Throughput`."""
    connection.execute(
        query("record_throughput"),
        {
            "run_key": run_key,
            "model_version_id": model_version_id,
            "worker": worker,
            "host": host,
            "device": device,
            "engine": engine,
            "count_scored": count_scored,
            "count_refused": count_refused,
            "seconds": seconds,
            "stage_seconds": json.dumps(dict(stage_seconds)),
        },
    )


def throughputs(connection: Connection, run_key: str) -> list[Throughput]:
    """What the workers of a batch did, the earliest to end first."""
    rows = connection.execute(query("throughputs"), {"run_key": run_key}).mappings()
    return [Throughput(**row) for row in rows]


def night_rates(connection: Connection, run_keys: Sequence[str]) -> dict[str, float]:
    """Images a second of whole nights, by batch; without those whose workers did nothing."""
    if not run_keys:
        return {}
    rows = connection.execute(query("night_rates"), {"run_keys": list(run_keys)})
    return {row.run_key: row.images_per_second for row in rows}
