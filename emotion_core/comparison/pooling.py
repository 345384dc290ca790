"""All trainings of a network taken together: every image that they held out, once per seed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from emotion_core.comparison import formatting
from emotion_core.emotions import PROBABILITY_COLUMNS
from emotion_core.statistics.metrics import METRICS, headlines, scores_of
from emotion_core.statistics.predictions import Evaluation, Floats
from emotion_core.statistics.resampled_tests import corrected_estimate
from emotion_core.store.experiments import Experiment, PooledMetric
from emotion_core.store.training_runs import RunRecord

Grid = list[list[RunRecord]]
"""Trainings of one network that can be compared: a row per seed, in it one per fold."""


@dataclass(frozen=True, eq=False)
class PooledNetwork:
    """One network by all of its trainings that can be compared."""

    network: str
    metrics: Mapping[str, PooledMetric]
    answers: pd.DataFrame
    """What they predicted of the images that they held out; an image has a row per seed."""

    @property
    def sentence(self) -> str:
        """The headline metrics with their intervals."""
        return ", ".join(
            f"{title} {formatting.score(self.metrics[name].value)} "
            f"({formatting.interval(self.metrics[name].low, self.metrics[name].high)})"
            for name, title in headlines().items()
        )


def complete_grids(experiment: Experiment, records: Sequence[RunRecord]) -> dict[str, Grid]:
    """By network, the trainings of the seeds of which every network has all folds.

    Only these are compared: networks must have learned from the same images equally often. A
    network without any such seed is left out; where only single trainings remain, all are.
    """
    places: dict[str, dict[tuple[int, int], RunRecord]] = {}
    for record in records:
        if record.status == "succeeded":
            place = record.split_seed, int(record.recipe.get("fold", 0))
            places.setdefault(record.network, {})[place] = record
    folds = range(experiment.folds)
    complete = {
        network: {seed for seed, _ in found if all((seed, fold) in found for fold in folds)}
        for network, found in places.items()
    }
    complete = {network: seeds for network, seeds in complete.items() if seeds}
    seeds = sorted(set.intersection(*complete.values())) if complete else []
    if len(seeds) * len(folds) < 2:
        return {}
    return {
        network: [[places[network][seed, fold] for fold in folds] for seed in seeds]
        for network in experiment.networks
        if network in complete
    }


def pool_networks(
    experiment: Experiment,
    records: Sequence[RunRecord],
    answers_of: Callable[[int], pd.DataFrame],
) -> list[PooledNetwork]:
    """Pool each network's trainings.

    Args:
        experiment: Which one.
        records: Its trainings.
        answers_of: The validation predictions of a training, by its id.
    """
    return [
        _pooled(network, grid, answers_of)
        for network, grid in complete_grids(experiment, records).items()
    ]


def mean_answers(networks: Sequence[PooledNetwork]) -> pd.DataFrame:
    """One row per image: the mean of all probabilities that networks gave which never saw it.

    Columns ``sample_id``, ``expression`` and the eight probabilities.
    """
    together = pd.concat([one.answers for one in networks])
    columns = dict.fromkeys(PROBABILITY_COLUMNS, "mean")
    grouped = together.groupby("sample_id", sort=True)
    return grouped.agg({"expression": "first", **columns}).reset_index()


def trained_scores(grid: Grid, scores: Mapping[int, Mapping[str, float]]) -> dict[str, Floats]:
    """By metric, what each training reached on the images that it held out: [seeds, folds].

    Args:
        grid: The trainings.
        scores: By training, every metric.
    """
    return {
        name: np.array([[scores[record.id][name] for record in row] for row in grid])
        for name in METRICS
    }


def held_out_share(record: RunRecord) -> float:
    """The share of the images that a training did not see, above 0 and below 1."""
    return record.count_validation / (record.count_train + record.count_validation)


def _pooled(network: str, grid: Grid, answers_of: Callable[[int], pd.DataFrame]) -> PooledNetwork:
    answers = {record.id: answers_of(record.id) for row in grid for record in row}
    by_seed = [pd.concat([answers[record.id] for record in row]) for row in grid]
    of_seeds = [scores_of(Evaluation.from_frame(found)) for found in by_seed]
    scores = {key: scores_of(Evaluation.from_frame(found)) for key, found in answers.items()}
    share = held_out_share(grid[0][0])
    metrics = {}
    for name, values in trained_scores(grid, scores).items():
        seeds = np.array([one[name] for one in of_seeds])
        estimate = corrected_estimate(float(seeds.mean()), values, share, METRICS[name].bounds)
        count_seeds, folds = values.shape
        assert estimate.low is not None and estimate.high is not None  # noqa: S101
        metrics[name] = PooledMetric(
            value=estimate.value,
            low=estimate.low,
            high=estimate.high,
            seed_spread=float(seeds.std(ddof=1)) if count_seeds > 1 else None,
            fold_spread=float(np.sqrt(values.var(axis=1, ddof=1).mean())) if folds > 1 else None,
            count_trainings=values.size,
        )
    return PooledNetwork(network, metrics, pd.concat(by_seed))
