"""The gate's figures: a candidate held against the champion on images that neither has learnt."""

from dataclasses import dataclass

import pandas as pd

from emotion_core.statistics.paired_tests import difference
from emotion_core.statistics.predictions import Evaluation
from emotion_core.statistics.resampling import MEAN_CCC, resampled_scores
from emotion_core.store.gates import Gate


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


def shortfalls(gate: Gate) -> tuple[str, ...]:
    """Each figure for which a gate refuses, with its numbers; empty when it passed.

    The rule is the database's (``promotion_gate.is_passed``): better beyond chance in expression
    or in affect, each held against ``better_below``, which shrinks with every further candidate
    that is compared with the same champion, and in neither worse beyond chance, held against
    alpha itself.
    """
    if gate.is_passed:
        return ()
    found = []
    if gate.golden != "passed":
        found.append(f"golden outputs {gate.golden}: {gate.golden_detail}")
    if gate.calibration_error is None:
        found.append("no calibration is recorded: register its run again")
    if gate.collapse is not None:
        found.append(gate.collapse)
    if gate.champion is None:
        return tuple(found)
    if gate.count_images < gate.minimum_images:
        found.append(
            f"only {gate.count_images} images were held out by both {gate.candidate} and "
            f"{gate.champion}, and {gate.minimum_images} are asked for: train on the champion's "
            "data and seed"
        )
    if gate.count_images:
        found += _figures_that_fell_short(gate)
    return tuple(found)


def verdict(gate: Gate) -> str:
    """What a gate says, in a few sentences."""
    against = f"the champion {gate.champion}" if gate.champion else "no champion"
    measured = (
        f"{_accuracy(gate)}; {_ccc(gate)}; asked for was {_asked_for(gate)} in one of them"
        if gate.count_images
        else ""
    )
    if gate.is_passed:
        how = measured or "its golden outputs, its calibration and its spread are in order"
        return f"{gate.candidate} may become champion (against {against}): {how}."
    return f"{gate.candidate} may not become champion (against {against}): " + "; ".join(
        shortfalls(gate)
    )


def _figures_that_fell_short(gate: Gate) -> list[str]:
    assert gate.accuracy_p is not None and gate.ccc_p is not None  # noqa: S101  - images, so figures
    assert gate.ccc_candidate is not None and gate.ccc_champion is not None  # noqa: S101
    right, wrong = gate.only_candidate, gate.only_champion
    gain = gate.ccc_candidate - gate.ccc_champion
    found = []
    if gate.accuracy_p < gate.alpha and right < wrong:
        found.append(f"worse in expression: {_accuracy(gate)}")
    if gate.ccc_p < gate.alpha and gain < 0:
        found.append(f"worse in affect: {_ccc(gate)}")
    is_better = (gate.accuracy_p < gate.better_below and right > wrong) or (
        gate.ccc_p < gate.better_below and gain > 0
    )
    if not is_better and not found:
        found.append(
            f"better beyond chance in neither expression nor affect, which takes "
            f"{_asked_for(gate)} in one of them: {_accuracy(gate)}; {_ccc(gate)}"
        )
    return found


def _asked_for(gate: Gate) -> str:
    """The p that counts as better, and how it comes about."""
    asked = f"p below {gate.better_below:.3g}"
    if gate.attempt is None:
        return asked
    return (
        f"{asked} ({gate.alpha:g} / ({gate.attempt} × {gate.attempt + 1}): candidate "
        f"{gate.attempt} against this champion)"
    )


def _accuracy(gate: Gate) -> str:
    return (
        f"accuracy {gate.accuracy_candidate:.3f} against {gate.accuracy_champion:.3f} "
        f"(p {gate.accuracy_p:.3g})"
    )


def _ccc(gate: Gate) -> str:
    return f"mean CCC {gate.ccc_candidate:.3f} against {gate.ccc_champion:.3f} (p {gate.ccc_p:.3g})"
