"""How fast each scoring worker was, and where its time went."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from emotion_core.store.queries import execute, rows


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
    stage_seconds: Mapping[str, float]
    """Busy seconds by stage; stages overlap, so their sum may exceed ``seconds``."""
    ended_at: datetime | None = None
    """The database's time of recording it."""

    @property
    def images_per_second(self) -> float:
        """Images brought to an end, scored or refused, over ``seconds``."""
        return (self.count_scored + self.count_refused) / self.seconds if self.seconds else 0.0


def record_throughput(connection: Connection, done: Throughput) -> None:
    """Keep what a worker did."""
    execute(connection, "record_throughput", **vars(done))


def throughputs(connection: Connection, run_key: str) -> list[Throughput]:
    """What the workers of a batch did, the earliest to end first."""
    return rows(connection, "throughputs", Throughput, run_key=run_key)


def night_rates(connection: Connection, run_keys: Sequence[str]) -> dict[str, float]:
    """Images a second of whole nights, by batch; without those whose workers did nothing."""
    rates = execute(connection, "night_rates", run_keys=list(run_keys))
    return {rate.run_key: rate.images_per_second for rate in rates}
