"""All trainings of a network taken together: every image that they held out, once per seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from emotion_core.comparison import formatting
from emotion_core.emotions import PROBABILITY_COLUMNS
from emotion_core.statistics.metrics import METRICS, headlines, scores_of
from emotion_core.statistics.predictions import Evaluation, Floats
from emotion_core.statistics.resampled_tests import corrected_estimate
from emotion_core.store.experiments import PooledMetric
from emotion_core.store.training_runs import RunRecord

Trained = tuple[RunRecord, pd.DataFrame]
"""A training that has succeeded, and its validation predictions."""


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


def complete_seeds(
    folds: int, trainings: Mapping[str, Sequence[tuple[int, int]]]
) -> tuple[int, ...]:
    """The seeds of which every network has all folds; networks without any are left out.

    Only these are compared: networks must have learned from the same images equally often.

    Args:
        folds: How many make a seed complete.
        trainings: By network, seed and fold of each one that has succeeded.
    """
    complete = []
    for found in trainings.values():
        by_seed: dict[int, set[int]] = {}
        for seed, fold in found:
            by_seed.setdefault(seed, set()).add(fold)
        complete.append({seed for seed, seen in by_seed.items() if len(seen) == folds})
    known = [seeds for seeds in complete if seeds]
    return tuple(sorted(set.intersection(*known))) if known else ()


def pool_networks(folds: int, trained: Mapping[str, Sequence[Trained]]) -> list[PooledNetwork]:
    """Pool each network's complete seeds; none where that is a single training.

    Args:
        folds: Of each seed.
        trained: By network, what has succeeded.
    """
    runs = {
        network: {_place(record): (record, answers) for record, answers in found}
        for network, found in trained.items()
    }
    seeds = complete_seeds(folds, {network: list(found) for network, found in runs.items()})
    if len(seeds) * folds < 2:
        return []
    return [
        _pooled(network, [[found[seed, fold] for fold in range(folds)] for seed in seeds])
        for network, found in runs.items()
        if all((seed, fold) in found for seed in seeds for fold in range(folds))
    ]


def mean_answers(networks: Sequence[PooledNetwork]) -> pd.DataFrame:
    """One row per image: the mean of all probabilities that networks gave which never saw it.

    Columns ``sample_id``, ``expression`` and the eight probabilities.
    """
    together = pd.concat([one.answers for one in networks])
    columns = dict.fromkeys(PROBABILITY_COLUMNS, "mean")
    grouped = together.groupby("sample_id", sort=True)
    return grouped.agg({"expression": "first", **columns}).reset_index()


def trained_scores(
    records: Sequence[Sequence[RunRecord]], scores: Mapping[int, Mapping[str, float]]
) -> dict[str, Floats]:
    """By metric, what each training reached on the images that it held out: [seeds, folds].

    Args:
        records: Trainings by seed and fold.
        scores: By training, every metric.
    """
    return {
        name: np.array([[scores[record.id][name] for record in row] for row in records])
        for name in METRICS
    }


def held_out_share(record: RunRecord) -> float:
    """The share of the images that a training did not see, above 0 and below 1."""
    return record.count_validation / (record.count_train + record.count_validation)


def _pooled(network: str, grid: Sequence[Sequence[Trained]]) -> PooledNetwork:
    records = [[record for record, _ in row] for row in grid]
    by_seed = [pd.concat([answers for _, answers in row]) for row in grid]
    of_seeds = [scores_of(Evaluation.from_frame(answers)) for answers in by_seed]
    scores = {
        record.id: scores_of(Evaluation.from_frame(answers))
        for row in grid
        for record, answers in row
    }
    share = held_out_share(records[0][0])
    metrics = {}
    for name, values in trained_scores(records, scores).items():
        seeds = np.array([one[name] for one in of_seeds])
        estimate = corrected_estimate(float(seeds.mean()), values, share, METRICS[name].bounds)
        count_seeds, folds = values.shape
        assert estimate.low is not None and estimate.high is not None  # noqa: S101
        metrics[name] = PooledMetric(
            value=estimate.value,
            low=estimate.low,
            high=estimate.high,
            seed_spread=float(seeds.std(ddof=1)) if count_seeds > 1 else None,
            fold_spread=(float(np.sqrt(values.var(axis=1, ddof=1).mean())) if folds > 1 else None),
            count_trainings=values.size,
        )
    return PooledNetwork(network, metrics, pd.concat(by_seed))


def _place(record: RunRecord) -> tuple[int, int]:
    return record.split_seed, int(record.recipe.get("fold", 0))
