"""The two networks and their two heads."""

import pytest
import torch
import torchvision
from torch import nn
from torchvision.models.efficientnet import MBConv
from torchvision.models.resnet import Bottleneck

from emotion_core.errors import WeightsError
from emotion_core.vision.architectures import MAIN_NETWORKS, NETWORKS
from emotion_core.vision.network import build_network, preprocessing_for


@pytest.mark.parametrize(("name", "features"), [("resnet50", 2048), ("efficientnet_b0", 1280)])
def test_the_heads_are_the_reports_layer_by_layer(name: str, features: int) -> None:
    network = build_network(name, dropout=0.5)

    expression, affect = list(network.expression_head), list(network.affect_head)

    assert [type(layer) for layer in expression] == [nn.Dropout, nn.Linear, nn.ReLU, nn.Linear]
    assert [type(layer) for layer in affect] == [
        nn.Dropout,
        nn.Linear,
        nn.ReLU,
        nn.Linear,
        nn.Tanh,
    ]
    assert [layer.p for layer in (expression[0], affect[0]) if isinstance(layer, nn.Dropout)] == [
        0.5,
        0.5,
    ]
    assert [tuple(layer.weight.shape) for layer in expression if isinstance(layer, nn.Linear)] == [
        (256, features),
        (8, 256),
    ]
    assert [tuple(layer.weight.shape) for layer in affect if isinstance(layer, nn.Linear)] == [
        (128, features),
        (2, 128),
    ]


@pytest.mark.parametrize(
    "name",
    [
        *NETWORKS,
        "torchvision:mobilenet_v3_small",
        "torchvision:googlenet",
        "torchvision:swin_t",
        "timm:mobilenetv3_small_050",
        "timm:convnext_atto",
    ],
)
def test_a_network_gives_eight_logits_and_two_bounded_values(name: str) -> None:
    network = build_network(name).eval()

    with torch.inference_mode():
        logits, va = network(torch.randn(2, 3, 32, 32) * 50)

    assert logits.shape == (2, 8)
    assert va.shape == (2, 2)
    assert va.abs().max() <= 1


@pytest.mark.parametrize("name", MAIN_NETWORKS)
def test_the_backbone_is_torchvisions_without_its_classifier(name: str) -> None:
    architecture = NETWORKS[name]
    original = torchvision.models.get_model(architecture.builder, weights=None)
    expected = {key for key in original.state_dict() if not key.startswith(architecture.classifier)}

    backbone = build_network(name).backbone

    assert set(backbone.state_dict()) == expected


def test_random_residual_blocks_begin_as_the_identity() -> None:
    resnet = build_network("resnet50").backbone
    efficientnet = build_network("efficientnet_b0").backbone

    bottlenecks = [block for block in resnet.modules() if isinstance(block, Bottleneck)]
    residual = [
        block
        for block in efficientnet.modules()
        if isinstance(block, MBConv) and block.use_res_connect
    ]

    assert (len(bottlenecks), len(residual)) == (16, 9)
    assert all(block.bn3.weight.abs().max() == 0 for block in bottlenecks)
    assert all(block.block[-1][1].weight.abs().max() == 0 for block in residual)


def test_the_same_seed_builds_the_same_network() -> None:
    built = []
    for _ in range(2):
        torch.manual_seed(3)
        built.append(build_network("efficientnet_b0").state_dict())

    assert all(torch.equal(built[0][key], built[1][key]) for key in built[0])


def test_an_unknown_network_or_start_is_named() -> None:
    with pytest.raises(WeightsError, match="resnet51"):
        build_network("resnet51")
    with pytest.raises(WeightsError, match="vggface"):
        build_network("resnet50", weights="vggface")


@pytest.mark.parametrize("name", ["torchvision:resnet51", "timm:resnet51", "keras:resnet50"])
def test_a_backbone_that_no_library_has_is_named(name: str) -> None:
    with pytest.raises(WeightsError, match=name.rpartition(":")[2]):
        build_network(name)


def test_each_network_brings_its_own_normalisation() -> None:
    ours = preprocessing_for("resnet50", 224)
    lite = preprocessing_for("efficientnet_lite0", 224)
    direct = preprocessing_for("timm:tf_efficientnet_lite0", 224)

    assert ours.mean == (0.485, 0.456, 0.406)
    assert [round(255 * value) for value in (*lite.mean, *lite.std)] == [127] * 3 + [128] * 3
    assert direct.mean == (0.5, 0.5, 0.5)
