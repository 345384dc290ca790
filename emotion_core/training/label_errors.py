"""Labels that networks which never saw the image contradict with confidence."""

import numpy as np
import pandas as pd

from emotion_core.emotions import EXPRESSIONS, PROBABILITY_COLUMNS

LEAST_CONFIDENCE = 0.5
"""Of the suggested expression: a network that is right half of the time contradicts too easily."""


def likely_label_errors(predictions: pd.DataFrame) -> pd.DataFrame:
    """Likely label errors by confident learning (Northcutt, Jiang, Chuang 2021, 1911.00068).

    A label is a likely error when another expression is the most probable one, with at least the
    mean probability that images labelled so get for it, and at least ``LEAST_CONFIDENCE``.

    Args:
        predictions: Of a whole cross-validation, as
            :func:`emotion_core.training.pooling.pooled_predictions` gives them: each image judged
            by a network that was not trained on it.

    Returns:
        Columns ``sample_id``, ``expression``, ``suggested`` (indices), ``p_given``,
        ``p_suggested``; the widest margin first.
    """
    probabilities = predictions[list(PROBABILITY_COLUMNS)].to_numpy(dtype=np.float64)
    given = predictions["expression"].to_numpy(dtype=np.int64)
    # Of an expression that does not occur nothing is known: it is never suggested.
    thresholds = np.array(
        [
            probabilities[given == index, index].mean() if (given == index).any() else np.inf
            for index in range(len(EXPRESSIONS))
        ]
    )
    suggested = probabilities.argmax(axis=1)
    rows = np.arange(len(given))
    p_suggested, p_given = probabilities[rows, suggested], probabilities[rows, given]
    is_likely = (suggested != given) & (
        p_suggested >= np.maximum(thresholds[suggested], LEAST_CONFIDENCE)
    )
    found: pd.DataFrame = pd.DataFrame(
        {
            "sample_id": predictions["sample_id"],
            "expression": given,
            "suggested": suggested,
            "p_given": p_given,
            "p_suggested": p_suggested,
        }
    )
    margin = np.where(is_likely, p_suggested - p_given, -np.inf)
    widest_first = np.argsort(-margin, kind="stable")[: int(is_likely.sum())]
    return found.iloc[widest_first].reset_index(drop=True)
