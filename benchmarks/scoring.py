"""Files to committed rows, beside what people would write instead; all in one run.

    make bench-score                      # both networks, random weights, drawn faces
    make bench-score MODELS='runs/a runs/b' IMAGES=1024

Each system works through the same 224 × 224 JPEGs on the same machine and PostgreSQL (fsync on), in
turn, several times; the medians' ratios are what counts. Real images are used where
EMOTION_REAL_DATA names the data set. Where ``--peers`` names an interpreter with
``requirements-peers.txt``, ONNX Runtime with OpenCV takes part.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import numpy as np  # noqa: E402

from benchmarks.harness import (  # noqa: E402
    FAST_MALLOC,
    PATIENT,
    ceiling_lines,
    in_turns,
    machine,
    median_rate,
    probe,
)

if TYPE_CHECKING:  # needs a database; `benchmarks/gpu.py` imports this module without one
    from emotion_core.local.provision import Addresses

SIDE = 224
DEVICE = os.environ.get("EMOTION_DEVICE", "auto")

# --- the systems; each runs in a process of its own and prints one JSON line -------------------


def run_ours(model_dir: str, folder: str, url: str) -> dict[str, object]:
    """The system's own path: inbox, ledger, prepared engine, published rows."""
    began_at = time.time()
    from factories import make_model
    from sqlalchemy import text

    from emotion_core.scoring.ingest import ingest
    from emotion_core.scoring.worker import work
    from emotion_core.store.batches import open_batch
    from emotion_core.store.database import Database
    from emotion_core.vision.scorer import Scorer

    database = Database(url)
    with database.transaction("emotion_train") as connection:
        model = make_model(connection, network=f"bench {began_at}", folder=Path(model_dir))
    scorer = Scorer(Path(model_dir), device=DEVICE)
    began = time.perf_counter()
    with database.transaction("emotion_score") as connection:
        batch = open_batch(
            connection, run_key=f"bench {began_at}", source=folder, model_version_id=model.id
        )
    ingest(database, batch, settle_seconds=0, plan_known=True)
    ingested = time.perf_counter() - began
    tally = work(database, scorer, model_version_id=model.id, worker="bench")
    seconds = time.perf_counter() - began
    with database.transaction("emotion_report") as connection:
        rows, first = connection.execute(
            text(
                "SELECT count(*), min(extract(epoch FROM scored_at)) FROM prediction "
                "WHERE model_version_id = :id"
            ),
            {"id": model.id},
        ).one()
    return {
        "images": rows,
        "seconds": seconds,
        "engine": scorer.engine,
        "stages": {"ingest": ingested, **tally.stage_seconds},
        "first_row": float(first) - began_at,
    }


def run_bare(model_dir: str, folder: str, count: str) -> dict[str, object]:
    """The chosen engine alone, on pixels that are in memory already."""
    from emotion_core.vision.scorer import Scorer

    scorer = Scorer(Path(model_dir), device=DEVICE)
    pixels = pixels_of(Path(model_dir), Path(folder), int(count))
    scorer.score(pixels[:32])
    began = time.perf_counter()
    for start in range(0, len(pixels), 128):
        scorer.score(pixels[start : start + 128])
    return {"images": len(pixels), "seconds": time.perf_counter() - began, "engine": scorer.engine}


def run_naive(model_dir: str, folder: str, url: str) -> dict[str, object]:
    """What a tutorial writes: DataLoader, PIL, float32, batches of 32, DataFrame.to_sql."""
    import pandas as pd
    import sqlalchemy
    import torch
    from PIL import Image
    from torch.utils.data import DataLoader, Dataset
    from torchvision import transforms

    from emotion_core.vision.checkpoint import load_model

    network, description = load_model(Path(model_dir))
    network = network.to(memory_format=torch.contiguous_format)
    transform = transforms.Compose(
        [
            transforms.Resize((SIDE, SIDE)),
            transforms.ToTensor(),
            transforms.Normalize(description.preprocessing.mean, description.preprocessing.std),
        ]
    )
    paths = sorted(Path(folder).glob("*.jpg"))

    class Files(Dataset):  # type: ignore[type-arg]
        def __len__(self) -> int:
            return len(paths)

        def __getitem__(self, index: int) -> tuple[torch.Tensor, str]:
            with Image.open(paths[index]) as image:
                return transform(image.convert("RGB")), paths[index].name

    engine = sqlalchemy.create_engine(url)
    began = time.perf_counter()
    rows = []
    with torch.no_grad():
        for images, names in DataLoader(Files(), batch_size=32):
            logits, affect = network(images)
            likely = torch.softmax(logits, 1)
            for name, row, va in zip(names, likely.numpy(), affect.numpy(), strict=True):
                rows.append([name, *map(float, row), *map(float, va)])
    frame = pd.DataFrame(rows, columns=["file", *(f"p{n}" for n in range(8)), "v", "a"])
    frame.to_sql("naive_prediction", engine, if_exists="append", index=False)
    return {"images": len(rows), "seconds": time.perf_counter() - began}


