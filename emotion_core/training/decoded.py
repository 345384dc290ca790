"""Data sets decoded for one run: read once by its first step, shared by its trainings.

They lie under the runs' folder as ``decoded/<run>/<set>/{pixels.npy, index.json}`` until the run
ends. They are faces: an erasure removes all of them, and a training then reads its source again.
"""

import shutil
import time
from pathlib import Path
from typing import Final

from emotion_core.files import folder_name

DECODED: Final = "decoded"
KEPT_SECONDS: Final = 7 * 24 * 3600
"""A run that was killed and never went on leaves its decoded images no longer than this."""


def decoded_folder(runs_dir: Path, run: str) -> Path:
    """Where a run's decoded data sets lie."""
    return runs_dir / DECODED / folder_name(run)


def remove_decoded(runs_dir: Path, run: str | None = None, *, older_than: float = -1) -> list[Path]:
    """Delete decoded data sets; a training that has one open goes on undisturbed.

    Args:
        runs_dir: The runs' folder.
        run: Of this run alone.
        older_than: Of this age in seconds alone.

    Returns:
        The folders that could not be removed.
    """
    folders = [decoded_folder(runs_dir, run)] if run else list((runs_dir / DECODED).glob("*"))
    now = time.time()
    removed = [one for one in folders if one.is_dir() and now - one.stat().st_mtime > older_than]
    for folder in removed:
        shutil.rmtree(folder, ignore_errors=True)
    return [folder for folder in removed if folder.exists()]
