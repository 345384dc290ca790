"""One data set and one uninterrupted training, for all tests that only look at them."""

from pathlib import Path

import pytest
from factories_data import write_affectnet
from tiny_faces import make_faces, make_folders, run_training

from emotion_core.training.loop import EpochResult


@pytest.fixture(scope="session")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_faces(tmp_path_factory.mktemp("data") / "faces")


@pytest.fixture(scope="session")
def class_folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Faces in a folder per expression."""
    return make_folders(tmp_path_factory.mktemp("folders") / "earlier")


@pytest.fixture(scope="session")
def trained(
    faces: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[EpochResult]]:
    """The run directory of a whole training by ``RECIPE``, and its epochs."""
    directory = tmp_path_factory.mktemp("runs") / "whole"
    return directory, run_training(faces, directory)


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """A small folder in AffectNet's layout, of this test's own."""
    return write_affectnet(tmp_path / "faces")
