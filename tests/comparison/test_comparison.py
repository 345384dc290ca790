"""What a comparison pairs, tables and writes down."""

import dataclasses
import json

import numpy as np
import pytest
from comparison_factory import (
    IMAGES,
    MADE_AT,
    compare_two,
    make_failed_run,
    make_run_facts,
    make_validation_images,
    with_predictions,
)

from emotion_core.comparison.comparison import compare
from emotion_core.errors import ReportError
from emotion_core.statistics.metrics import METRICS
from emotion_core.statistics.paired_tests import Estimate

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


def test_baselines_of_runs_on_different_images_stand_in_rows_of_their_own() -> None:
    comparison = compare(
        [
            make_run_facts(images=IMAGES),
            make_run_facts("efficientnet_b0", images=make_validation_images(250, seed=9)),
        ],
        MADE_AT,
    )

    (valence,) = (table for table in comparison.tables if table.title == "Valence")
    rows = [row for row in valence.rows if row.label == "Chance"]
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


def test_figures_and_intervals_are_those_that_registering_the_run_stored() -> None:
    facts = make_run_facts(images=IMAGES)
    stored = facts.metrics.copy()
    is_f1 = (stored["kind"] == "network") & (stored["metric"] == "macro_f1")
    stored.loc[is_f1, ["value", "low", "high"]] = 0.5, 0.4, 0.7
    is_newer = (stored["kind"] == "network") & (stored["metric"] == "ccc_mean")

    run = compare([dataclasses.replace(facts, metrics=stored[~is_newer])], MADE_AT).runs[0]

    assert run.scores["macro_f1"] == Estimate(0.5, 0.4, 0.7)
    # A metric of a release after the run is computed from its predictions.
    assert list(run.scores) == list(METRICS)
    assert run.scores["ccc_mean"].value == pytest.approx(
        float(facts.metrics[is_newer]["value"].iloc[0])
    )


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
