"""kill -9 at any moment, a checkpoint's writing included: the same training comes of it."""

import subprocess
import sys
from pathlib import Path

from killed_again_and_again import RECIPE

from emotion_core.training.run_directory import FILES, RunDirectory

SCRIPT = Path(__file__).with_name("killed_again_and_again.py")


def run(faces: Path, directory: Path, kills: int) -> list[int]:
    command = [sys.executable, str(SCRIPT), str(faces), str(directory), str(kills), "11"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return [int(line) for line in done.stdout.split()]


def test_twenty_kills_change_nothing_of_the_result(faces: Path, tmp_path: Path) -> None:
    run(faces, tmp_path / "whole", kills=0)
    finished = run(faces, tmp_path / "killed", kills=20)

    whole, killed = (RunDirectory(tmp_path / name).read() for name in ("whole", "killed"))
    assert finished == sorted(finished)
    assert finished[-1] == len(killed.history) == RECIPE.epochs
    assert killed.model["weights_sha256"] == whole.model["weights_sha256"]
    assert killed.metrics == whole.metrics
    visible = {path.name for path in (tmp_path / "killed").iterdir() if path.name[0] != "."}
    assert visible == set(FILES)
    assert not list((tmp_path / "killed").glob(".partial-*"))
