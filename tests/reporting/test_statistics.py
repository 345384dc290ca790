"""The fast bootstraps and tests against slow ones, against scipy and against statsmodels."""

import numpy as np
import pandas as pd
import pytest
from comparison_factory import make_predictions, make_validation_images
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from emotion_core import metrics
from emotion_core.emotions import PROBABILITY_COLUMNS
from emotion_core.errors import ReportError
from emotion_core.reporting.evaluation import Evaluation
from emotion_core.reporting.resampling import MEAN_CCC, resampled_scores
from emotion_core.reporting.statistics import (
    Agreement,
    agreement,
    benjamini_hochberg,
    difference,
    holm,
    interval,
    score_intervals,
)


def make_evaluation(count: int = 120, seed: int = 1, **skill: float) -> Evaluation:
    images = make_validation_images(count)
    return Evaluation.from_frame(make_predictions(images, seed=seed, **skill))


def slow_resampled_scores(evaluation: Evaluation, seed: int, resamples: int) -> pd.DataFrame:
    """The same resamples, each drawn out in full and scored from scratch."""
    count = evaluation.images.max() + 1
    draws = np.random.default_rng(seed).integers(0, count, size=(resamples, count))
    rows = []
    for draw in draws:
        chosen = np.concatenate([np.flatnonzero(evaluation.images == image) for image in draw])
        rows.append(
            metrics.score(
                evaluation.truth[chosen],
                evaluation.truth_va[chosen],
                evaluation.probabilities[chosen],
                evaluation.va[chosen],
            )
        )
    return pd.DataFrame(rows)


@pytest.mark.parametrize("name", list(metrics.METRICS))
def test_the_fast_bootstrap_scores_every_resample_as_scoring_it_in_full_does(name: str) -> None:
    evaluation = make_evaluation(count=60)

    fast = resampled_scores(evaluation, seed=3, resamples=25)

    np.testing.assert_allclose(fast[name], slow_resampled_scores(evaluation, 3, 25)[name])


def test_byte_identical_images_are_drawn_together() -> None:
    frame = make_predictions(make_validation_images(60))
    frame.loc[frame.index[:10], "sha256"] = "ab" * 32
    evaluation = Evaluation.from_frame(frame)

    fast = resampled_scores(evaluation, seed=3, resamples=25)

    assert evaluation.images.max() + 1 == 51
    slow = slow_resampled_scores(evaluation, 3, 25)
    np.testing.assert_allclose(fast["macro_f1"], slow["macro_f1"])
    np.testing.assert_allclose(fast["ccc_valence"], slow["ccc_valence"])


def test_blocks_of_resamples_do_not_change_them(monkeypatch: pytest.MonkeyPatch) -> None:
    evaluation = make_evaluation(count=40)
    whole = resampled_scores(evaluation, seed=3, resamples=30)

    monkeypatch.setattr("emotion_core.reporting.resampling._BLOCK_CELLS", 280)
    in_blocks = resampled_scores(evaluation, seed=3, resamples=30)

    for name, values in whole.items():
        np.testing.assert_allclose(in_blocks[name], values)


def test_constant_predictions_have_no_correlation_in_any_resample() -> None:
    frame = make_predictions(make_validation_images(60))
    frame["predicted_valence"] = 0.1

    scores = resampled_scores(Evaluation.from_frame(frame), seed=1, resamples=20)

    assert (scores["ccc_valence"] == 0).all()
    assert (scores["pearson_valence"] == 0).all()


def test_the_mean_ccc_is_the_mean_of_both() -> None:
    scores = resampled_scores(make_evaluation(), seed=1, resamples=10)

    np.testing.assert_allclose(
        scores[MEAN_CCC], (scores["ccc_valence"] + scores["ccc_arousal"]) / 2
    )


def test_intervals_agree_with_scipys_bootstrap() -> None:
    evaluation = make_evaluation(count=300)

    low, high = interval(
        resampled_scores(evaluation, seed=1, resamples=4000)["ccc_valence"],
        evaluation.scores()["ccc_valence"],
    )

    theirs = stats.bootstrap(
        (evaluation.truth_va[:, 0], evaluation.va[:, 0]),
        metrics.ccc,
        paired=True,
        vectorized=False,
        method="percentile",
        n_resamples=2000,
        rng=np.random.default_rng(2),
    ).confidence_interval
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=0.012)


def test_the_interval_of_accuracy_is_as_wide_as_the_binomials() -> None:
    evaluation = make_evaluation(count=400, skill=0.4)
    share = evaluation.scores()["accuracy"]

    low, high = interval(resampled_scores(evaluation, seed=1, resamples=4000)["accuracy"], share)

    assert (high - low) / 2 == pytest.approx(1.96 * np.sqrt(share * (1 - share) / 400), rel=0.08)


def test_the_interval_of_a_guesser_holds_its_own_average_precision() -> None:
    # Resampling lifts average precision by itself, since twins of an image tie.
    evaluation = make_evaluation(count=200, skill=0.0)
    measured = evaluation.scores()["mean_average_precision"]
    resampled = resampled_scores(evaluation, seed=1, resamples=1000)["mean_average_precision"]

    low, high = interval(resampled, measured)

    assert resampled.mean() > measured + 0.01
    assert low < measured < high


