"""The script for a machine with a GPU, in its smallest form and without a database."""

import json
import os
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from benchmarks.gpu import PARTS, SMALL, report, run_part

ROOT = Path(__file__).parents[1]

ABSENT = {"sqlalchemy", "psycopg2", "airflow", "psutil", "openvino", "simplejpeg"}
"""Packages that such a machine may lack."""

RUN = {
    "seed": 1,
    "held_out": 510,
    "constant_predictor": {},
    "weights_origin": "imagenet, then faces",
    "precision": {"name": "bfloat16", "step_seconds": {}},
    "images_per_second": 900.0,
}


def recorded() -> dict[str, Any]:
    metrics = dict.fromkeys(
        ("accuracy", "macro_f1", "mean_average_precision", "ccc_valence", "ccc_arousal"), 0.5
    ) | {"rmse_valence": 0.4, "rmse_arousal": 0.35}
    chance = {"constant_predictor": {**metrics, "ccc_valence": None}}
    return {
        "facts": {
            "device": "NVIDIA X",
            "machine": "16 cores",
            "cuda": "13.0",
            "is_drawn": False,
            "pretraining_is_drawn": True,
            "weights": "imagenet",
        },
        "plan": {
            "seeds": [1, 2, 3],
            "epochs": 12,
            "pretraining_epochs": 1,
            "image_size": 224,
            "batch_size": 32,
            "bench_batch_size": 128,
        },
        "parts": {
            "tests": {
                "status": "failed: 1 failed",
                "seconds": 12.3,
                "results": {"tests": 3, "failed": ["test_graph"]},
            },
            "training": {
                "status": "cut after 130 s",
                "seconds": 130.0,
                "results": {
                    "resnet50": {
                        "rates": {"plain": [500.0], "ours": [2000.0]},
                        "ratio": 4.0,
                        "precision": "bf16",
                        "lines": ["  ceiling in bfloat16: 30000.0 images/s"],
                    }
                },
            },
            "tuned": {
                "status": "ran",
                "seconds": 200.0,
                "results": {
                    "resnet50": [
                        {**RUN, **chance, "metrics": {**metrics, "accuracy": 0.52}},
                        {**RUN, **chance, "metrics": {**metrics, "accuracy": 0.48}},
                    ]
                },
            },
        },
    }


def test_the_report_says_what_ran_what_failed_and_what_was_cut() -> None:
    text = report(recorded())

    assert "| Tests marked gpu | failed: 1 failed | 12 |" in text
    assert "2 of 3 passed." in text
    assert "- failed: test_graph" in text
    assert "| Training beside a plain loop | cut after 130 s | 130 |" in text
    assert "| resnet50 | 500.0 | 2000.0 in bf16 | **4.00 ×** |" in text
    assert "| resnet50, 2 of 3 seeds | 0.500 (0.480 to 0.520) | 0.500 (0.500 to 0.500) |" in text
    assert "| constant predictor | 0.500 (0.500 to 0.500) |" in text
    assert " – |" in text
    assert "On 510 held-out faces a seed" in text
    assert "| Scoring engines | not run |  |" in text
    assert "Faces: real; in the earlier stage: drawn" in text


def test_the_shell_script_is_valid() -> None:
    subprocess.run(["sh", "-n", str(ROOT / "benchmarks" / "gpu.sh")], check=True)


def test_a_part_that_takes_too_long_is_cut_with_all_its_processes(tmp_path: Path) -> None:
    kept, child = tmp_path / "part.json", tmp_path / "child"
    script = 'sleep 600 & echo $! >"$1"; echo "{\\"rate\\": 3}" >"$0"; wait'
    command = ["sh", "-c", script, str(kept), str(child)]

    found = run_part(command, 2.0, kept, tmp_path / "part.log")
    late = run_part(command, -1.0, kept, tmp_path / "late.log")

    assert (found["status"], found["results"]) == ("cut after 2 s", {"rate": 3})
    assert late["status"] == "cut: no time was left"
    with suppress(psutil.NoSuchProcess):
        psutil.Process(int(child.read_text())).wait(timeout=30)


def test_a_part_that_fails_stops_no_other_and_no_database_is_needed(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        f"import sys\nsys.modules.update(dict.fromkeys({sorted(ABSENT)!r}))\n"
    )
    environment = {
        **{name: value for name, value in os.environ.items() if name != "EMOTION_REAL_DATA"},
        "PYTHONPATH": str(tmp_path),
        "EMOTION_PRETRAINING_DATA": str(tmp_path / "missing.zip"),
        "OMP_NUM_THREADS": "1",
        "SMALL": "1",
        "OUT": str(tmp_path / "out"),
    }

    done = subprocess.run(
        [ROOT / "benchmarks" / "gpu.sh", "--parts", "tuned", "engines"],
        env=environment,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "out" / "gpu.json").read_text())
    log = (tmp_path / "out" / "tuned.log").read_text()
    engines = results["parts"]["engines"]
    assert results["parts"]["tuned"]["status"] == "failed: the trainings with seed 1 failed"
    assert "missing.zip" in log
    assert engines["status"] == "ran", (tmp_path / "out" / "engines.log").read_text()
    for network in SMALL.networks:
        assert engines["results"][network]["engines"][0]["images_per_second"] > 0
    assert set(results["parts"]) < set(PARTS)
    assert (tmp_path / "out" / "gpu.md").read_text() == report(results)
