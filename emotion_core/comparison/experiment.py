"""Networks compared by all of their trainings, as facts: what the page of an experiment says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import combinations
from typing import Any

import pandas as pd

from emotion_core.comparison import formatting
from emotion_core.comparison.compared_run import network_label
from emotion_core.comparison.facts import plain
from emotion_core.comparison.pair import Pair, pairs_from
from emotion_core.comparison.pooling import (
    Grid,
    complete_grids,
    held_out_share,
    trained_scores,
)
from emotion_core.comparison.verdict import Verdict, summary_of, verdict_on
from emotion_core.comparison.warnings import ReportWarning, about_experiment
from emotion_core.errors import ReportError
from emotion_core.statistics.metrics import METRICS, TASKS
from emotion_core.statistics.paired_tests import Estimate
from emotion_core.statistics.predictions import Floats
from emotion_core.statistics.resampled_tests import corrected_difference
from emotion_core.store import experiments, training_runs
from emotion_core.store.experiments import Experiment, PooledMetric
from emotion_core.store.training_runs import RunRecord

Curve = tuple[tuple[int, float, float, float], ...]
"""Epoch, and the lowest, mean and highest value of all trainings."""


@dataclass(frozen=True, eq=False)
class NetworkResult:
    """One network by all of its trainings."""

    number: int
    """Place on the page from 0; decides colour and marker."""
    label: str
    network: str
    count_succeeded: int
    failures: tuple[str, ...]
    """Why trainings failed, each reason once."""
    scores: Mapping[str, Estimate]
    """Over all images that were held out, as stored; empty where nothing could be pooled."""
    pooled: Mapping[str, PooledMetric]
    references: Mapping[str, Mapping[str, float]]
    """Mean over its trainings."""
    curves: Mapping[str, Curve] = field(repr=False)
    """By metric, on the held-out images."""
    trained: Mapping[str, Floats] = field(repr=False, metadata={"page_only": True})
    """By metric, what each training reached on the images that it held out: [seeds, folds]."""

    @property
    def has_figures(self) -> bool:
        """Whether it can be compared."""
        return bool(self.scores)


@dataclass(frozen=True, eq=False)
class ExperimentComparison:
    """The networks of an experiment compared with each other."""

    experiment: Experiment
    made_at: datetime
    dataset: str
    is_drawn: bool
    count_images: int
    """That were held out, each counted once."""
    count_train: int
    """That each training learned from."""
    seeds: tuple[int, ...]
    """That are compared."""
    summary: str
    verdicts: tuple[Verdict, ...]
    warnings: tuple[ReportWarning, ...]
    networks: tuple[NetworkResult, ...]
    pairs: tuple[Pair, ...]
    seconds: float
    """Of all trainings together."""
    devices: tuple[str, ...]
    versions: Mapping[str, str]

    @property
    def title(self) -> str:
        """The networks by name."""
        return formatting.listing([one.label for one in self.networks])

    @property
    def compared(self) -> tuple[NetworkResult, ...]:
        """Those with figures."""
        return tuple(one for one in self.networks if one.has_figures)

    @property
    def design(self) -> str:
        """How often each network was trained."""
        found = self.experiment
        folds = f"{found.folds} folds" if found.folds > 1 else "one split"
        seeds = f"{found.repeats} seed{'' if found.repeats == 1 else 's'}"
        return f"{folds} × {seeds}"

    def to_dict(self) -> dict[str, Any]:
        """JSON-able: every figure of the page."""
        return {"schema": 1, **plain(self)}


def read_experiment(
    connection: Any, experiment: Experiment, made_at: datetime
) -> ExperimentComparison:
    """Compare an experiment's networks from the tables; their metrics must have been pooled.

    Args:
        connection: Of :meth:`emotion_core.store.database.Database.transaction`.
        experiment: Which one.
        made_at: When the page is made; it stands on the page.

    Raises:
        ReportError: None of its trainings has begun.
    """
    key = experiment.group_key
    records = training_runs.runs_in_group(connection, key)
    if not records:
        raise ReportError(f"there is no training run of {key!r}: train first")
    pooled = experiments.pooled_metrics(connection, key)
    grids = complete_grids(experiment, records)
    networks = tuple(
        _network_result(
            connection,
            number,
            network,
            [record for record in records if record.network == network],
            grids.get(network, []),
            pooled.get(network, {}),
        )
        for number, network in enumerate(experiment.networks)
    )
    first = records[0]
    pairs = _pairs(networks, held_out_share(first))
    verdicts = tuple(verdict_on(task, networks, pairs, None, is_of_networks=True) for task in TASKS)
    whole = first.count_train + first.count_validation
    return ExperimentComparison(
        experiment=experiment,
        made_at=made_at,
        dataset=first.dataset_name,
        is_drawn=first.dataset_is_drawn,
        count_images=whole if experiment.folds > 1 else first.count_validation,
        count_train=first.count_train,
        seeds=tuple(row[0].split_seed for row in next(iter(grids.values()), [])),
        summary=summary_of(verdicts),
        verdicts=verdicts,
        warnings=(
            *_about_missing(networks, experiment.folds * experiment.repeats),
            *about_experiment(
                {
                    one.label: [record for record in records if record.network == one.network]
                    for one in networks
                }
            ),
        ),
        networks=networks,
        pairs=pairs,
        seconds=sum(record.seconds or 0.0 for record in records),
        devices=tuple(sorted({record.device for record in records if record.device})),
        versions=next((record.versions for record in records if record.versions), {}),
    )


def _network_result(
    connection: Any,
    number: int,
    network: str,
    records: Sequence[RunRecord],
    grid: Grid,
    pooled: Mapping[str, PooledMetric],
) -> NetworkResult:
    succeeded = [record.id for record in records if record.status == "succeeded"]
    metrics = {run_id: training_runs.run_metrics(connection, run_id) for run_id in succeeded}
    own = {
        run_id: dict(zip(rows["metric"], rows["value"], strict=True))
        for run_id, found in metrics.items()
        for rows in [found[found["kind"] == "network"]]
    }
    known = pooled if grid else {}  # of before a training was lost
    return NetworkResult(
        number=number,
        label=network_label(network),
        network=network,
        count_succeeded=len(succeeded),
        failures=tuple(
            dict.fromkeys(formatting.visible(r.failure, 400) for r in records if r.failure)
        ),
        scores={
            name: Estimate(known[name].value, known[name].low, known[name].high)
            for name in METRICS
            if name in known
        },
        pooled=known,
        references=_references(list(metrics.values())),
        curves=_curves([training_runs.epoch_metrics(connection, run_id) for run_id in succeeded]),
        trained=trained_scores(grid, own) if grid else {},
    )


def _about_missing(networks: Sequence[NetworkResult], planned: int) -> list[ReportWarning]:
    """What is missing of each network's trainings, with the first reason."""
    return [
        ReportWarning(
            "warning",
            f"{one.label}: {one.count_succeeded} of {planned} trainings have succeeded",
            "Only seeds of which every network has all folds are compared."
            + (f" The first failure: {one.failures[0]}." if one.failures else "")
            + (" `emotion runs show` names them all." if one.failures[1:] else ""),
        )
        for one in networks
        if one.count_succeeded < planned
    ]