SYSTEMS = {"ours": run_ours, "bare": run_bare, "naive": run_naive}

# --- what they work on -----------------------------------------------------------------------


def lay_out_images(folder: Path, count: int) -> str:
    """Put ``count`` distinct 224 × 224 JPEGs into ``folder``; returns what they are."""
    folder.mkdir()
    real = os.environ.get("EMOTION_REAL_DATA")
    if real:
        with zipfile.ZipFile(real) as archive:
            names = [name for name in archive.namelist() if name.endswith(".jpg")][:count]
            for number, name in enumerate(names):
                (folder / f"{number:06d}.jpg").write_bytes(archive.read(name))
    else:
        from emotion_core.drawn_faces.dataset import draw_face

        rng = np.random.default_rng(1)
        for number in range(count):
            face = draw_face(number % 8, rng.uniform(-1, 1), rng.uniform(-1, 1), rng)
            face.save(folder / f"{number:06d}.jpg", quality=90)
    (folder / "_SUCCESS").touch()
    return "real faces" if real else "drawn faces"


def pixels_of(model: Path, folder: Path, count: int) -> np.ndarray:
    """The first images as the model's preprocessing gives them."""
    from emotion_core.vision.description import read_description
    from emotion_core.vision.images import decode

    preprocessing = read_description(model).preprocessing
    paths = sorted(folder.glob("*.jpg"))[:count]
    return np.stack([preprocessing.pixels(decode(path.read_bytes())) for path in paths])


def random_model(name: str, folder: Path, side: int = SIDE) -> Path:
    """A model with random weights: right for rates, useless for scores."""
    import torch

    from emotion_core.vision.checkpoint import save_model
    from emotion_core.vision.description import ModelDescription
    from emotion_core.vision.network import build_network, preprocessing_for

    torch.manual_seed(0)
    made = folder / name
    made.mkdir(parents=True)
    save_model(
        made, build_network(name).eval(), ModelDescription(name, preprocessing_for(name, side))
    )
    return made


