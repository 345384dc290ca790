"""The fast jackknife and tests against slow ones, against scipy and against statsmodels."""

import numpy as np
import pandas as pd
import pytest
from comparison_factory import make_predictions, make_validation_images
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from emotion_core.comparison.expressions import class_scores
from emotion_core.emotions import PROBABILITY_COLUMNS
from emotion_core.errors import ReportError
from emotion_core.statistics import metrics
from emotion_core.statistics.intervals import wilson
from emotion_core.statistics.jackknife import Jackknife
from emotion_core.statistics.paired_tests import (
    Estimate,
    McNemarTable,
    benjamini_hochberg,
    correlation,
    difference,
    estimates,
    holm,
    interval_from_sides,
    mcnemar_table,
    paired_p,
)
from emotion_core.statistics.predictions import Evaluation


def make_evaluation(count: int = 120, seed: int = 1, **skill: float) -> Evaluation:
    images = make_validation_images(count)
    return Evaluation.from_frame(make_predictions(images, seed=seed, **skill))


def intervals_of(predictions: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """What registering stores: the 95 % interval of every metric."""
    found = estimates(Jackknife(Evaluation.from_frame(predictions)))
    return {
        name: (one.low, one.high)
        for name, one in found.items()
        if one.low is not None and one.high is not None
    }


def scores_without(evaluation: Evaluation, content: int) -> dict[str, float]:
    """Everything scored from scratch on what is left without a content."""
    kept = evaluation.images != content
    return metrics.score(
        evaluation.truth[kept],
        evaluation.truth_va[kept],
        evaluation.probabilities[kept],
        evaluation.va[kept],
    )


def slow_jackknife(evaluation: Evaluation) -> pd.DataFrame:
    """The scores without each content in turn."""
    count = evaluation.images.max() + 1
    return pd.DataFrame([scores_without(evaluation, content) for content in range(count)])


def with_copies(frame: pd.DataFrame, share: float, times: int) -> pd.DataFrame:
    """Some of the images, each as so many byte-identical files."""
    chosen = np.arange(round(share * len(frame)))
    places = np.append(np.arange(len(frame)), np.repeat(chosen, times - 1))
    return frame.iloc[places].assign(sample_id=[f"s{n}" for n in range(len(places))])


@pytest.mark.parametrize("copies", [(0.0, 1), (0.1, 3)])
@pytest.mark.parametrize("name", metrics.METRICS)
def test_a_score_moves_as_it_does_without_each_content_scored_in_full(
    name: str, copies: tuple[float, int]
) -> None:
    evaluation = Evaluation.from_frame(
        with_copies(make_predictions(make_validation_images(60)), *copies)
    )
    left = slow_jackknife(evaluation)[name].to_numpy()

    moved = Jackknife(evaluation).moved[name]

    assert len(moved) == 60
    assert moved.std() == pytest.approx(np.sqrt(59 * left.var()))
    np.testing.assert_allclose(moved - moved.mean(), np.sqrt(59) * (left - left.mean()), atol=1e-9)


def test_average_precision_alone_is_centred_on_what_it_is_without_flattery() -> None:
    evaluations = [
        Evaluation.from_frame(make_predictions(make_validation_images(60, seed), seed=seed))
        for seed in range(1, 41)
    ]
    everything = Jackknife(make_evaluation(20_000, seed=99)).scores["mean_average_precision"]

    measured = np.mean([Jackknife(e).scores["mean_average_precision"] for e in evaluations])
    centres = np.mean([Jackknife(e).moved["mean_average_precision"].mean() for e in evaluations])

    assert measured - everything > 0.02
    assert abs(centres - everything) < 0.6 * (measured - everything)
    one = evaluations[0]
    for name in ("accuracy", "macro_f1", "ccc_valence", "rmse_arousal"):
        assert Jackknife(one).moved[name].mean() == pytest.approx(Jackknife(one).scores[name])


def test_constant_predictions_have_no_correlation_without_any_content() -> None:
    frame = make_predictions(make_validation_images(60))
    frame["predicted_valence"] = 0.1

    scores = Jackknife(Evaluation.from_frame(frame)).moved

    assert (scores["ccc_valence"] == 0).all()
    assert (scores["pearson_valence"] == 0).all()


def test_standard_errors_agree_with_scipys_bootstrap() -> None:
    evaluation = make_evaluation(count=300)

    errors = Jackknife(evaluation).moved["ccc_valence"].std()

    theirs = stats.bootstrap(
        (evaluation.truth_va[:, 0], evaluation.va[:, 0]),
        lambda x, y: (
            2 * np.cov(x, y, ddof=0)[0, 1] / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)
        ),
        paired=True,
        vectorized=False,
        method="percentile",
        n_resamples=2000,
        rng=np.random.default_rng(2),
    ).standard_error
    assert errors == pytest.approx(theirs, rel=0.08)


