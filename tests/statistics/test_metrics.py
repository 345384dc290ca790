"""The scores against scikit-learn, scipy, hand-computed cases and their own definitions."""

import itertools

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sklearn_metrics

from emotion_core.emotions import EXPRESSIONS
from emotion_core.statistics import metrics
from emotion_core.statistics.predictions import Predictions

LABELS = list(range(8))


def said(predicted: object) -> np.ndarray:
    """Probabilities of a network that is certain of these labels."""
    return np.eye(8)[np.asarray(predicted)]


def affect_score(name: str, truth: object, predicted: object) -> float:
    """A metric of valence alone."""
    x, y = (np.asarray(values, dtype=float) for values in (truth, predicted))
    labels = np.zeros(len(x), dtype=int)
    pair = (np.stack([values, values], axis=1) for values in (x, y))
    return metrics.score(labels, next(pair), said(labels), next(pair))[f"{name}_valence"]


def label_score(name: str, truth: object, predicted: object) -> float:
    """A metric of expression alone."""
    none = np.zeros((len(np.asarray(truth)), 2))
    return metrics.score(truth, none, said(predicted), none)[name]


def precisions(truth: object, probabilities: np.ndarray) -> np.ndarray:
    none = np.zeros((len(probabilities), 2))
    return Predictions(np.asarray(truth), none, probabilities, none).average_precisions


