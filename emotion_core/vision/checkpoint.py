"""A model on disk: its weights, and beside them everything needed to use them rightly."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError
from torch import nn

from emotion_core.errors import WeightsError
from emotion_core.files import write_bytes
from emotion_core.vision.description import (
    MODEL_FILE,
    WEIGHTS_FILE,
    ModelDescription,
    read_description,
)
from emotion_core.vision.network import EmotionNetwork, build_network


def save_model(
    folder: Path, network: EmotionNetwork, description: ModelDescription
) -> ModelDescription:
    """Write ``weights.safetensors``, then ``model.json`` with its SHA-256, each complete or absent.

    Returns:
        The description with the digest of the weights and the number of parameters.
    """
    weights = weights_bytes(network)
    made = replace(
        description,
        weights_sha256=hashlib.sha256(weights).hexdigest(),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
    )
    write_bytes(folder / WEIGHTS_FILE, weights)
    document = json.dumps(made.to_dict(), indent=2, ensure_ascii=False) + "\n"
    write_bytes(folder / MODEL_FILE, document.encode())
    return made


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
        raise WeightsError(f"{source} does not fit the network it is for: {reason}") from None