@pytest.mark.parametrize(("right", "count"), [(0, 152), (40, 152), (151, 152), (152, 152), (1, 1)])
def test_the_interval_of_accuracy_is_wilsons(right: int, count: int) -> None:
    images = make_validation_images(count)
    said = images["expression"].to_numpy() + (np.arange(count) >= right)
    frame = make_predictions(images)
    frame[list(PROBABILITY_COLUMNS)] = np.eye(8)[said % 8]

    low, high = intervals_of(frame)["accuracy"]

    assert (low, high) == pytest.approx(proportion_confint(right, count, method="wilson"))


@pytest.mark.parametrize("shift", [0, 1])
@pytest.mark.parametrize("count", [1, 8, 152])
def test_no_interval_is_without_doubt_where_everything_is_right_or_wrong(
    shift: int, count: int
) -> None:
    images = make_validation_images(count)
    frame = make_predictions(images)
    frame[list(PROBABILITY_COLUMNS)] = np.eye(8)[(images["expression"] + shift) % 8]
    sign = 1 if shift == 0 else -1
    for name in ("valence", "arousal"):
        frame[f"predicted_{name}"] = sign * frame[name]
    evaluation = Evaluation.from_frame(frame)

    found = estimates(Jackknife(evaluation))
    classes = class_scores(Jackknife(evaluation))

    alone = [one for c in classes for one in (c.precision, c.recall, c.f1, c.average_precision)]
    for name, one in [*found.items(), *((c, c) for c in alone if c is not None)]:
        if one.low is not None and one.high is not None:
            assert one.low <= one.value <= one.high, name
            assert one.high - one.low > 0.001, name
    assert (found["macro_f1"].value == 1) == (shift == 0 and count >= 8)
    if shift == 0 and count == 152:
        assert found["macro_f1"].low == pytest.approx(0.975, abs=0.002)
        assert found["mean_average_precision"].low == pytest.approx(0.975, abs=0.002)


def test_copies_are_worth_as_many_images_as_kish_says() -> None:
    frame = make_predictions(make_validation_images(152))
    once, often = (
        Evaluation.from_frame(table) for table in (frame, with_copies(frame, 8 / 152, 10))
    )

    assert once.effective_images() == 152
    assert often.effective_images() == pytest.approx(224**2 / (144 + 8 * 100))
    assert often.effective_images(np.zeros(224, dtype=bool)) == 0
    widths = [
        (one.high or 0) - (one.low or 0)
        for one in (estimates(Jackknife(e))["accuracy"] for e in (once, often))
    ]
    assert widths[1] > 1.5 * widths[0]


def test_intervals_cover_the_truth_about_as_often_as_they_promise() -> None:
    everything = metrics.scores_of(
        Evaluation.from_frame(
            make_predictions(make_validation_images(20_000, seed=5), skill=0.5, seed=5)
        )
    )
    found = [
        intervals_of(
            make_predictions(make_validation_images(160, seed=n + 1), skill=0.5, seed=n + 1000)
        )
        for n in range(60)
    ]

    for name in metrics.METRICS:
        covered = np.mean(
            [low <= everything[name] <= high for low, high in (i[name] for i in found)]
        )
        assert 0.85 <= covered <= 1.0, (name, covered)


