"""The optimizer, its rate at every step, and what it makes small."""

import pytest
import torch
import torch.nn.functional as F
from tiny_faces import make_recipe
from torch import nn

from emotion_core.training.objective import objective
from emotion_core.training.optimizer import build_optimizer, learning_rate, set_learning_rate
from emotion_core.training.recipe import Recipe


def test_the_report_trains_with_adam_at_one_constant_rate() -> None:
    recipe = Recipe.from_preset("seed", "resnet50")

    optimizer = build_optimizer(recipe, nn.Linear(2, 2))

    assert type(optimizer) is torch.optim.Adam
    assert optimizer.defaults["lr"] == 1e-4
    assert optimizer.defaults["weight_decay"] == 0
    assert optimizer.defaults["betas"] == (0.9, 0.999)
    assert {learning_rate(recipe, step, 100) for step in range(100)} == {1e-4}


def test_the_reports_loss_is_cross_entropy_plus_squared_error() -> None:
    recipe = Recipe.from_preset("seed", "resnet50")
    logits, truth = torch.randn(6, 8), torch.randint(0, 8, (6,))
    va, truth_va = torch.rand(6, 2), torch.rand(6, 2)

    loss = objective(recipe, logits, va, truth, truth_va)

    expected = F.cross_entropy(logits, truth) + ((va - truth_va) ** 2).mean()
    assert loss.item() == pytest.approx(expected.item())


def test_a_task_of_weight_nought_has_no_part_in_the_loss() -> None:
    recipe = make_recipe(expression_weight=0.0, affect_weight=2.0)
    logits, truth = torch.randn(6, 8), torch.randint(0, 8, (6,))
    va = torch.rand(6, 2)

    loss = objective(recipe, logits, va, truth, va - 0.5)

    assert loss.item() == pytest.approx(2 * 0.25)


def test_one_cycle_climbs_for_a_quarter_and_then_falls_to_nearly_nothing() -> None:
    recipe = make_recipe(schedule="one_cycle", learning_rate=1e-2)

    rates = [learning_rate(recipe, step, 100) for step in range(100)]

    assert rates[0] == pytest.approx(1e-2 / 25)
    assert max(rates) == rates[25] == pytest.approx(1e-2)
    assert rates[:26] == sorted(rates[:26])
    assert rates[25:] == sorted(rates[25:], reverse=True)
    assert rates[99] == pytest.approx(1e-6)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_the_shortest_trainings_have_a_rate_too(steps: int) -> None:
    recipe = make_recipe(schedule="one_cycle")

    rates = [learning_rate(recipe, step, steps) for step in range(steps)]

    assert all(0 < rate <= recipe.learning_rate for rate in rates)


def test_setting_the_rate_changes_the_next_step() -> None:
    layer = nn.Linear(1, 1, bias=False)
    optimizer = build_optimizer(make_recipe(weight_decay=0.0), layer)
    before = layer.weight.item()
    layer(torch.ones(1, 1)).sum().backward()

    set_learning_rate(optimizer, 0.25)
    optimizer.step()

    assert before - layer.weight.item() == pytest.approx(0.25, rel=1e-4)
