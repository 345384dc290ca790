"""ImageNet weights: from a folder, else torchvision's cache, else the internet."""

import hashlib
import re
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import Tensor

from emotion_core.errors import WeightsError
from emotion_core.vision.architectures import NETWORKS, Architecture

PROBE_SECONDS = 4.0
"""How long a machine without internet waits before it is told so."""

STALLED_SECONDS = 30.0
"""A download which receives nothing for this long is given up."""


def imagenet_available(name: str, weights_dir: Path | None = None) -> bool:
    """Whether ``build_network(name, weights="imagenet")`` can be expected to work.

    Looks for the file, else asks torchvision's host for it and waits ``PROBE_SECONDS`` at most.
    """
    architecture = NETWORKS.get(name)
    if architecture is None:
        return False
    return _folder_with(architecture, weights_dir) is not None or _unreachable(architecture) is None


def backbone_weights(architecture: Architecture, weights_dir: Path | None) -> dict[str, Tensor]:
    """torchvision's ImageNet weights, classifier included.

    Raises:
        WeightsError: The file is nowhere and cannot be downloaded, or is not the file that its
            name promises; says what to put where.
    """
    folder = _folder_with(architecture, weights_dir)
    if folder is None:
        reason = _unreachable(architecture)
        if reason is not None:
            raise _missing(architecture, weights_dir, reason)
        folder = _cache()
    else:
        _check_content(folder / architecture.weights_file)
    try:
        with _download_timeout():
            state: dict[str, Tensor] = _published(architecture).get_state_dict(
                model_dir=str(folder),
                file_name=architecture.weights_file,
                progress=False,
                check_hash=True,
                weights_only=True,
            )
    except (OSError, RuntimeError) as error:
        raise _missing(architecture, weights_dir, str(error)) from None
    except Exception as error:  # weights_only refuses a foreign pickle in many ways
        raise WeightsError(
            f"{folder / architecture.weights_file} cannot be read as weights "
            f"({type(error).__name__}); delete it and put torchvision's own file there."
        ) from None
    return state


def _published(architecture: Architecture) -> Any:
    return torchvision.models.get_model_weights(architecture.builder)[architecture.weights]


def _cache() -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints"


def _folder_with(architecture: Architecture, weights_dir: Path | None) -> Path | None:
    for folder in (weights_dir, _cache()):
        if folder is not None and (folder / architecture.weights_file).is_file():
            return folder
    return None


def _check_content(path: Path) -> None:
    promised = re.search(r"-([0-9a-f]{8})\.", path.name)
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if promised and not found.startswith(promised.group(1)):
        raise WeightsError(
            f"{path} is not torchvision's file: its SHA-256 begins with {found[:8]} instead of "
            f"{promised.group(1)}. Delete it and copy or download it again."
        )


def _unreachable(architecture: Architecture) -> str | None:
    """Why the file cannot be downloaded, or None. Name resolution has no timeout of its own, so
    the question is asked in a thread that is left behind when it takes too long."""
    request = urllib.request.Request(_published(architecture).url, method="HEAD")  # noqa: S310
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
    if weights_dir is None:
        place = f"{_cache()}, or into a folder that EMOTION_WEIGHTS_DIR names"
    else:
        place = str(weights_dir)
    return WeightsError(
        f"The ImageNet weights of {architecture.label} are not here and cannot be downloaded "
        f"({reason}). On a machine with internet, download "
        f"{_published(architecture).url} and put {architecture.weights_file} into {place}; "
        "or train with weights 'none'."
    )
