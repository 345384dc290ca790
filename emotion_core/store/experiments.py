"""Experiments as rows: what is trained how often, how far it is, what came of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection

from emotion_core.store.queries import execute, row, rows


@dataclass(frozen=True)
class Experiment:
    """Networks that are trained over folds and seeds, to be compared."""

    group_key: str
    networks: tuple[str, ...]
    preset: str
    folds: int
    repeats: int
    seed: int
    note: str | None

    @property
    def count_trainings(self) -> int:
        """Of all networks together."""
        return len(self.networks) * self.folds * self.repeats

    @property
    def is_repeated(self) -> bool:
        """Whether each network is trained more than once."""
        return self.folds * self.repeats > 1


@dataclass(frozen=True)
class ExperimentTraining:
    """One training of an experiment that has begun."""

    run_id: int
    run_key: str
    network: str
    seed: int
    fold: int
    """From 1."""
    status: str


@dataclass(frozen=True)
class PooledMetric:
    """One metric of a network over all images that its trainings held out."""

    value: float
    low: float
    """Of the 95 % interval."""
    high: float
    seed_spread: float | None
    """Standard deviation between seeds; None for one seed."""
    fold_spread: float | None
    """Standard deviation between the folds of a seed; None for one fold."""
    count_trainings: int


@dataclass(frozen=True)
class ExperimentSummary:
    """One experiment as the list shows it."""

    experiment: str
    dataset: str
    networks: tuple[str, ...]
    preset: str
    folds: int
    repeats: int
    count_trainings: int
    count_succeeded: int
    count_failed: int
    count_running: int
    seconds: float | None
    """Of the ended trainings together."""
    opened_at: datetime


def open_experiment(connection: Connection, experiment: Experiment, split_id: int) -> None:
    """Enter an experiment on the data set of one of its splits; a retry finds its own row."""
    execute(connection, "open_experiment", split_id=split_id, **vars(experiment))


def experiment(connection: Connection, group_key: str) -> Experiment | None:
    """The experiment of this key; None for runs of before there were experiments."""
    return row(connection, "experiment", Experiment, group_key=group_key)


def recent_experiments(connection: Connection, limit: int) -> list[ExperimentSummary]:
    """The newest experiments, newest first."""
    return rows(connection, "experiments", ExperimentSummary, limit=limit)


def trainings(connection: Connection, group_key: str) -> list[ExperimentTraining]:
    """What has begun of an experiment, by seed and fold."""
    return rows(connection, "experiment_trainings", ExperimentTraining, group_key=group_key)


def record_metrics(
    connection: Connection, group_key: str, pooled: Mapping[str, Mapping[str, PooledMetric]]
) -> None:
    """Write the pooled metrics by network and name, in place of all that were there."""
    execute(connection, "forget_experiment_metrics", group_key=group_key, networks=list(pooled))
    for network, metrics in pooled.items():
        for name, found in metrics.items():
            execute(
                connection,
                "record_experiment_metrics",
                group_key=group_key,
                network=network,
                metric=name,
                **asdict(found),
            )


def pooled_metrics(connection: Connection, group_key: str) -> dict[str, dict[str, PooledMetric]]:
    """The pooled metrics by network and name; empty before they are computed."""
    found: dict[str, dict[str, PooledMetric]] = {}
    for one in execute(connection, "experiment_metrics", group_key=group_key).mappings():
        values = dict(one)
        network, metric = values.pop("network"), values.pop("metric")
        found.setdefault(network, {})[metric] = PooledMetric(**values)
    return found


def usual_seconds(connection: Connection, network: str, image_size: int) -> float | None:
    """Seconds that an image of an epoch needed, by earlier trainings; None if there was none."""
    found = execute(connection, "usual_seconds", network=network, image_size=image_size)
    seconds: float | None = found.scalar_one()
    return seconds
