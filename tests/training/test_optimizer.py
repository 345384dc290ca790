"""The optimizer, its rate at every step, and what it makes small."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tiny_faces import make_recipe
from torch import nn

from emotion_core.statistics import metrics
from emotion_core.training.averaging import WeightAverage
from emotion_core.training.objective import concordance, objective
from emotion_core.training.optimizer import build_optimizer, learning_rate, set_learning_rate
from emotion_core.training.recipe import Recipe


class TwoHeads(nn.Module):
    """The parts of a network that the optimizer tells apart."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Linear(2, 2)
        self.expression_head = nn.Linear(2, 8)
        self.affect_head = nn.Linear(2, 2)


def test_the_original_paper_trains_with_adam_at_one_constant_rate() -> None:
    recipe = Recipe.from_preset("seed", "resnet50")

    optimizer = build_optimizer(recipe, TwoHeads())

    assert type(optimizer) is torch.optim.Adam
    assert {group["lr"] for group in optimizer.param_groups} == {1e-4}
    assert {group["share"] for group in optimizer.param_groups} == {1.0}
    assert {group["weight_decay"] for group in optimizer.param_groups} == {0.0}
    assert optimizer.defaults["betas"] == (0.9, 0.999)
    assert {learning_rate(recipe, step, 100) for step in range(100)} == {1e-4}


def test_the_original_papers_loss_is_cross_entropy_plus_squared_error() -> None:
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


def test_the_rate_climbs_while_it_warms_up_and_then_falls_to_nearly_nothing() -> None:
    recipe = make_recipe(schedule="cosine", warm_up=0.25, learning_rate=1e-2)

    rates = [learning_rate(recipe, step, 100) for step in range(100)]

    assert rates[0] == pytest.approx(1e-2 / 25)
    assert max(rates) == rates[25] == pytest.approx(1e-2)
    assert rates[:26] == sorted(rates[:26])
    assert rates[25:] == sorted(rates[25:], reverse=True)
    assert rates[99] == pytest.approx(1e-6)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_the_shortest_trainings_have_a_rate_too(steps: int) -> None:
    recipe = make_recipe(schedule="cosine", warm_up=0.25)

    rates = [learning_rate(recipe, step, steps) for step in range(steps)]

    assert all(0 < rate <= recipe.learning_rate for rate in rates)


def test_setting_the_rate_changes_the_next_step_of_heads_and_backbone() -> None:
    network = TwoHeads()
    optimizer = build_optimizer(make_recipe(weight_decay=0.0, backbone_rate=0.4), network)
    before = {name: value.detach().clone() for name, value in network.named_parameters()}
    sum(value.sum() for value in network.parameters()).backward()

    set_learning_rate(optimizer, 0.25)
    optimizer.step()

    moved = {
        name: (before[name] - value).mean().item() for name, value in network.named_parameters()
    }
    assert moved["backbone.weight"] == pytest.approx(0.1, rel=1e-4)
    assert moved["expression_head.bias"] == pytest.approx(0.25, rel=1e-4)
    assert moved["affect_head.weight"] == pytest.approx(0.25, rel=1e-4)


def test_only_weights_of_several_dimensions_decay() -> None:
    optimizer = build_optimizer(make_recipe(weight_decay=0.05), TwoHeads())

    decays = {
        (parameter.ndim > 1, group["weight_decay"])
        for group in optimizer.param_groups
        for parameter in group["params"]
    }

    assert decays == {(True, 0.05), (False, 0.0)}


def test_the_concordance_in_the_loss_is_the_metric() -> None:
    rng = np.random.default_rng(3)
    truth = rng.uniform(-1, 1, (40, 2))
    predicted = 0.5 * truth + rng.normal(0, 0.2, (40, 2))

    columns = concordance(torch.from_numpy(predicted), torch.from_numpy(truth))

    expected = [metrics.ccc(truth[:, i], predicted[:, i]) for i in range(2)]
    assert columns.tolist() == pytest.approx(expected)


def test_label_smoothing_spreads_its_share_of_the_certainty() -> None:
    recipe = make_recipe(label_smoothing=0.1, affect_weight=0.0)
    logits, truth = torch.randn(6, 8), torch.randint(0, 8, (6,))
    va = torch.zeros(6, 2)

    loss = objective(recipe, logits, va, truth, va)

    wanted = 0.9 * F.one_hot(truth, 8) + 0.1 / 8
    expected = -(wanted * logits.log_softmax(dim=1)).sum(dim=1).mean()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_the_average_follows_slowly_once_it_has_forgotten_the_first_weights() -> None:
    network = TwoHeads()
    average = WeightAverage(network, decay=0.5)
    with torch.no_grad():
        network.backbone.weight.fill_(1.0)
        average.network.backbone.weight.fill_(0.0)

    average.update(steps=1)
    early = average.network.backbone.weight.mean().item()
    average.update(steps=1000)

    assert early == pytest.approx(1 - 2 / 11)
    assert average.network.backbone.weight.mean().item() == pytest.approx((early + 1) / 2)
    assert not average.network.training
