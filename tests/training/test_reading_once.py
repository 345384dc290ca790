"""Data are read once: one read, one digest, one decoding an image, for however many networks."""

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tiny_faces import NETWORK

from emotion_core.errors import DataError
from emotion_core.settings import Settings
from emotion_core.steps import training, training_data
from emotion_core.steps.installation import Installation
from emotion_core.store import datasets
from emotion_core.training import labelled_set
from emotion_core.training.decoded import decoded_folder
from emotion_core.training.source_files import SourceFiles

GROUP = "read once"
NETWORKS = [NETWORK, "timm:test_resnet"]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often an image file was read, hashed and decoded, and a data set registered."""
    counts: Counter[str] = Counter()

    def count(owner: Any, name: str, key: str) -> None:
        original = getattr(owner, name)

        def counting(*args: Any, **kwargs: Any) -> Any:
            counts[key] += 1
            return original(*args, **kwargs)

        monkeypatch.setattr(owner, name, counting)

    opened = labelled_set.digest_and_decode

    def read(files: SourceFiles, name: str, *rest: Any) -> str:
        class Counting:
            def read(self, name: str, limit: int) -> bytes:
                counts["reads"] += 1
                return files.read(name, limit)

        return opened(Counting(), name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr("emotion_core.training.affectnet.digest_and_decode", read)
    count(labelled_set, "decode", "decodes")
    count(labelled_set, "decode_pixels", "decodes")
    count(datasets, "register_dataset", "registrations")
    sha256 = hashlib.sha256

    def counted_sha256(data: bytes = b"", **kwargs: Any) -> Any:
        counts["hashes"] += data[:2] == b"\xff\xd8"  # of a JPEG file
        return sha256(data, **kwargs)

    monkeypatch.setattr(hashlib, "sha256", counted_sha256)
    return counts


@pytest.fixture
def here(settings: Settings) -> Installation:
    return Installation(settings)


def form(faces: Path) -> dict[str, Any]:
    small = {"preset": "quick", "weights": "none", "epochs": 1, "batch_size": 8}
    return {"networks": NETWORKS, "data": str(faces), **small}


def test_two_networks_read_hash_and_decode_every_image_once(
    here: Installation, faces: Path, counted: Counter[str]
) -> None:
    folder = decoded_folder(here.settings.runs_dir, GROUP)

    for network in training_data.prepare(here, GROUP, form(faces)):
        training.train(here, GROUP, network, form(faces))
    was_there = folder.is_dir()
    training_data.clean_up(here, GROUP)

    assert counted == {"reads": 32, "hashes": 32, "decodes": 32, "registrations": 1}
    assert was_there
    assert not folder.exists()


def test_data_that_cannot_be_used_leave_no_decoded_images(
    here: Installation, tmp_path: Path
) -> None:
    with pytest.raises(DataError):
        training_data.prepare(here, "nothing", form(tmp_path))

    assert not decoded_folder(here.settings.runs_dir, "nothing").exists()
