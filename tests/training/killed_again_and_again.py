"""Trains in child processes that are killed at random moments, then once to the end.

    python killed_again_and_again.py FACES RUN_DIRECTORY KILLS SEED

Prints how many epochs were finished after each kill. One process imports torch and forks before any
thread exists, so that a kill costs milliseconds instead of seconds.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

import torch
from tiny_faces import make_recipe, run_training

from emotion_core.training.progress import Progress
from emotion_core.training.run_directory import RunDirectory

# Keeping the best writes one file more, which must agree with the checkpoint.
RECIPE = make_recipe(epochs=6, averaging=0.9, keep="best")


def main(faces: Path, directory: Path, kills: int, seed: int) -> None:
    torch.set_num_threads(1)
    rng = random.Random(seed)
    for _ in range(kills):
        child = os.fork()
        if child == 0:
            run_training(faces, directory, RECIPE)
            os._exit(0)
        time.sleep(rng.uniform(0.15, 1.2))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        print(finished(directory), flush=True)  # noqa: T201
    run_training(faces, directory, RECIPE)
    print(finished(directory), flush=True)  # noqa: T201


def finished(directory: Path) -> int:
    """Whatever lies there must be readable: a finished run, or a checkpoint, or nothing."""
    run_directory = RunDirectory(directory)
    if run_directory.is_complete:
        return len(run_directory.read().history)
    progress = Progress.read(directory)
    return progress.finished_epochs if progress else 0


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
