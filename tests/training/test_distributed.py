"""Several processes that train one network together."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from emotion_core.training.distributed import DistributedContext
from emotion_core.training.run_directory import FILES, RunDirectory

# Layer normalisation instead of batch normalisation: on CPUs each process would normalise its own
# half of the batch, and the results could not be the same.
COMMAND = ["-m", "emotion_core.training", "train", "--network", "timm:test_convnext"]
COMMAND += ["--preset", "quick", "--weights", "none", "--image-size", "32", "--epochs", "2"]
COMMAND += ["--batch-size", "8", "--validation-share", "0.25", "--device", "cpu"]

# Processes that spin while they wait take each other's cores. In float32, also where the processor
# trains in bfloat16: each half of a batch is rounded for itself there.
ENVIRONMENT = {
    **os.environ,
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
}


def run(faces: Path, out: Path, *launcher: str) -> str:
    command = [sys.executable, *launcher, *COMMAND, "--data", str(faces), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_two_processes_reach_what_one_reaches(faces: Path, tmp_path: Path) -> None:
    run(faces, tmp_path / "one")
    printed = run(
        faces, tmp_path / "two", "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"
    )

    one, two = (
        RunDirectory(tmp_path / name / "timm_test_convnext").read() for name in ("one", "two")
    )
    assert [epoch["epoch"] for epoch in two.history] == [1, 2]
    for before, after in zip(one.history, two.history, strict=True):
        assert after["train"] == pytest.approx(before["train"], abs=2e-3)
        assert after["validation"] == pytest.approx(before["validation"], abs=2e-3)
    assert printed.count("epoch 1/2") == 1
    written = {path.name for path in (tmp_path / "two" / "timm_test_convnext").iterdir()}
    assert {name for name in written if not name.startswith(".")} == set(FILES)


def test_the_shards_of_a_batch_are_the_batch() -> None:
    batch = torch.arange(10, 17)

    shards = [DistributedContext(rank, 3).shard(batch).tolist() for rank in range(3)]

    assert sorted(image for shard in shards for image in shard) == batch.tolist()
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


def test_one_process_alone_needs_nobody() -> None:
    alone = DistributedContext()
    network = torch.nn.Linear(2, 2)

    alone.barrier()
    alone.broadcast_buffers(network)

    assert alone.is_main
    assert alone.wrap(network) is network
    assert alone.all_gather("metrics") == ["metrics"]
