"""Which network is better, and when nobody can say."""

import dataclasses

import numpy as np
import pytest
from comparison_factory import (
    IMAGES,
    MADE_AT,
    compare_two,
    make_run_facts,
    with_predictions,
)

from emotion_core.comparison.compared_run import RunFacts
from emotion_core.comparison.comparison import compare


def test_a_network_that_beats_the_other_by_more_than_chance_wins() -> None:
    comparison = compare_two(
        {"skill": 1.0, "affect_skill": 0.7}, {"skill": 0.3, "affect_skill": 0.3}
    )

    assert [verdict.kind for verdict in comparison.verdicts] == ["winner", "winner"]
    assert [verdict.winner for verdict in comparison.verdicts] == [0, 0]
    assert comparison.summary == (
        "Expression: this training of ResNet50 is better. "
        "Valence and arousal: this training of ResNet50 is better."
    )


def test_the_winner_may_stand_second_and_differ_by_task() -> None:
    comparison = compare_two(
        {"skill": 0.3, "affect_skill": 0.7}, {"skill": 1.0, "affect_skill": 0.3}
    )

    expression, affect = comparison.verdicts
    assert (expression.winner, affect.winner) == (1, 0)
    assert expression.headline == "This training of EfficientNet-B0 is better"
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
    assert verdict.headline == "This training of b is better than c and a"


def test_one_network_alone_is_held_against_guessing() -> None:
    comparison = compare([make_run_facts(images=IMAGES)], MADE_AT)

    assert [verdict.kind for verdict in comparison.verdicts] == ["one_run", "one_run"]
    assert "guessing or always saying the same reaches .125" in comparison.verdicts[0].sentence
