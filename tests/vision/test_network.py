"""The two networks and their two heads."""

import pytest
import torch
import torchvision
from torch import nn
from torchvision.models.efficientnet import MBConv
from torchvision.models.resnet import Bottleneck

from emotion_core.errors import WeightsError
from emotion_core.vision.architectures import MAIN_NETWORKS, NETWORKS
from emotion_core.vision.network import EmotionNetwork, build_network, preprocessing_for


@pytest.fixture(scope="module", params=MAIN_NETWORKS)
def built(request: pytest.FixtureRequest) -> tuple[str, EmotionNetwork]:
    return request.param, build_network(request.param, dropout=0.5)


def test_the_heads_are_the_original_papers_layer_by_layer(
    built: tuple[str, EmotionNetwork],
) -> None:
    name, network = built
    features = {"resnet50": 2048, "efficientnet_b0": 1280}[name]

    assert str(network.expression_head) == str(
        nn.Sequential(nn.Dropout(0.5), nn.Linear(features, 256), nn.ReLU(), nn.Linear(256, 8))
    )
    assert str(network.affect_head) == str(
        nn.Sequential(
            nn.Dropout(0.5), nn.Linear(features, 128), nn.ReLU(), nn.Linear(128, 2), nn.Tanh()
        )
    )


@pytest.mark.parametrize(
    "name",
    [
        *NETWORKS,
        "torchvision:mobilenet_v3_small",
        "torchvision:googlenet",
        "torchvision:swin_t",
        "timm:test_convnext",
    ],
)
def test_a_network_gives_eight_logits_and_two_bounded_values(name: str) -> None:
    network = build_network(name).eval()

    with torch.inference_mode():
        logits, va = network(torch.randn(2, 3, 32, 32) * 50)

    assert logits.shape == (2, 8)
    assert va.shape == (2, 2)
    assert va.abs().max() <= 1


def test_the_backbone_is_torchvisions_without_its_classifier(
    built: tuple[str, EmotionNetwork],
) -> None:
    architecture = NETWORKS[built[0]]
    with torch.device("meta"):
        original = torchvision.models.get_model(architecture.builder, weights=None)
    expected = {key for key in original.state_dict() if not key.startswith(architecture.classifier)}

    assert set(built[1].backbone.state_dict()) == expected


def test_random_residual_blocks_begin_as_the_identity(built: tuple[str, EmotionNetwork]) -> None:
    last_norms = [
        block.bn3 if isinstance(block, Bottleneck) else block.block[-1][1]
        for block in built[1].backbone.modules()
        if isinstance(block, Bottleneck) or (isinstance(block, MBConv) and block.use_res_connect)
    ]

    assert len(last_norms) == {"resnet50": 16, "efficientnet_b0": 9}[built[0]]
    assert all(norm.weight.abs().max() == 0 for norm in last_norms)


def test_the_same_seed_builds_the_same_network() -> None:
    built = []
    for _ in range(2):
        torch.manual_seed(3)
        built.append(build_network("timm:test_resnet").state_dict())

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
