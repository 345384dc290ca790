"""Labels that networks which never saw the image contradict."""

import numpy as np
import pandas as pd
import pytest

from emotion_core.emotions import EXPRESSIONS, PROBABILITY_COLUMNS
from emotion_core.errors import TrainingError
from emotion_core.training.label_errors import likely_label_errors
from emotion_core.training.pooling import pooled_predictions
from emotion_core.training.run_directory import RunResult


def judged(rows: list[tuple[str, int, int, float]]) -> pd.DataFrame:
    """Sample, label, what the network says and with which probability."""
    probabilities = np.full((len(rows), 8), 0.0)
    for place, (_, _, said, confidence) in enumerate(rows):
        probabilities[place] = (1 - confidence) / 7
        probabilities[place, said] = confidence
    frame = pd.DataFrame(probabilities, columns=list(PROBABILITY_COLUMNS))
    frame["sample_id"] = [row[0] for row in rows]
    frame["expression"] = [row[1] for row in rows]
    return frame


AGREED = [(f"plain {n}", n % 8, n % 8, 0.7) for n in range(80)]


def test_a_confident_contradiction_is_a_likely_error_and_the_widest_comes_first() -> None:
    happy, sad = EXPRESSIONS.index("Happy"), EXPRESSIONS.index("Sad")

    found = likely_label_errors(
        judged([*AGREED, ("worse", happy, sad, 0.8), ("worst", happy, sad, 0.95)])
    )

    assert found["sample_id"].tolist() == ["worst", "worse"]
    assert found["expression"].tolist() == [happy, happy]
    assert found["suggested"].tolist() == [sad, sad]
    assert found["p_suggested"].tolist() == pytest.approx([0.95, 0.8])
    assert found["p_given"].tolist() == pytest.approx([0.05 / 7, 0.2 / 7])


@pytest.mark.parametrize("confidence", [0.3, 0.49, 0.6])
def test_a_contradiction_below_the_usual_confidence_is_none(confidence: float) -> None:
    found = likely_label_errors(judged([*AGREED, ("unsure", 1, 2, confidence)]))

    assert found.empty


def test_an_expression_that_never_occurs_is_never_suggested() -> None:
    rows = [(f"{n}", n % 7, n % 7, 0.7) for n in range(70)]

    found = likely_label_errors(judged([*rows, ("odd", 0, 7, 0.99)]))

    assert found.empty


def test_folds_that_hold_out_the_same_sample_cannot_be_pooled() -> None:
    run = RunResult(
        recipe=None, history=[], metrics={}, predictions=judged(AGREED), model={}, summary={}
    )

    with pytest.raises(TrainingError, match="plain 0"):
        pooled_predictions([run, run])