def test_intervals_cover_the_truth_about_as_often_as_they_promise() -> None:
    truth = metrics.METRICS
    found = []
    for seed in range(80):
        images = make_validation_images(160, seed=seed + 1)
        frame = make_predictions(images, skill=0.5, seed=seed + 1000)
        found.append((score_intervals(frame, seed, 200), Evaluation.from_frame(frame).scores()))

    for name in truth:
        centre = np.mean([scores[name] for _, scores in found])
        covered = np.mean([low <= centre <= high for low, high in (i[name] for i, _ in found)])
        assert 0.85 <= covered <= 1.0, (name, covered)


def test_the_same_seed_gives_the_same_intervals_whatever_the_order_of_rows() -> None:
    frame = make_predictions(make_validation_images(80))

    first = score_intervals(frame, seed=7, resamples=200)

    assert score_intervals(frame.sample(frac=1, random_state=1), seed=7, resamples=200) == first
    assert score_intervals(frame, seed=8, resamples=200) != first
    assert list(first) == list(metrics.METRICS)


@pytest.mark.parametrize(
    ("only_first", "only_second"), [(0, 0), (1, 0), (5, 5), (3, 12), (40, 61), (900, 1100)]
)
def test_mcnemars_exact_p_agrees_with_statsmodels_and_scipy(
    only_first: int, only_second: int
) -> None:
    counts = Agreement(both=50, only_first=only_first, only_second=only_second, neither=20)

    p = counts.p

    assert p == pytest.approx(mcnemar([[50, only_first], [only_second, 20]], exact=True).pvalue)
    if only_first + only_second:
        tosses = only_first + only_second
        assert p == pytest.approx(stats.binomtest(only_first, tosses).pvalue)


def test_agreement_counts_every_sample_once() -> None:
    one, other = make_evaluation(seed=1), make_evaluation(seed=2)

    counts = agreement(one, other)

    assert counts.both + counts.only_first + counts.only_second + counts.neither == 120
    assert counts.both + counts.only_first == one.right.sum()
    assert counts.both + counts.only_second == other.right.sum()


def test_holm_agrees_with_statsmodels() -> None:
    p_values = [0.011, 0.04, 0.5, 0.002, 0.03, 0.9]

    adjusted = holm(p_values)

    np.testing.assert_allclose(adjusted, multipletests(p_values, method="holm")[1])


def test_benjamini_and_hochberg_agree_with_statsmodels() -> None:
    p_values = [0.011, 0.04, 0.5, 0.002, 0.03, 0.9, 0.03]

    adjusted = benjamini_hochberg(p_values)

    np.testing.assert_allclose(adjusted, multipletests(p_values, method="fdr_bh")[1])


def test_a_run_does_not_differ_from_itself() -> None:
    scores = resampled_scores(make_evaluation(), seed=1, resamples=100)

    found = difference("macro_f1", 0.0, scores["macro_f1"], scores["macro_f1"])

    assert (found.value, found.low, found.high, found.p) == (0.0, 0.0, 0.0, 1.0)


def test_pairing_sees_differences_that_two_separate_intervals_hide() -> None:
    images = make_validation_images(300)
    frame = make_predictions(images, affect_skill=0.5)
    better = frame.copy()
    better["predicted_valence"] += 0.1 * (better["valence"] - better["predicted_valence"])
    one, other = Evaluation.from_frame(better), Evaluation.from_frame(frame)
    first, second = (resampled_scores(e, seed=1, resamples=500) for e in (one, other))
    values = [e.scores()["ccc_valence"] for e in (one, other)]

    found = difference(
        "ccc_valence", values[0] - values[1], first["ccc_valence"], second["ccc_valence"]
    )

    apart = [
        interval(scores["ccc_valence"], v)
        for scores, v in zip((first, second), values, strict=True)
    ]
    assert apart[0][0] < apart[1][1]
    assert 0 < found.low < found.value < found.high
    assert found.p < 0.01


def test_equal_runs_are_called_different_about_as_often_as_the_level_says() -> None:
    alarms = 0
    for seed in range(60):
        images = make_validation_images(120, seed=seed + 1)
        one, other = (
            Evaluation.from_frame(make_predictions(images, skill=0.5, seed=seed + shift))
            for shift in (1000, 5000)
        )
        first, second = (resampled_scores(e, seed=seed, resamples=200) for e in (one, other))
        gap = one.scores()["macro_f1"] - other.scores()["macro_f1"]
        alarms += difference("macro_f1", gap, first["macro_f1"], second["macro_f1"]).p < 0.05

    assert alarms <= 8


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda frame: frame.drop(columns="p_fear"), "p_fear"),
        (lambda frame: frame.iloc[:0], "no validation predictions"),
        (lambda frame: pd.concat([frame, frame.iloc[:1]]), "twice"),
        (lambda frame: frame.assign(predicted_valence=np.nan), "missing or infinite"),
    ],
)
def test_predictions_that_cannot_be_used_are_refused_with_the_reason(spoil, words) -> None:  # type: ignore[no-untyped-def]
    frame = spoil(make_predictions(make_validation_images(16)))

    with pytest.raises(ReportError, match=words):
        score_intervals(frame, seed=1)


def test_rows_of_a_file_and_of_the_tables_are_the_same_validation_part() -> None:
    frame = make_predictions(make_validation_images(40))
    columns = [*PROBABILITY_COLUMNS, "valence", "arousal"]
    stored = frame.assign(**{name: frame[name].astype(np.float32) for name in columns})

    identities = {Evaluation.from_frame(table).identity for table in (frame, stored)}

    assert len(identities) == 1
    other = Evaluation.from_frame(frame.assign(expression=(frame["expression"] + 1) % 8))
    assert other.identity not in identities
