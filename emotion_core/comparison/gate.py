"""The gate's figures: a candidate held against the champion on images that neither has learnt."""

from dataclasses import dataclass

import pandas as pd

from emotion_core.statistics.paired_tests import difference
from emotion_core.statistics.predictions import Evaluation
from emotion_core.statistics.resampling import MEAN_CCC, resampled_scores


@dataclass(frozen=True)
class PairedFigures:
    """Candidate and champion on the same samples; the names are columns of ``promotion_gate``."""

    count_images: int
    """Distinct images."""
    only_candidate: int | None = None
    """None, as ``only_champion`` and ``accuracy_p``: McNemar's test is the database's own."""
    only_champion: int | None = None
    accuracy_candidate: float | None = None
    accuracy_champion: float | None = None
    accuracy_low: float | None = None
    accuracy_high: float | None = None
    accuracy_p: float | None = None
    ccc_candidate: float | None = None
    ccc_champion: float | None = None
    ccc_low: float | None = None
    ccc_high: float | None = None
    ccc_p: float | None = None
    """Paired jackknife over images of the mean CCC of valence and arousal, two-sided."""


def paired_figures(candidate: pd.DataFrame, champion: pd.DataFrame) -> PairedFigures:
    """Test a candidate against the champion, sample by sample.

    Args:
        candidate: Validation predictions, columns of
            :data:`emotion_core.statistics.predictions.COLUMNS`; may be empty.
        champion: The same samples in the same order.

    Raises:
        ReportError: The tables cannot be used.
    """
    if candidate.empty:
        return PairedFigures(count_images=0)
    new, old = Evaluation.from_frame(candidate), Evaluation.from_frame(champion)
    scores = [evaluation.scores() for evaluation in (new, old)]
    ccc_new, ccc_old = ((found["ccc_valence"] + found["ccc_arousal"]) / 2 for found in scores)
    first, second = (resampled_scores(evaluation) for evaluation in (new, old))
    gap = scores[0]["accuracy"] - scores[1]["accuracy"]
    accuracy = difference("accuracy", gap, first["accuracy"], second["accuracy"])
    ccc = difference(MEAN_CCC, ccc_new - ccc_old, first[MEAN_CCC], second[MEAN_CCC])
    return PairedFigures(
        count_images=int(new.images.max()) + 1,
        accuracy_candidate=scores[0]["accuracy"],
        accuracy_champion=scores[1]["accuracy"],
        accuracy_low=accuracy.low,
        accuracy_high=accuracy.high,
        ccc_candidate=ccc_new,
        ccc_champion=ccc_old,
        ccc_low=ccc.low,
        ccc_high=ccc.high,
        ccc_p=ccc.p,
    )
