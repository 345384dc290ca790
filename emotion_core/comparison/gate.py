"""The gate's figures: a candidate compared with the champion on images that neither has learnt."""

from dataclasses import dataclass

import pandas as pd

from emotion_core.statistics.jackknife import Jackknife
from emotion_core.statistics.metrics import DECISIVE
from emotion_core.statistics.paired_tests import difference
from emotion_core.statistics.predictions import Evaluation


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
    new, old = (Jackknife(Evaluation.from_frame(table)) for table in (candidate, champion))
    accuracy, ccc = (difference(metric, new, old) for metric in DECISIVE.values())
    return PairedFigures(
        count_images=new.evaluation.count_images,
        accuracy_candidate=new.scores[accuracy.metric],
        accuracy_champion=old.scores[accuracy.metric],
        accuracy_low=accuracy.low,
        accuracy_high=accuracy.high,
        ccc_candidate=new.scores[ccc.metric],
        ccc_champion=old.scores[ccc.metric],
        ccc_low=ccc.low,
        ccc_high=ccc.high,
        ccc_p=ccc.p,
    )