def _pairs(networks: Sequence[NetworkResult], share: float) -> tuple[Pair, ...]:
    couples = list(combinations([one for one in networks if one.has_figures], 2))
    tested = {
        name: [
            corrected_difference(
                name,
                first.scores[name].value - second.scores[name].value,
                first.trained[name],
                second.trained[name],
                share,
            )
            for first, second in couples
        ]
        for name in METRICS
    }
    return pairs_from([(first.number, second.number) for first, second in couples], tested)


def _references(found: Sequence[pd.DataFrame]) -> Mapping[str, Mapping[str, float]]:
    """What guessing reaches, as the mean over the trainings' held-out images."""
    if not found:
        return {}
    means = pd.concat(found).groupby(["kind", "metric"])["value"].mean().reset_index()
    kinds: dict[str, dict[str, float]] = {}
    for kind, metric, value in means.itertuples(index=False):
        if kind != "network":
            kinds.setdefault(str(kind), {})[str(metric)] = float(value)
    return kinds


def _curves(epochs: Sequence[pd.DataFrame]) -> Mapping[str, Curve]:
    if not epochs:
        return {}
    together = pd.concat(epochs)
    validation = together[together["split"] == "validation"]
    grouped = validation.groupby(["metric", "epoch"])["value"].agg(["min", "mean", "max"])
    curves: dict[str, list[tuple[int, float, float, float]]] = {}
    for metric, epoch, *values in grouped.reset_index().itertuples(index=False):
        low, mean, high = map(float, values)
        curves.setdefault(str(metric), []).append((int(epoch), low, mean, high))
    return {metric: tuple(points) for metric, points in curves.items()}
