"""Several runs that held out different images, taken as one: the folds of a cross-validation."""

from collections.abc import Mapping, Sequence

import pandas as pd

from emotion_core.emotions import DIMENSIONS, PROBABILITY_COLUMNS
from emotion_core.errors import TrainingError
from emotion_core.statistics import metrics
from emotion_core.training.run_directory import RunResult


def pooled_predictions(runs: Sequence[RunResult]) -> pd.DataFrame:
    """The held-out predictions of all runs, as one table in the order of the sample ids.

    Raises:
        TrainingError: Two runs held out the same sample.
    """
    together = pd.concat([run.predictions for run in runs]).sort_values("sample_id")
    twice = together["sample_id"][together["sample_id"].duplicated()]
    if len(twice):
        raise TrainingError(
            f"sample {twice.iloc[0]} was held out by two of the runs; pool runs of different folds"
        )
    return together.reset_index(drop=True)


def pooled_metrics(runs: Sequence[RunResult]) -> dict[str, float]:
    """All of :func:`emotion_core.statistics.metrics.score` over all held-out images at once.

    Raises:
        TrainingError: Two runs held out the same sample.
    """
    table = pooled_predictions(runs)
    return metrics.score(
        table["expression"].to_numpy(),
        table[list(DIMENSIONS)].to_numpy(),
        table[list(PROBABILITY_COLUMNS)].to_numpy(),
        table[[f"predicted_{name}" for name in DIMENSIONS]].to_numpy(),
    )


def mean_metrics(found: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The plain mean of each metric."""
    return {name: sum(each[name] for each in found) / len(found) for name in found[0]}
