"""What comes before the first optimisation step: seconds, and how often each image is read.

    python -m benchmarks.training_start --data DATA

The steps `prepare` and `train` of two networks, each in a process of its own as Airflow runs them,
on a PostgreSQL of its own; a training ends with its first step.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from emotion_core.vision.architectures import MAIN_NETWORKS


def count_calls(counts: Counter[str]) -> None:
    """Count reads, decodings and digests of image files, and registrations of data sets."""
    from PIL import Image

    from emotion_core.store import datasets
    from emotion_core.training import source_files
    from emotion_core.vision import images

    def wrap(owner: Any, name: str, key: str, counted: Any = lambda args, found: True) -> None:
        original = getattr(owner, name)

        def counting(*args: Any, **kwargs: Any) -> Any:
            found = original(*args, **kwargs)
            counts[key] += bool(counted(args, found))
            return found

        setattr(owner, name, counting)

    for files in (source_files._Folder, source_files._Archive):
        wrap(files, "read", "reads", lambda args, _: args[1].endswith(".jpg"))
    wrap(hashlib, "sha256", "digests", lambda args, _: args and args[0][:2] == b"\xff\xd8")
    wrap(Image, "open", "decodings")
    wrap(images, "fast_jpeg", "decodings", lambda _, found: found is not None)
    wrap(datasets, "register_dataset", "registrations")


def measure(step: str, home: str, url: str, data: str) -> None:
    """Run one step up to its end or its first optimisation step, and print what it took."""
    began = time.perf_counter()
    counts: Counter[str] = Counter()
    count_calls(counts)
    from emotion_core.settings import Settings
    from emotion_core.steps import training, training_data
    from emotion_core.steps.installation import Installation

    def report() -> None:
        spent = {"seconds": time.perf_counter() - began, "processor": sum(os.times()[:2])}
        print(json.dumps({**counts, **spent}), flush=True)

    here = Installation(
        Settings.from_environment(
            {"EMOTION_HOME": home, "EMOTION_DATABASE_URL": url, "EMOTION_DEVICE": "cpu"}
        )
    )
    form = {"networks": MAIN_NETWORKS, "preset": "seed", "data": data, "weights": "none"}
    form |= {"epochs": 1, "batch_size": 2}
    if step == "prepare":
        training_data.prepare(here, "start", form)
        report()
        return
    from emotion_core.training import epoch

    original = epoch._step

    def first(state: Any) -> Any:
        original(state)
        report()
        os._exit(0)

    epoch._step = first
    training.train(here, "start", MAIN_NETWORKS.index(step), form)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="folder or zip in AffectNet's layout")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(*options.measure, options.data)
        return
    from emotion_core.local.credentials import load_or_create
    from emotion_core.local.home import Home
    from emotion_core.local.postgres import PostgresServer
    from emotion_core.local.provision import addresses, provision

    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        home.make()
        credentials = load_or_create(home.secrets_path)
        server = PostgresServer(home, credentials.postgres, durable=False)
        server.start()
        try:
            provision(server, credentials)
            url = addresses(server, credentials).app
            total: Counter[str] = Counter()
            for step in ("prepare", *MAIN_NETWORKS):
                command = [sys.executable, __file__, "--data", options.data]
                command += ["--measure", step, f"{folder}/files", url]
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                if done.returncode:
                    sys.exit(done.stderr)
                found = json.loads(done.stdout.splitlines()[-1])
                print(step, {name: round(value, 1) for name, value in found.items()}, flush=True)
                total.update(found)
            print("together", {name: round(value, 1) for name, value in total.items()})
        finally:
            server.remove()


if __name__ == "__main__":
    main()
