"""Recipes check themselves, and the preset ``seed`` says what the original paper says."""

import json
from typing import Any

import pytest

from emotion_core.errors import RecipeError
from emotion_core.training.recipe import CHOICES, LIMITS, PRESETS, Recipe
from emotion_core.vision.architectures import NETWORKS

ORIGINAL = {
    "weights": "imagenet",
    "image_size": 224,
    "optimizer": "adam",
    "learning_rate": 1e-4,
    "schedule": "constant",
    "weight_decay": 0.0,
    "epochs": 12,
    "batch_size": 32,
    "expression_weight": 1.0,
    "affect_weight": 1.0,
    "dropout": 0.5,
    "augmentation": "none",
    "validation_share": 0.15,
}
"""What the original paper states."""
LEFT_OUT = {
    "label_smoothing": 0.0,
    "mixup": 0.0,
    "ccc_weight": 0.0,
    "backbone_rate": 1.0,
    "warm_up": 0.0,
    "clip_norm": 0.0,
    "averaging": 0.0,
    "pretraining_epochs": 0,
    "keep": "last",
}
"""What it does not speak of."""


@pytest.mark.parametrize("network", NETWORKS)
def test_the_preset_seed_is_the_original_papers_recipe(network: str) -> None:
    recipe = Recipe.from_preset("seed", network).to_dict()

    assert recipe == recipe | ORIGINAL | LEFT_OUT


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_makes_a_recipe_of_every_network(preset: str, network: str) -> None:
    recipe = Recipe.from_preset(preset, network)

    assert (recipe.preset, recipe.network, recipe.keep) == (preset, network, "last")


def test_a_recipe_survives_its_json() -> None:
    before = Recipe.from_preset("quick", "resnet50", learning_rate=3e-4, seed=7)

    after = Recipe.from_dict(json.loads(json.dumps(before.to_dict())))

    assert after == before


def test_a_recipe_of_before_the_choice_kept_the_best_epoch() -> None:
    stored = Recipe.from_preset("seed", "resnet50").to_dict()
    del stored["keep"]

    assert Recipe.from_dict(stored).keep == "best"


def test_a_whole_number_from_json_serves_as_a_number() -> None:
    recipe = Recipe.from_preset("quick", "resnet50", dropout=0, learning_rate=1)

    assert (type(recipe.dropout), type(recipe.learning_rate)) == (float, float)


@pytest.mark.parametrize(("field", "bounds"), LIMITS.items())
def test_numbers_outside_their_limits_are_named(field: str, bounds: tuple[float, float]) -> None:
    kind = type(PRESETS["seed"][field])
    beyond = [kind(bounds[0] - 1), kind(bounds[1] + 1)]

    for value in beyond:
        with pytest.raises(RecipeError, match=field):
            Recipe.from_preset("seed", "resnet50", **{field: value})
    for value in bounds:
        other = {
            "expression_weight": {"affect_weight": 1.0},
            "validation_share": {"fold": 0},
            "fold": {"validation_share": 0.01},
        }.get(field, {})
        assert Recipe.from_preset("seed", "resnet50", **{field: kind(value), **other})


@pytest.mark.parametrize("field", CHOICES)
def test_an_unknown_choice_is_named_with_what_there_is(field: str) -> None:
    with pytest.raises(RecipeError) as error:
        Recipe.from_dict(Recipe.from_preset("seed", "resnet50").to_dict() | {field: "magic"})

    assert field in str(error.value)
    assert CHOICES[field][0] in str(error.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 1.5},
        {"epochs": "12"},
        {"epochs": True},
        {"learning_rate": "fast"},
        {"learning_rate": float("nan")},
        {"learning_rate": float("inf")},
        {"learning_rate": None},
        {"seed": None},
    ],
)
def test_a_value_of_the_wrong_kind_is_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(RecipeError, match=next(iter(wrong))):
        Recipe.from_preset("seed", "resnet50", **wrong)


def test_a_loss_of_nothing_is_refused() -> None:
    with pytest.raises(RecipeError, match="affect_weight"):
        Recipe.from_preset("seed", "resnet50", expression_weight=0.0, affect_weight=0.0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("augmentation", "flip+blur"),
        ("augmentation", "flip+flip"),
        ("augmentation", ""),
        ("network", "resnet51"),
        ("fold", 6),
    ],
)
def test_values_that_fit_no_list_are_named(field: str, value: Any) -> None:
    with pytest.raises(RecipeError, match=field):
        Recipe.from_dict(Recipe.from_preset("seed", "resnet50").to_dict() | {field: value})


def test_any_backbone_of_a_library_can_be_asked_for() -> None:
    recipe = Recipe.from_preset("tuned", "timm:convnext_atto", fold=5)

    assert (recipe.network, recipe.fold) == ("timm:convnext_atto", 5)


def test_the_earlier_stage_learns_expressions_alone() -> None:
    recipe = Recipe.from_preset(
        "tuned", "resnet50", pretraining_epochs=3, pretraining_image_size=64, fold=2
    )

    stage = recipe.pretraining()

    assert (stage.epochs, stage.image_size, stage.fold) == (3, 64, 0)
    assert (stage.expression_weight, stage.affect_weight, stage.ccc_weight) == (1.0, 0.0, 0.0)
    assert (stage.learning_rate, stage.weights) == (recipe.learning_rate, "imagenet")
    assert stage.keep == "last"
    with pytest.raises(RecipeError, match="pretraining_epochs"):
        stage.pretraining()


def test_unknown_presets_and_fields_are_named() -> None:
    whole = Recipe.from_preset("seed", "resnet50").to_dict()

    with pytest.raises(RecipeError, match="slow"):
        Recipe.from_preset("slow", "resnet50")
    with pytest.raises(RecipeError, match="momentum"):
        Recipe.from_preset("seed", "resnet50", momentum=0.9)
    with pytest.raises(RecipeError, match="epochs"):
        Recipe.from_dict({name: whole[name] for name in whole if name != "epochs"})
