"""What a comparison says: verdicts, pairs, tables, circumstances and warnings."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from comparison_factory import (
    MADE_AT,
    RECIPE,
    make_failed_run,
    make_run_facts,
    make_validation_images,
)

from emotion_core.comparison import formatting
from emotion_core.comparison.compared_run import RunFacts
from emotion_core.comparison.comparison import Comparison, compare
from emotion_core.errors import ReportError
from emotion_core.statistics.metrics import METRICS
from emotion_core.statistics.paired_tests import score_intervals

IMAGES = make_validation_images(240)


def compare_two(first: dict[str, float], second: dict[str, float]) -> Comparison:
    """Two networks of these skills on the same images."""
    return compare(
        [
            make_run_facts("resnet50", images=IMAGES, **first),
            make_run_facts("efficientnet_b0", images=IMAGES, seed=2, **second),
        ],
        MADE_AT,
    )


def with_predictions(facts: RunFacts, predictions: pd.DataFrame) -> RunFacts:
    return dataclasses.replace(facts, predictions=predictions)


# --- which is better ------------------------------------------------------------------------------


def test_a_network_that_beats_the_other_by_more_than_chance_wins() -> None:
    comparison = compare_two(
        {"skill": 1.0, "affect_skill": 0.7}, {"skill": 0.3, "affect_skill": 0.3}
    )

    assert [verdict.kind for verdict in comparison.verdicts] == ["winner", "winner"]
    assert [verdict.winner for verdict in comparison.verdicts] == [0, 0]
    assert comparison.summary == (
        "Expression: ResNet50 is better. Valence and arousal: ResNet50 is better."
    )


def test_the_winner_may_stand_second_and_differ_by_task() -> None:
    comparison = compare_two(
        {"skill": 0.3, "affect_skill": 0.7}, {"skill": 1.0, "affect_skill": 0.3}
    )

    expression, affect = comparison.verdicts
    assert (expression.winner, affect.winner) == (1, 0)
    assert expression.headline == "EfficientNet-B0 is better"
    lead = comparison.runs[1].scores["accuracy"].value - comparison.runs[0].scores["accuracy"].value
    assert f"a lead of {lead:.3f}".replace("0.", ".") in expression.sentence
    assert "−" not in expression.sentence


def test_equally_good_networks_have_no_clear_winner() -> None:
    comparison = compare_two({"skill": 0.6}, {"skill": 0.6})

    assert [verdict.kind for verdict in comparison.verdicts] == ["no_winner", "no_winner"]
    assert all("too often" in (verdict.chance or "") for verdict in comparison.verdicts)
    assert not any(
        cell.is_best for table in comparison.tables for row in table.rows for cell in row.cells
    )


def test_two_copies_of_one_network_are_exactly_level() -> None:
    facts = make_run_facts(images=IMAGES)

    comparison = compare([facts, facts], MADE_AT)

    assert [run.label for run in comparison.runs] == ["ResNet50 (seed) 1", "ResNet50 (seed) 2"]
    assert "have the same accuracy" in comparison.verdicts[0].sentence
    assert all(finding.p == 1.0 for finding in comparison.pairs[0].findings)


def test_runs_of_one_recipe_are_told_apart_by_their_models_versions() -> None:
    runs = [make_run_facts(images=IMAGES, seed=n, model_name=f"resnet50 v{n}") for n in (3, 7)]

    comparison = compare(runs, MADE_AT)

    assert [run.label for run in comparison.runs] == ["ResNet50 (seed) v3", "ResNet50 (seed) v7"]


def test_nobody_wins_among_networks_that_do_not_beat_guessing() -> None:
    comparison = compare_two(
        {"skill": 0.0, "affect_skill": 0.0}, {"skill": 0.0, "affect_skill": 0.0}
    )

    assert [verdict.kind for verdict in comparison.verdicts] == ["no_skill", "no_skill"]
    assert "No better than guessing" in comparison.verdicts[0].headline


def test_a_winner_is_not_called_while_another_metric_says_the_opposite() -> None:
    facts = make_run_facts("resnet50", images=IMAGES, affect_skill=0.6)
    centre = facts.predictions[["valence", "arousal"]].mean().to_numpy()
    said = facts.predictions[["predicted_valence", "predicted_arousal"]]
    bold, shy = facts.predictions.copy(), facts.predictions.copy()
    # Bolder answers agree better and miss by more; answers near the mean the other way round.
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 0.28, said.shape)
    bold[said.columns] = np.clip(centre + 1.6 * (said - centre) + noise, -1, 1)
    shy[said.columns] = centre + 0.32 * (said - centre)

    comparison = compare(
        [
            with_predictions(facts, bold),
            with_predictions(make_run_facts("efficientnet_b0", images=IMAGES), shy),
        ],
        MADE_AT,
    )

    verdict = comparison.verdicts[1]
    assert comparison.pairs[0].finding("ccc_mean").better == 0
    assert verdict.kind == "no_winner"
    assert "But EfficientNet-B0 is better by more than chance in" in verdict.sentence


def test_no_verdict_hangs_on_a_seed() -> None:
    runs = [
        make_run_facts(network, images=IMAGES, skill=skill, seed=n)
        for n, (network, skill) in enumerate((("resnet50", 0.75), ("efficientnet_b0", 0.5)), 1)
    ]
    pages = {
        str(compare([with_seed(run, seed) for run in runs], MADE_AT).to_dict()["pairs"])
        for seed in (1, 42, 2_000_000)
    }

    assert len(pages) == 1


def with_seed(facts: RunFacts, seed: int) -> RunFacts:
    return dataclasses.replace(facts, record=dataclasses.replace(facts.record, split_seed=seed))


def test_both_tasks_share_the_five_per_cent_of_a_page() -> None:
    comparison = compare_two({"skill": 0.75}, {"skill": 0.56})

    (pair,) = comparison.pairs
    accuracy, affect = pair.finding("accuracy"), pair.finding("ccc_mean")
    alone, other = accuracy.difference.p, affect.difference.p
    assert 0.025 < alone < 0.05 < other
    assert (accuracy.p, affect.p) == (2 * alone, pytest.approx(max(2 * alone, other)))
    assert accuracy.better is None
    assert comparison.verdicts[0].kind == "no_winner"
    chance = comparison.verdicts[0].chance or ""
    assert "by McNemar’s exact test" in chance
    assert f"{2 * alone:.3f}".lstrip("0") in chance and "corrected for both tasks" in chance


def test_copies_of_an_image_win_no_comparison() -> None:
    images = IMAGES.iloc[np.append(np.arange(240), np.repeat(np.arange(8), 9))]
    images = images.assign(sample_id=[str(n) for n in range(len(images))]).reset_index(drop=True)
    right = np.eye(8)[images["expression"].to_numpy()]
    wrong = np.roll(right, 1, axis=1)
    copied = images["sha256"].duplicated(keep=False).to_numpy()
    # Right on eight images that came ten times, wrong on nine others: 80 samples against 9.
    first, second = right.copy(), right.copy()
    second[copied] = wrong[copied]
    first[20:29] = wrong[20:29]
    runs = []
    for network, said in (("resnet50", first), ("efficientnet_b0", second)):
        facts = make_run_facts(network, images=images)
        frame = facts.predictions.copy()
        frame[[name for name in frame if str(name).startswith("p_")]] = said
        runs.append(with_predictions(facts, frame))

    comparison = compare(runs, MADE_AT)

    (pair,) = comparison.pairs
    assert (pair.agreement.only_first, pair.agreement.only_second) == (8, 9)
    assert pair.finding("accuracy").difference.value > 0.2
    assert pair.finding("accuracy").p == 1.0
    assert pair.finding("accuracy").better is None
    assert comparison.verdicts[0].kind == "no_winner"


def test_a_third_network_must_be_beaten_too() -> None:
    skills = {"resnet50": 1.2, "efficientnet_b0": 1.15, "swin_t": 0.2}
    runs = [
        make_run_facts(name, images=IMAGES, skill=skill, seed=n)
        for n, (name, skill) in enumerate(skills.items(), start=1)
    ]

    comparison = compare(runs, MADE_AT)

    verdict = comparison.verdicts[0]
    assert len(comparison.pairs) == 3
    assert verdict.kind == "no_winner"
    assert "clearly ahead of swin_t" in verdict.sentence
    assert "corrected for both tasks and all pairs" in (verdict.chance or "")


def test_three_networks_can_have_a_winner() -> None:
    runs = [
        make_run_facts(name, images=IMAGES, skill=skill, seed=n)
        for n, (name, skill) in enumerate((("a", 0.2), ("b", 2.0), ("c", 0.4)), start=1)
    ]

    verdict = compare(runs, MADE_AT).verdicts[0]

    assert (verdict.kind, verdict.winner) == ("winner", 1)
    assert verdict.headline == "b is better than c and a"


def test_one_network_alone_is_held_against_guessing() -> None:
    comparison = compare([make_run_facts(images=IMAGES)], MADE_AT)

    assert [verdict.kind for verdict in comparison.verdicts] == ["one_run", "one_run"]
    assert "guessing or always saying the same reaches .125" in comparison.verdicts[0].sentence


# --- what may be paired ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dataset_fingerprint": "ab" * 32}, "different data sets"),
        ({"split_seed": 7}, "different splits"),
        ({"validation_share": 0.2}, "different splits"),
        ({"images": make_validation_images(240, seed=9)}, "different images"),
    ],
)
def test_runs_on_different_images_are_not_paired_and_nothing_is_claimed(
    changes: dict[str, object], words: str
) -> None:
    first = make_run_facts(images=IMAGES, skill=2.0)
    second = make_run_facts("efficientnet_b0", **({"images": IMAGES, "skill": 0.2} | changes))

    comparison = compare([first, second], MADE_AT)

    assert comparison.pairs == ()
    assert words in (comparison.not_paired or "")
    assert {verdict.kind for verdict in comparison.verdicts} == {"not_paired"}
    assert "Not the same images" in [warning.title for warning in comparison.warnings]
    assert not any(
        cell.is_best for table in comparison.tables for row in table.rows for cell in row.cells
    )


def test_yardsticks_of_runs_on_different_images_stand_in_rows_of_their_own() -> None:
    comparison = compare(
        [
            make_run_facts(images=IMAGES),
            make_run_facts("efficientnet_b0", images=make_validation_images(250, seed=9)),
        ],
        MADE_AT,
    )

    rows = [row for row in comparison.tables[1].rows if row.label == "Chance"]
    assert len(rows) == 2
    assert "for ResNet50" in (rows[0].detail or "")


# --- runs without figures -------------------------------------------------------------------------


def test_a_failed_run_is_shown_with_its_reason_and_the_other_with_its_figures() -> None:
    comparison = compare([make_run_facts(images=IMAGES), make_failed_run()], MADE_AT)

    assert [run.state for run in comparison.runs] == ["succeeded", "failed"]
    assert comparison.verdicts[0].kind == "one_run"
    row = comparison.tables[0].rows[1]
    assert row.cells == ()
    assert row.missing == "failed: CUDA out of memory; use a smaller batch_size"
    assert ("EfficientNet-B0 failed", "CUDA out of memory; use a smaller batch_size.") in [
        (warning.title, warning.text) for warning in comparison.warnings
    ]


def test_when_every_run_failed_there_is_no_result_but_a_page_of_reasons() -> None:
    comparison = compare([make_failed_run("resnet50"), make_failed_run()], MADE_AT)

    assert [verdict.kind for verdict in comparison.verdicts] == ["no_run", "no_run"]
    assert len(comparison.warnings) == 2


@pytest.mark.parametrize(
    ("status", "words"), [("running", "not ended yet"), ("succeeded", "not in the tables")]
)
def test_a_run_without_predictions_says_what_is_missing(status: str, words: str) -> None:
    unfinished = make_failed_run(status=status, failure=None)

    comparison = compare([make_run_facts(images=IMAGES), unfinished], MADE_AT)

    assert words in (comparison.runs[1].reason or "")
    assert comparison.runs[1].scores == {}


@pytest.mark.parametrize("count", [0, 9])
def test_a_comparison_holds_one_to_eight_runs(count: int) -> None:
    with pytest.raises(ReportError, match="1 to 8 runs"):
        compare([make_failed_run(f"network{n}") for n in range(count)], MADE_AT)


def test_predictions_that_cannot_be_used_name_the_run() -> None:
    facts = make_run_facts(images=IMAGES)
    spoilt = with_predictions(facts, facts.predictions.assign(p_fear=np.nan))

    with pytest.raises(ReportError, match=r"/resnet50' \(ResNet50\): .*missing or infinite"):
        compare([spoilt], MADE_AT)


# --- tables ---------------------------------------------------------------------------------------


def test_every_metric_stands_in_the_tables_with_its_interval_between_low_and_high() -> None:
    comparison = compare_two({"skill": 1.0}, {"skill": 0.5})

    names = [metric.name for table in comparison.tables for metric in table.columns]
    assert sorted(names) == sorted(METRICS)
    for table in comparison.tables:
        for cell in (cell for row in table.rows[:2] for cell in row.cells):
            assert cell.estimate is not None
            assert cell.estimate.low is not None and cell.estimate.high is not None
            assert cell.estimate.low <= cell.estimate.value <= cell.estimate.high


def test_the_intervals_are_those_that_registering_the_run_stores() -> None:
    facts = make_run_facts(images=IMAGES)

    run = compare([facts], MADE_AT).runs[0]

    stored = score_intervals(facts.predictions)
    assert {name: (run.scores[name].low, run.scores[name].high) for name in METRICS} == stored


def test_the_best_figure_is_marked_only_where_its_lead_is_more_than_chance() -> None:
    comparison = compare_two(
        {"skill": 1.0, "affect_skill": 0.5}, {"skill": 0.3, "affect_skill": 0.5}
    )

    marked = {
        (row.label, metric.name)
        for table in comparison.tables
        for row in table.rows
        for metric, cell in zip(table.columns, row.cells, strict=False)
        if cell.is_best
    }
    assert {("ResNet50", "accuracy"), ("ResNet50", "macro_f1")} <= marked
    assert not any(label == "EfficientNet-B0" for label, _ in marked)


def test_a_lower_rmse_is_the_better_one() -> None:
    comparison = compare_two({"affect_skill": 0.2}, {"affect_skill": 0.8})

    pair = comparison.pairs[0]
    finding = pair.finding("rmse_valence")
    assert finding.difference.value > 0
    assert finding.better == 1
    assert finding.advantage[1] < 0
    assert pair.lead("rmse_valence").number == 1
    assert pair.lead("rmse_valence").value == pytest.approx(finding.difference.value)


def test_the_reported_figures_stand_beside_real_faces_and_not_beside_drawn_ones() -> None:
    real = compare([make_run_facts(images=IMAGES)], MADE_AT)
    drawn = compare([make_run_facts(images=IMAGES, dataset_is_drawn=True)], MADE_AT)

    published = [row for row in real.tables[0].rows if row.kind == "published"]
    assert [row.label for row in published] == [
        "ResNet50, as reported",
        "EfficientNet-B0, as reported",
    ]
    assert published[0].cells[0].estimate is not None
    assert published[0].cells[0].estimate.value == 0.408
    assert all("600 validation images" in (row.detail or "") for row in published)
    assert not [row for row in drawn.tables[0].rows if row.kind == "published"]


def test_frequent_mistakes_are_named_most_frequent_first() -> None:
    run = compare([make_run_facts(images=IMAGES, skill=0.4)], MADE_AT).runs[0]

    counts = [mistake.count for mistake in run.mistakes]
    assert len(counts) == 3
    assert counts == sorted(counts, reverse=True)
    assert all(mistake.truth != mistake.predicted and mistake.of == 30 for mistake in run.mistakes)


# --- circumstances --------------------------------------------------------------------------------


def test_what_differs_is_told_apart_from_what_is_the_same() -> None:
    comparison = compare(
        [
            make_run_facts(images=IMAGES),
            make_run_facts(
                "efficientnet_b0",
                images=IMAGES,
                recipe=RECIPE | {"network": "efficientnet_b0", "learning_rate": 1e-3},
                device="CPU, 2 threads",
            ),
        ],
        MADE_AT,
    )

    different = {setting.name: setting.values for setting in comparison.configuration.different}
    assert different == {
        "Learning rate": ("0.0001", "0.001"),
        "Device": ("NVIDIA H200", "CPU, 2 threads"),
    }
    same = {setting.name: setting.common for setting in comparison.configuration.same}
    assert same["Batch size"] == "32"
    assert same["torch"] == "2.11.0"
    titles = [warning.title for warning in comparison.warnings]
    assert titles == ["Trained on a CPU", "The recipes differ"]


def test_what_a_failed_run_never_recorded_is_no_difference() -> None:
    comparison = compare([make_run_facts(images=IMAGES), make_failed_run()], MADE_AT)

    assert comparison.configuration.different == ()


def test_drawn_faces_random_weights_and_few_images_are_told_at_the_top() -> None:
    facts = make_run_facts(
        images=make_validation_images(80), dataset_is_drawn=True, weights_origin="none"
    )

    warnings = compare([facts], MADE_AT).warnings

    assert [(warning.weight, warning.title) for warning in warnings] == [
        ("warning", "Drawn faces"),
        ("warning", "Random starting weights"),
        ("note", "Few validation images"),
    ]


def test_a_run_that_kept_its_best_epoch_is_told_with_what_the_choice_gained() -> None:
    images = make_validation_images(240)
    last, best = (
        make_run_facts(network, images=images, recipe=RECIPE | {"network": network, "keep": keep})
        for network, keep in (("resnet50", "last"), ("efficientnet_b0", "best"))
    )
    accuracy = best.epochs.query("part == 'validation' and metric == 'accuracy'")
    of_epoch = dict(zip(accuracy["epoch"], accuracy["value"], strict=True))

    comparison = compare([last, best], MADE_AT)

    (warning,) = (n for n in comparison.warnings if n.title == "Best epoch chosen on these images")
    assert warning.weight == "warning"
    assert warning.text.startswith("EfficientNet-B0 kept the epoch that scored best on the images")
    assert (
        f"accuracy {formatting.score(of_epoch[9])} in the kept epoch 9, "
        f"{formatting.score(of_epoch[12])} in the last, 12 "
        f"({formatting.signed(of_epoch[9] - of_epoch[12])})"
    ) in warning.text
    different = {setting.name: setting.values for setting in comparison.configuration.different}
    assert different == {"Epoch that is kept": ("last", "best")}
    assert not [n for n in compare([last], MADE_AT).warnings if "epoch" in n.title]


def test_what_a_data_sets_labels_speak_against_is_told_at_the_top() -> None:
    warnings = ("Happy has mean valence -0.47 (+0.67 in AffectNet)",)

    comparison = compare(
        [
            make_run_facts(images=IMAGES, label_warnings=warnings),
            make_run_facts("efficientnet_b0", images=IMAGES, label_warnings=warnings),
        ],
        MADE_AT,
    )

    (warning,) = (n for n in comparison.warnings if n.weight == "warning")
    assert warning.text == f"{warnings[0]}."


# --- the facts as a file --------------------------------------------------------------------------


def test_the_facts_are_json_and_know_single_images_only_by_id() -> None:
    comparison = compare_two({"skill": 1.0}, {"skill": 0.5})

    facts = json.loads(json.dumps(comparison.to_dict(), allow_nan=False))

    assert facts["schema"] == 3
    assert facts["verdicts"][0]["task"] == "expression"
    assert facts["runs"][0]["scores"]["accuracy"].keys() == {"value", "low", "high"}
    assert facts["runs"][0]["record"]["started_at"] == "2026-11-22T19:04:12+00:00"
    assert facts["pairs"][0]["agreement"]["both"] >= 0
    assert facts["runs"][0]["failures"][0]["sample_id"] in set(IMAGES["sample_id"])
    assert set(facts["runs"][0]["affect"][0]) >= {"pearson", "bias_correction", "scale", "shift"}
    assert IMAGES["sha256"].iloc[0] not in json.dumps(facts)


def test_the_same_rows_in_another_order_give_the_same_facts() -> None:
    facts = make_run_facts(images=IMAGES)
    shuffled = with_predictions(facts, facts.predictions.sample(frac=1, random_state=4))

    assert compare([facts], MADE_AT).to_dict() == compare([shuffled], MADE_AT).to_dict()
