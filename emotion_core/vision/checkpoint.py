"""A model on disk: its weights, and beside them everything needed to use them rightly."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import safetensors.torch
from safetensors import SafetensorError
from torch import nn

from emotion_core.emotions import DIMENSIONS, EXPRESSIONS
from emotion_core.errors import WeightsError
from emotion_core.files import write_bytes
from emotion_core.vision.architectures import architecture_named
from emotion_core.vision.network import EmotionNetwork, build_network
from emotion_core.vision.preprocessing import Preprocessing

WEIGHTS_FILE: Final = "weights.safetensors"
MODEL_FILE: Final = "model.json"
FORMAT: Final = 1


@dataclass(frozen=True)
class ModelDescription:
    """What ``model.json`` says."""

    network: str
    """See :func:`emotion_core.vision.architectures.architecture_named`."""
    preprocessing: Preprocessing
    weights_sha256: str
    parameters: int
    versions: dict[str, str]
    """Of the libraries that the model was made with."""
    recipe: dict[str, Any]
    data: dict[str, Any]
    """Name and fingerprints of the data set and of the split."""
    calibration: dict[str, float]
    """See :class:`emotion_core.statistics.calibration.Calibration`; the temperature is part of the
    model."""
    git_revision: str | None
    """Of the project when the model was made; None outside a git checkout."""

    def to_dict(self) -> dict[str, Any]:
        """JSON-able, with the label order spelt out."""
        return {
            "format": FORMAT,
            "network": self.network,
            "label": architecture_named(self.network).label,
            "expressions": list(EXPRESSIONS),
            "dimensions": list(DIMENSIONS),
            "preprocessing": self.preprocessing.to_dict(),
            "preprocessing_fingerprint": self.preprocessing.fingerprint,
            "parameters": self.parameters,
            "weights_file": WEIGHTS_FILE,
            "weights_sha256": self.weights_sha256,
            "versions": self.versions,
            "recipe": self.recipe,
            "data": self.data,
            "calibration": self.calibration,
            "git_revision": self.git_revision,
        }


def save_model(
    folder: Path,
    network: EmotionNetwork,
    *,
    name: str,
    preprocessing: Preprocessing,
    versions: Mapping[str, str],
    recipe: Mapping[str, Any],
    data: Mapping[str, Any],
    calibration: Mapping[str, float],
    git_revision: str | None,
) -> ModelDescription:
    """Write ``weights.safetensors``, then ``model.json`` with its SHA-256, each complete or absent.

    Args:
        name: The network's name; for the rest see :class:`ModelDescription`.
    """
    weights = weights_bytes(network)
    description = ModelDescription(
        network=name,
        preprocessing=preprocessing,
        weights_sha256=hashlib.sha256(weights).hexdigest(),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        versions=dict(versions),
        recipe=dict(recipe),
        data=dict(data),
        calibration=dict(calibration),
        git_revision=git_revision,
    )
    write_bytes(folder / WEIGHTS_FILE, weights)
    document = json.dumps(description.to_dict(), indent=2, ensure_ascii=False) + "\n"
    write_bytes(folder / MODEL_FILE, document.encode())
    return description


def load_model(folder: Path) -> tuple[EmotionNetwork, ModelDescription]:
    """The network on the CPU in evaluation mode, and its description.

    Raises:
        WeightsError: A file is missing or damaged, the weights are not the ones described, or
            the label order differs from ``EXPRESSIONS``.
    """
    description = read_description(folder)
    path = folder / WEIGHTS_FILE
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error.strerror}); restore the file") from None
    found = hashlib.sha256(data).hexdigest()
    if found != description.weights_sha256:
        raise WeightsError(
            f"{path} is not the file that {MODEL_FILE} describes: its SHA-256 begins with "
            f"{found[:12]} instead of {description.weights_sha256[:12]}; restore the folder"
        )
    network = build_network(description.network)
    load_weights(network, data, str(path))
    return network.eval(), description


def read_description(folder: Path) -> ModelDescription:
    """Read ``model.json`` without the weights.

    Raises:
        WeightsError: It is missing, damaged, of another format, or has another label order.
    """
    path = folder / MODEL_FILE
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WeightsError(
            f"{path} cannot be read ({error.strerror}); name the folder of a finished training run"
        ) from None
    except ValueError as error:
        raise WeightsError(f"{path} is not JSON ({error}); restore the file") from None
    if not isinstance(stored, dict) or stored.get("format") != FORMAT:
        raise WeightsError(f"{path} is not of format {FORMAT}; use the version that wrote it")
    if stored.get("expressions") != list(EXPRESSIONS) or stored.get("dimensions") != list(
        DIMENSIONS
    ):
        raise WeightsError(
            f"{path} lists the outputs as {stored.get('expressions')} and "
            f"{stored.get('dimensions')}; this system's order is {list(EXPRESSIONS)} and "
            f"{list(DIMENSIONS)}, and scores in another order would be wrong silently"
        )
    try:
        return ModelDescription(
            network=str(stored["network"]),
            preprocessing=Preprocessing.from_dict(stored["preprocessing"]),
            weights_sha256=str(stored["weights_sha256"]),
            parameters=int(stored["parameters"]),
            versions=dict(stored["versions"]),
            recipe=dict(stored["recipe"]),
            data=dict(stored["data"]),
            calibration={name: float(value) for name, value in stored["calibration"].items()},
            git_revision=stored["git_revision"],
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise WeightsError(
            f"{path} is incomplete ({type(error).__name__}: {error}); restore the file"
        ) from None


def weights_bytes(network: nn.Module) -> bytes:
    """The network's parameters and buffers as a safetensors file."""
    return safetensors.torch.save(
        {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    )


def load_weights(network: nn.Module, data: bytes, source: str) -> None:
    """Put the contents of a safetensors file into ``network``.

    Args:
        source: Where ``data`` came from, for the message.

    Raises:
        WeightsError: The file is damaged or belongs to another network.
    """
    try:
        network.load_state_dict(safetensors.torch.load(data))
    except (SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise WeightsError(
            f"{source} does not fit the network it is said to be: {reason}"
        ) from None