def export_onnx(model_dir: Path, peers: str, target: Path) -> None:
    """The same network for the peer; its ``onnx`` package is borrowed from the peers' own place."""
    import torch

    from emotion_core.vision.checkpoint import load_model

    where = subprocess.check_output(
        [peers, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
    )
    sys.path.append(where.strip())
    network, _ = load_model(model_dir)
    torch.onnx.export(
        network.to(memory_format=torch.contiguous_format),
        (torch.zeros(2, 3, SIDE, SIDE),),
        str(target),
        dynamo=False,
        input_names=["pixels"],
        output_names=["logits", "affect"],
        dynamic_axes={name: {0: "n"} for name in ("pixels", "logits", "affect")},
        opset_version=17,
    )


# --- the run ---------------------------------------------------------------------------------


def main() -> None:
    """Measure and print one table per network."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--models", nargs="*", type=Path, default=[], help="run directories")
    parser.add_argument("--networks", nargs="*", default=["resnet50", "efficientnet_b0"])
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--peers", help="interpreter that has requirements-peers.txt")
    asked = parser.parse_args()

    from emotion_core.local.temporary import temporary_server

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server ends, too
    with (
        tempfile.TemporaryDirectory(prefix="emotion-bench-") as folder,
        temporary_server(durable=True) as (_, addresses),
    ):
        root = Path(folder)
        kind = lay_out_images(root / "images", asked.images)
        print(machine("torch", "openvino", "simplejpeg", "pillow", "psycopg2-binary"))
        print(f"{asked.images} {kind}, {SIDE} px JPEG")
        for model in asked.models or [random_model(name, root) for name in asked.networks]:
            compare(model, prepare(model, root / "images"), root, asked, addresses)


def prepare(model: Path, images: Path) -> dict[str, float]:
    """Prepare the engine on the first of the images and say what was measured.

    Returns:
        Images/s of every engine, by its label.
    """
    from emotion_core.vision.prepared_engines import MOST_FACES, prepare_engine

    faces = pixels_of(model, images, MOST_FACES)
    began = time.perf_counter()
    made = prepare_engine(model, "auto", faces)
    print(f"\n{model.name}: {made.choice.label} prepared in {time.perf_counter() - began:.0f} s")
    for one in made.measured:
        kept = "the reference"
        if agreement := one["agreement"]:
            kept = (
                f"same label {agreement['same_label_share']:.1%}, widest change of a score "
                f"{agreement['widest_difference']:.4f}"
            )
        print(f"  {one['engine']:<24} {one['images_per_second']:7.1f} images/s  {kept}")
    return {one["engine"]: one["images_per_second"] for one in made.measured}


def compare(
    model: Path,
    engines: dict[str, float],
    root: Path,
    asked: argparse.Namespace,
    addresses: "Addresses",
) -> None:
    """Measure every system in turn and print their medians."""
    from emotion_core.vision.cost import measure_cost
    from emotion_core.vision.prepared_engines import device_kind
    from emotion_core.vision.processor import available_cores

    images = str(root / "images")
    # The others write into Airflow's database, whose login may create tables.

    def own(way: str, last: str) -> list[str]:
        return [sys.executable, str(Path(__file__)), "--run", way, str(model), images, last]

    systems: dict[str, tuple[list[str], dict[str, str]]] = {
        "naive loop": (own("naive", addresses.airflow), PATIENT),
        "this system": (own("ours", addresses.app), FAST_MALLOC),
        "its engine alone": (own("bare", "256"), FAST_MALLOC),
    }
    if asked.peers:
        onnx = root / "model.onnx"
        export_onnx(model, asked.peers, onnx)
        plain = addresses.airflow.replace("+psycopg2", "")
        make_peer_table(plain)
        peer = [asked.peers, str(Path(__file__).with_name("peer_onnxruntime.py")), str(onnx)]
        systems["ONNX Runtime + OpenCV"] = (
            [*peer, images, plain, str(SIDE), str(available_cores())],
            PATIENT,
        )
    results = in_turns(systems, asked.repeats)
    rates = {name: median_rate(runs) for name, runs in results.items()}
    for name, rate in rates.items():
        peak = max(one["peak_mb"] for one in results[name])
        times = rate / rates["naive loop"]
        print(f"  {name:<24} {rate:7.1f} images/s  {times:5.2f} ×  peak {peak:5.0f} MB")
    ours = results["this system"]
    print(f"  first row after {max(one['first_row'] for one in ours):.1f} s of the start")
    alone = max(rates["its engine alone"], rates["this system"])
    print(f"  {rates['this system'] / alone:.0%} of the bare engine's rate")
    flops = measure_cost(model, "cpu").flops
    device = device_kind(DEVICE)
    for (where, precision), found in by_precision(results, engines, device).items():
        print(*ceiling_lines(precision, probe(where, precision), found, flops), sep="\n")
    if asked.peers:
        print(f"  {rates['this system'] / rates['ONNX Runtime + OpenCV']:.2f} × the best peer")
    stages = ", ".join(f"{name} {spent:.2f}" for name, spent in ours[-1]["stages"].items())
    print(f"  seconds in its stages: {stages}")


def by_precision(
    results: dict[str, list[dict[str, Any]]], engines: dict[str, float], device: str
) -> dict[tuple[str, str], dict[str, float]]:
    """The most images/s that each system and engine reached, by device and precision."""
    rates = [(label, label, rate) for label, rate in engines.items()]
    for name, runs in results.items():
        rates += [(name, one.get("engine", ""), one["images"] / one["seconds"]) for one in runs]
    found: dict[tuple[str, str], dict[str, float]] = {}
    for name, label, rate in rates:
        # On a GPU every engine computes in bfloat16; without an engine's label it is float32.
        rounds = "bf16" in label or (label and device == "cuda")
        best = found.setdefault((device if label else "cpu", "bf16" if rounds else "f32"), {})
        best[name] = max(rate, best.get(name, 0.0))
    return found


def make_peer_table(url: str) -> None:
    """The peer's table, once."""
    import psycopg2

    columns = ", ".join(f"c{number} real" for number in range(10))
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE IF NOT EXISTS peer_prediction (file text, {columns})")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        print(json.dumps(SYSTEMS[sys.argv[2]](*sys.argv[3:])))
    else:
        main()
