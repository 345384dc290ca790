"""Models on disk describe themselves, and are not loaded when the description is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from emotion_core.emotions import EXPRESSIONS
from emotion_core.errors import WeightsError
from emotion_core.vision.checkpoint import load_model, save_model
from emotion_core.vision.description import ModelDescription, read_description
from emotion_core.vision.network import EmotionNetwork, build_network
from emotion_core.vision.preprocessing import Preprocessing

NETWORK = "torchvision:resnet18"


@pytest.fixture(scope="module")
def network() -> EmotionNetwork:
    torch.manual_seed(0)
    return build_network(NETWORK).eval()


@pytest.fixture
def model_dir(tmp_path: Path, network: EmotionNetwork) -> Path:
    save_model(
        tmp_path,
        network,
        ModelDescription(NETWORK, Preprocessing(image_size=32), recipe={"epochs": 2}),
    )
    return tmp_path


def change(model_dir: Path, **values: Any) -> None:
    path = model_dir / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_a_stored_model_answers_exactly_as_before(model_dir: Path, network: EmotionNetwork) -> None:
    images = torch.randn(3, 3, 32, 32)

    loaded, description = load_model(model_dir)

    with torch.inference_mode():
        before, after = network(images), loaded(images)
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert not loaded.training
    assert description.preprocessing == Preprocessing(image_size=32)
    assert description.parameters == sum(p.numel() for p in network.parameters())


def test_the_description_spells_out_labels_and_preprocessing(model_dir: Path) -> None:
    stored = json.loads((model_dir / "model.json").read_text())

    assert stored["expressions"] == list(EXPRESSIONS)
    assert stored["dimensions"] == ["valence", "arousal"]
    assert stored["preprocessing"]["channel_order"] == "RGB"
    assert len(stored["weights_sha256"]) == len(stored["preprocessing_fingerprint"]) == 64
    assert stored == read_description(model_dir).to_dict()


def test_another_label_order_is_refused(model_dir: Path) -> None:
    change(model_dir, expressions=sorted(EXPRESSIONS))

    with pytest.raises(WeightsError, match="order"):
        load_model(model_dir)


def test_weights_of_another_model_are_refused(model_dir: Path) -> None:
    weights = bytearray((model_dir / "weights.safetensors").read_bytes())
    weights[-1] ^= 1
    (model_dir / "weights.safetensors").write_bytes(weights)

    with pytest.raises(WeightsError, match="SHA-256"):
        load_model(model_dir)


def test_weights_that_do_not_fit_the_named_network_are_refused(model_dir: Path) -> None:
    change(model_dir, network="resnet50")

    with pytest.raises(WeightsError, match="does not fit"):
        load_model(model_dir)


@pytest.mark.parametrize("name", ["model.json", "weights.safetensors"])
def test_a_missing_file_is_named(model_dir: Path, name: str) -> None:
    (model_dir / name).unlink()

    with pytest.raises(WeightsError, match=name):
        load_model(model_dir)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": 99}'])
def test_a_description_that_is_none_is_refused(model_dir: Path, text: str) -> None:
    (model_dir / "model.json").write_text(text)

    with pytest.raises(WeightsError, match=r"model\.json"):
        read_description(model_dir)


@pytest.mark.parametrize("gone", ["preprocessing", "weights_sha256", "recipe", "network"])
def test_an_incomplete_description_is_refused(model_dir: Path, gone: str) -> None:
    stored = json.loads((model_dir / "model.json").read_text())
    del stored[gone]
    (model_dir / "model.json").write_text(json.dumps(stored))

    with pytest.raises(WeightsError, match=gone):
        read_description(model_dir)
