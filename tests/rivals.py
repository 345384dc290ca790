"""A champion and its rivals on real files, for the steps, the shell and the DAGs."""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from promotions import forget_champion, make_champion, make_rival, make_shared_labels

from emotion_core.settings import Settings
from emotion_core.steps.installation import Installation
from emotion_core.store.database import Database
from emotion_core.store.models import ModelVersion
from emotion_core.vision.checkpoint import load_model
from emotion_core.vision.golden_outputs import GoldenOutputs
from emotion_core.vision.inference import infer

sys.path.append(str(Path(__file__).parent / "vision"))
from model_folder import SIDE, store_model, trained_briefly


@dataclass(frozen=True)
class Field:
    """A champion and rivals, validated on the same 240 images."""

    here: Installation
    champion: ModelVersion
    better: ModelVersion
    equal: ModelVersion
    folder: Path
    """Of every rival's files."""


def store_checked_model(place: Path) -> Path:
    """A small trained network with its golden outputs, in a new folder ``model`` of ``place``."""
    folder = store_model(place / "model", trained_briefly())
    network, description = load_model(folder)
    pixels = np.random.default_rng(1).integers(0, 256, (4, SIDE, SIDE, 3), dtype=np.uint8)
    scores = infer(network, description.preprocessing, pixels, torch.device("cpu"))
    GoldenOutputs(pixels, scores).write(folder)
    return folder


def copy_files(stored: Path, folder: Path) -> Path:
    """A model's own files in a new folder, without the engines that were prepared beside them."""
    folder.mkdir()
    for file in stored.iterdir():
        if file.is_file():
            (folder / file.name).write_bytes(file.read_bytes())
    return folder


def make_field(
    settings: Settings, database: Database, urls: dict[str, str], stored: Path, place: Path
) -> Field:
    """A fresh start: one champion, one better model, one as good; each with a copy of files."""
    forget_champion(urls)
    folder = copy_files(stored, place / "model")
    digest = load_model(folder)[1].weights_sha256
    labels = make_shared_labels()
    with database.transaction("emotion_train") as connection:
        champion, better, equal = (
            make_rival(connection, labels, share_right=share, folder=folder, weights_sha256=digest)
            for share in (0.5, 0.7, 0.51)
        )
        make_champion(connection, champion)
    return Field(Installation(settings), champion, better, equal, folder)