def make_scored_images(
    seed: int, count: int = 200, labels: int = 8, decimals: int = 6
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Truth, truth_va, probabilities, va of images scored with some skill.

    Few ``decimals`` make ties between probabilities.
    """
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, labels, count)
    logits = rng.normal(size=(count, 8))
    logits[np.arange(count), truth] += 1.0
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth_va = rng.uniform(-1, 1, (count, 2))
    va = np.clip(0.6 * truth_va + rng.normal(0, 0.3, (count, 2)), -1, 1)
    return truth, truth_va, probabilities.round(decimals), va


@pytest.mark.parametrize("seed", range(5))
def test_expression_scores_agree_with_scikit_learn(seed: int) -> None:
    truth, truth_va, probabilities, va = make_scored_images(seed)
    predicted = probabilities.argmax(axis=1)

    scores = metrics.score(truth, truth_va, probabilities, va)

    assert scores["accuracy"] == pytest.approx(sklearn_metrics.accuracy_score(truth, predicted))
    assert scores["macro_f1"] == pytest.approx(
        sklearn_metrics.f1_score(truth, predicted, average="macro")
    )
    assert scores["cohen_kappa"] == pytest.approx(
        sklearn_metrics.cohen_kappa_score(truth, predicted)
    )
    assert scores["mean_average_precision"] == pytest.approx(
        sklearn_metrics.average_precision_score(np.eye(8)[truth], probabilities, average="macro")
    )
    np.testing.assert_array_equal(
        Predictions(truth, truth_va, probabilities, va).confusion,
        sklearn_metrics.confusion_matrix(truth, predicted, labels=LABELS),
    )


def test_macro_f1_divides_by_all_eight_labels_even_when_some_are_absent() -> None:
    truth, predicted = np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0])

    value = label_score("macro_f1", truth, predicted)

    assert value == pytest.approx((4 / 5 + 2 / 3) / 8)
    assert value == pytest.approx(
        sklearn_metrics.f1_score(truth, predicted, labels=LABELS, average="macro", zero_division=0)
    )


def test_precision_recall_and_f1_of_each_label_agree_with_scikit_learn() -> None:
    truth, _, probabilities, _ = make_scored_images(3, labels=6)
    predicted = probabilities.argmax(axis=1)

    found = metrics.precision_recall_f1(
        sklearn_metrics.confusion_matrix(truth, predicted, labels=LABELS)
    )

    expected = sklearn_metrics.precision_recall_fscore_support(
        truth, predicted, labels=LABELS, zero_division=0
    )
    np.testing.assert_allclose(found, expected[:3])


@pytest.mark.parametrize("decimals", [1, 2, 12])
def test_average_precision_treats_ties_as_scikit_learn_does(decimals: int) -> None:
    truth, _, probabilities, _ = make_scored_images(7, decimals=decimals)

    found = precisions(truth, probabilities)

    expected = [
        sklearn_metrics.average_precision_score(truth == label, probabilities[:, label])
        for label in LABELS
    ]
    np.testing.assert_allclose(found, expected)


def test_average_precision_of_an_absent_label_is_nan_and_left_out_of_the_mean() -> None:
    truth, _, probabilities, _ = make_scored_images(7, labels=5)

    found = precisions(truth, probabilities)

    assert np.isnan(found[5:]).all()
    assert np.nanmean(precisions(truth, probabilities)) == pytest.approx(found[:5].mean())


def test_average_precision_by_hand() -> None:
    # Ranked: hit, miss, hit -> (1/1 + 2/3) / 2.
    truth = np.array([0, 1, 0])
    probabilities = np.zeros((3, 8))
    probabilities[:, 0] = [0.9, 0.5, 0.4]

    assert precisions(truth, probabilities)[0] == pytest.approx(5 / 6)


@pytest.mark.parametrize("seed", range(5))
def test_pearson_and_rmse_agree_with_scipy_and_scikit_learn(seed: int) -> None:
    _, truth_va, _, va = make_scored_images(seed)

    r = affect_score("pearson", truth_va[:, 0], va[:, 0])
    error = affect_score("rmse", truth_va[:, 0], va[:, 0])

    assert r == pytest.approx(stats.pearsonr(truth_va[:, 0], va[:, 0]).statistic)
    assert error == pytest.approx(sklearn_metrics.root_mean_squared_error(truth_va[:, 0], va[:, 0]))


def test_ccc_by_hand() -> None:
    # Means 2 and 3, population variances 2/3 and 2/3, covariance 2/3.
    assert affect_score("ccc", [1.0, 2.0, 3.0], [2.0, 3.0, 4.0]) == pytest.approx(
        (2 * 2 / 3) / (2 / 3 + 2 / 3 + 1)
    )


def test_ccc_is_pearson_times_lins_bias_factor() -> None:
    _, truth_va, _, va = make_scored_images(11)
    x, y = truth_va[:, 1], 0.4 * va[:, 1] + 0.2
    scale, shift = x.std() / y.std(), (x.mean() - y.mean()) / np.sqrt(x.std() * y.std())

    value = affect_score("ccc", x, y)

    assert value == pytest.approx(
        affect_score("pearson", x, y) * 2 / (scale + 1 / scale + shift**2)
    )


def test_sagr_by_hand_where_zero_agrees_with_zero_alone() -> None:
    assert affect_score(
        "sagr", [0.5, -0.1, 0.0, 0.0, 0.2], [0.1, 0.1, 0.0, 0.3, 0.0]
    ) == pytest.approx(0.4)


def test_perfect_predictions_reach_the_top_of_every_score() -> None:
    truth, truth_va, _, _ = make_scored_images(1)

    scores = metrics.score(truth, truth_va, np.eye(8)[truth], truth_va)

    for name, metric in metrics.METRICS.items():
        assert scores[name] == pytest.approx(1.0 if metric.higher_is_better else 0.0), name


@pytest.mark.parametrize("formula", ["pearson", "ccc"])
@pytest.mark.parametrize("constant", [0.1, 0.0, -1.0])
def test_a_constant_side_has_no_correlation(formula: str, constant: float) -> None:
    varied = np.linspace(-1, 1, 7)
    flat = np.full(7, constant)

    assert affect_score(formula, varied, flat) == 0.0
    assert affect_score(formula, flat, varied) == 0.0
    assert affect_score(formula, flat, flat) == 0.0


def test_values_too_small_to_square_have_no_correlation_rather_than_nan() -> None:
    tiny = np.array([0.0, 1e-200, 2e-200])

    assert affect_score("pearson", tiny, tiny) == 0.0
    assert affect_score("ccc", tiny, tiny) == 0.0


def test_kappa_of_one_label_only_is_no_agreement_beyond_chance() -> None:
    assert label_score("cohen_kappa", np.zeros(5, dtype=int), np.zeros(5, dtype=int)) == 0.0


def test_confusion_scores_work_on_stacks_of_matrices() -> None:
    rng = np.random.default_rng(2)
    stack = rng.integers(0, 20, (3, 4, 8, 8))

    values = {
        formula.__name__: formula(stack)
        for formula in (metrics.accuracy, metrics.macro_f1, metrics.cohen_kappa)
    }

    for name, formula in (
        ("accuracy", metrics.accuracy),
        ("macro_f1", metrics.macro_f1),
        ("cohen_kappa", metrics.cohen_kappa),
    ):
        assert values[name].shape == (3, 4)
        assert values[name][2, 1] == pytest.approx(float(formula(stack[2, 1])))


def test_score_gives_exactly_the_metrics_that_are_described() -> None:
    truth, truth_va, probabilities, va = make_scored_images(1)

    assert set(metrics.score(truth, truth_va, probabilities, va)) == set(metrics.METRICS)
    assert list(metrics.chance_line(truth, truth_va)) == list(metrics.METRICS)
    assert set(metrics.constant_predictor(truth, truth_va, truth, truth_va)) == set(metrics.METRICS)


def test_float32_input_gives_the_same_scores_as_its_float64_copy() -> None:
    truth, truth_va, probabilities, va = make_scored_images(1)
    narrow = [array.astype(np.float32) for array in (truth_va, probabilities, va)]

    scores = metrics.score(truth.astype(np.uint8), *narrow)

    assert scores == metrics.score(truth, *(array.astype(np.float64) for array in narrow))


def test_the_chance_line_is_the_mean_over_all_permutations_of_the_truth() -> None:
    values = np.array([-0.8, -0.1, 0.0, 0.3, 0.7, 0.9])
    truth_va = np.stack([values, values[::-1]], axis=1)
    orders = [values[list(order)] for order in itertools.permutations(range(6))]

    line = metrics.chance_line(np.arange(6), truth_va)

    mean_square = np.mean([np.mean((values - order) ** 2) for order in orders])
    assert line["rmse_valence"] == pytest.approx(np.sqrt(mean_square))
    assert line["sagr_valence"] == pytest.approx(
        np.mean([affect_score("sagr", values, o) for o in orders])
    )
    assert np.mean([affect_score("ccc", values, o) for o in orders]) == pytest.approx(
        0.0, abs=1e-12
    )
    assert (line["ccc_valence"], line["pearson_arousal"]) == (0.0, 0.0)


def test_the_chance_line_of_average_precision_is_the_mean_over_all_rankings() -> None:
    truth = np.array([0, 0, 1, 1, 1, 2])
    ranks = np.arange(6) / 6
    found = []
    for order in itertools.permutations(range(6)):
        probabilities = np.tile(ranks[list(order)][:, None], (1, 8))
        found.append(np.nanmean(precisions(truth, probabilities)))

    line = metrics.chance_line(truth, np.zeros((6, 2)))

    assert line["mean_average_precision"] == pytest.approx(np.mean(found))


def test_the_chance_line_of_labels_is_what_guessing_reaches() -> None:
    rng = np.random.default_rng(0)
    truth = rng.choice(8, size=4000, p=[0.4, 0.2, 0.1, 0.1, 0.05, 0.05, 0.05, 0.05])
    guesses = rng.integers(0, 8, (50, 4000))

    line = metrics.chance_line(truth, np.zeros((4000, 2)))

    assert line["accuracy"] == 1 / 8
    assert line["cohen_kappa"] == 0.0
    assert line["macro_f1"] == pytest.approx(
        np.mean([label_score("macro_f1", truth, guess) for guess in guesses]), abs=2e-3
    )


def test_the_constant_predictor_says_the_most_frequent_label_and_the_mean_of_training() -> None:
    train_truth, train_va = np.array([3, 3, 5]), np.array([[0.2, 0.4], [0.4, 0.4], [0.6, 0.4]])
    truth, truth_va = np.array([3, 5, 5, 5]), np.array([[0.4, -0.4]] * 4)

    scores = metrics.constant_predictor(train_truth, train_va, truth, truth_va)

    assert scores["accuracy"] == 0.25
    assert scores["mean_average_precision"] == pytest.approx((0.25 + 0.75) / 2)
    assert scores["rmse_valence"] == pytest.approx(0.0)
    assert scores["rmse_arousal"] == pytest.approx(0.8)
    assert scores["sagr_arousal"] == 0.0
    assert scores["ccc_valence"] == 0.0


def test_the_selection_score_weighs_both_tasks_equally() -> None:
    assert metrics.selection_score(
        {"macro_f1": 0.4, "ccc_valence": 0.6, "ccc_arousal": 0.2, "accuracy": 0.9}
    ) == pytest.approx(0.4)


@pytest.mark.parametrize("hole", [np.nan, np.inf])
@pytest.mark.parametrize("which", [1, 2, 3])
def test_numbers_that_are_not_finite_are_refused(which: int, hole: float) -> None:
    scored = list(make_scored_images(1))
    scored[which] = scored[which].copy()
    scored[which][5, 1] = hole

    with pytest.raises(ValueError, match="NaN or infinite"):
        metrics.score(*scored)


@pytest.mark.parametrize("labels", [[], [8], [-1], [0.5], [[0]], ["Happy"]])
def test_labels_that_are_none_of_the_eight_are_refused(labels: list[object]) -> None:
    with pytest.raises(ValueError, match=r"label"):
        metrics.chance_line(labels, np.zeros((len(labels), 2)))


def test_arrays_of_different_lengths_are_refused() -> None:
    truth, truth_va, probabilities, va = make_scored_images(1)

    with pytest.raises(ValueError, match="shape"):
        metrics.score(truth, truth_va, probabilities[:-1], va)
    with pytest.raises(ValueError, match="shape"):
        metrics.score(truth[:-1], truth_va, probabilities, va)


def test_every_metric_names_its_source_and_its_task() -> None:
    assert len(metrics.METRICS) == 13
    for name, metric in metrics.METRICS.items():
        assert metric.name == name
        assert metric.source
        assert metric.dimension is None or metric.task == "affect"
        assert metric.higher_is_better == (not name.startswith("rmse"))
    assert metrics.DECISIVE == {"expression": "accuracy", "affect": "ccc_mean"}


def test_the_mean_ccc_is_the_mean_of_both() -> None:
    scores = metrics.score(*make_scored_images(3))

    assert scores["ccc_mean"] == pytest.approx((scores["ccc_valence"] + scores["ccc_arousal"]) / 2)


def test_the_matrix_is_in_the_one_label_order() -> None:
    truth = np.arange(8)

    none = np.zeros((8, 2))
    matrix = Predictions(truth, none, said(truth[::-1]), none).confusion

    assert matrix[EXPRESSIONS.index("Neutral"), EXPRESSIONS.index("Contempt")] == 1