def test_the_same_rows_give_the_same_intervals_whatever_their_order() -> None:
    frame = make_predictions(make_validation_images(80))

    first = intervals_of(frame)

    assert intervals_of(frame.sample(frac=1, random_state=1)) == first
    assert list(first) == list(metrics.METRICS)


@pytest.mark.parametrize(
    ("only_first", "only_second"), [(0, 0), (1, 0), (5, 5), (3, 12), (40, 61), (900, 1100)]
)
def test_mcnemars_exact_p_agrees_with_statsmodels_and_scipy(
    only_first: int, only_second: int
) -> None:
    counts = McNemarTable(both=50, only_first=only_first, only_second=only_second, neither=20)

    p = counts.p

    assert p == pytest.approx(mcnemar([[50, only_first], [only_second, 20]], exact=True).pvalue)
    if only_first + only_second:
        tosses = only_first + only_second
        assert p == pytest.approx(stats.binomtest(only_first, tosses).pvalue)


def test_agreement_counts_every_content_once() -> None:
    images = make_validation_images(6)
    images["sha256"] = ["a", "a", "a", "b", "b", "c"]
    says = {
        # a: two right against one; b: one each, of different labels; c: only the second.
        "one": [1, 1, 0, 1, 0, 0],
        "other": [0, 0, 1, 0, 1, 1],
    }
    runs = []
    for right in says.values():
        frame = make_predictions(images)
        said = (images["expression"].to_numpy() + 1 - np.array(right)) % 8
        frame[list(PROBABILITY_COLUMNS)] = np.eye(8)[said]
        runs.append(Evaluation.from_frame(frame))

    assert mcnemar_table(*runs) == McNemarTable(both=1, only_first=1, only_second=1, neither=0)
    assert mcnemar_table(*runs).p == 1.0


def test_copies_of_one_image_are_one_toss() -> None:
    images = with_copies(make_validation_images(40), 0.05, 10)
    frame = make_predictions(images)
    right = np.eye(8)[images["expression"].to_numpy()]
    wrong = np.roll(right, 1, axis=1)
    copied = images["sha256"].duplicated(keep=False).to_numpy()[:, None]
    runs = [
        Evaluation.from_frame(frame.assign(**dict(zip(PROBABILITY_COLUMNS, said.T, strict=True))))
        for said in (right, np.where(copied, wrong, right))
    ]

    counts = mcnemar_table(*runs)

    assert (counts.both, counts.only_first, counts.only_second, counts.neither) == (38, 2, 0, 0)
    assert counts.p == 0.5


def test_holm_agrees_with_statsmodels() -> None:
    p_values = [0.011, 0.04, 0.5, 0.002, 0.03, 0.9]

    adjusted = holm(p_values)

    np.testing.assert_allclose(adjusted, multipletests(p_values, method="holm")[1])


def test_benjamini_and_hochberg_agree_with_statsmodels() -> None:
    p_values = [0.011, 0.04, 0.5, 0.002, 0.03, 0.9, 0.03]

    adjusted = benjamini_hochberg(p_values)

    np.testing.assert_allclose(adjusted, multipletests(p_values, method="fdr_bh")[1])


def test_a_run_does_not_differ_from_itself() -> None:
    run = Jackknife(make_evaluation())

    found = difference("macro_f1", run, run)

    assert (found.value, found.low, found.high, found.p) == (0.0, 0.0, 0.0, 1.0)


def test_a_test_of_shares_without_counts_is_students_of_the_contents() -> None:
    one, other = make_evaluation(count=200, seed=1), make_evaluation(count=200, seed=2)
    gaps = one.right.astype(float) - other.right.astype(float)

    first, second = Jackknife(one), Jackknife(other)
    found = difference("accuracy", first, second)
    p = paired_p(found.value, first.moved["accuracy"], second.moved["accuracy"])

    theirs = stats.ttest_1samp(gaps, 0.0)
    assert p == pytest.approx(theirs.pvalue)
    interval = theirs.confidence_interval()
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


@pytest.mark.parametrize(("count", "least"), [(1, 1.0), (2, 0.5), (5, 1 / 16)])
def test_few_images_cannot_tell_more_than_as_many_coins(count: int, least: float) -> None:
    assert paired_p(1.0, np.ones(count), np.zeros(count)) == least


def test_two_networks_that_are_always_right_may_still_differ_on_other_images() -> None:
    sure = Estimate(1.0, *wilson(152, 152))

    low, high = interval_from_sides(0.0, sure, sure, correlation(np.ones(152), np.ones(152)))

    assert paired_p(0.0, np.ones(152), np.ones(152)) == 1.0
    assert (low, high) == pytest.approx((wilson(152, 152)[0] - 1, 1 - wilson(152, 152)[0]))


def test_the_interval_of_a_difference_of_shares_is_newcombes() -> None:
    # His example of 50 pairs, of which 36 were both, 12 and 2 one alone: .20, from .0569 to .3404.
    first = np.repeat([1.0, 1.0, 0.0], [36, 12, 2])
    second = np.repeat([1.0, 0.0, 1.0], [36, 12, 2])
    sides = tuple(Estimate(x.mean(), *wilson(x.sum(), 50)) for x in (first, second))

    found = interval_from_sides(0.2, sides[0], sides[1], correlation(first, second))

    assert found == pytest.approx((0.0569, 0.3404), abs=1e-4)


def test_pairing_sees_differences_that_two_separate_intervals_hide() -> None:
    images = make_validation_images(300)
    frame = make_predictions(images, affect_skill=0.5)
    better = frame.copy()
    better["predicted_valence"] += 0.1 * (better["valence"] - better["predicted_valence"])
    runs = [Evaluation.from_frame(table) for table in (better, frame)]
    resampled = [Jackknife(run) for run in runs]
    sides = [estimates(one)["ccc_valence"] for one in resampled]

    found = difference("ccc_valence", *resampled, sides=(sides[0], sides[1]))

    assert (sides[0].low or 0) < (sides[1].high or 0)
    assert 0 < found.low < found.value < found.high
    assert found.p < 0.01


def test_equal_runs_are_called_different_about_as_often_as_the_level_says() -> None:
    alarms = 0
    for seed in range(60):
        images = with_copies(make_validation_images(120, seed=seed + 1), 0.05, 10)
        runs = [
            Evaluation.from_frame(
                with_one_answer_per_content(make_predictions(images, skill=0.5, seed=seed + shift))
            )
            for shift in (1000, 5000)
        ]
        alarms += difference("macro_f1", *map(Jackknife, runs)).p < 0.05

    assert alarms <= 8


def with_one_answer_per_content(frame: pd.DataFrame) -> pd.DataFrame:
    """Byte-identical files get the answer of the first of them."""
    answers = [*PROBABILITY_COLUMNS, "predicted_valence", "predicted_arousal"]
    return frame.assign(**frame.groupby("sha256")[answers].transform("first"))


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
        intervals_of(frame)


def test_rows_of_a_file_and_of_the_tables_are_the_same_validation_part() -> None:
    frame = make_predictions(make_validation_images(40))
    columns = [*PROBABILITY_COLUMNS, "valence", "arousal"]
    stored = frame.assign(**{name: frame[name].astype(np.float32) for name in columns})

    identities = {Evaluation.from_frame(table).identity for table in (frame, stored)}

    assert len(identities) == 1
    other = Evaluation.from_frame(frame.assign(expression=(frame["expression"] + 1) % 8))
    assert other.identity not in identities
