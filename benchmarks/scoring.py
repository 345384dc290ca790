"""Files to committed rows, against what people would write instead; all in one run.

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
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import numpy as np  # noqa: E402
import psutil  # noqa: E402

from benchmarks.roofline import NAMES, ceiling, probe  # noqa: E402

SIDE = 224
PATIENT = {"OMP_WAIT_POLICY": "PASSIVE"}
"""For the others: makes no difference on a quiet machine, and on a busy one threads that wait by
spinning would make them look up to five times slower than they are."""

FAST_MALLOC = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
    "MALLOC_TOP_PAD_": "67108864",
    "OMP_WAIT_POLICY": "PASSIVE",
}
"""What `make up` and the image set for every task."""


# --- the systems; each runs in a process of its own and prints one JSON line -------------------


def run_ours(model_dir: str, folder: str, url: str) -> dict[str, object]:
    """The system's own path: inbox, ledger, prepared engine, published rows."""
    began_at = time.time()
    from factories import make_model
    from sqlalchemy import text

    from emotion_core.scoring.intake import take_in
    from emotion_core.scoring.worker import work
    from emotion_core.store.batches import open_batch
    from emotion_core.store.database import Database
    from emotion_core.vision.scorer import Scorer

    database = Database(url)
    with database.transaction("emotion_train") as connection:
        model = make_model(connection, network=f"bench {began_at}", folder=Path(model_dir))
    scorer = Scorer(Path(model_dir), device=os.environ.get("EMOTION_DEVICE", "auto"))
    began = time.perf_counter()
    with database.transaction("emotion_score") as connection:
        batch = open_batch(
            connection, run_key=f"bench {began_at}", source=folder, model_version_id=model.id
        )
    take_in(database, batch, settle_seconds=0, plan_known=True)
    taken_in = time.perf_counter() - began
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
        "take_in": taken_in,
        "stages": tally.stage_seconds,
        "first_row": float(first) - began_at,
    }


def run_bare(model_dir: str, folder: str, count: str) -> dict[str, object]:
    """The chosen engine alone, on pixels that are in memory already."""
    from emotion_core.vision.images import decode
    from emotion_core.vision.scorer import Scorer

    scorer = Scorer(Path(model_dir), device=os.environ.get("EMOTION_DEVICE", "auto"))
    paths = sorted(Path(folder).glob("*.jpg"))[: int(count)]
    pixels = np.stack([scorer.preprocessing.pixels(decode(path.read_bytes())) for path in paths])
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
    preprocessing = description.preprocessing
    transform = transforms.Compose(
        [
            transforms.Resize((SIDE, SIDE)),
            transforms.ToTensor(),
            transforms.Normalize(preprocessing.mean, preprocessing.std),
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


# --- the run ---------------------------------------------------------------------------------


def measured(command: list[str], environment: dict[str, str]) -> dict[str, object]:
    """Run a system; its own line, with the peak memory of its processes in MB (PSS)."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | environment, cwd=ROOT
    )
    peak = 0

    def watch() -> None:
        nonlocal peak
        while process.poll() is None:
            total = 0
            try:
                parent = psutil.Process(process.pid)
                for one in [parent, *parent.children(recursive=True)]:
                    total += one.memory_full_info().pss
            except psutil.Error:
                pass
            peak = max(peak, total)
            time.sleep(0.3)

    watcher = threading.Thread(target=watch)
    watcher.start()
    output, _ = process.communicate()
    watcher.join()
    if process.returncode:
        raise SystemExit(f"{command[1:4]} ended with {process.returncode}")
    return json.loads(output.splitlines()[-1]) | {"peak_mb": peak / 1e6}


def lay_out_images(folder: Path, count: int) -> str:
    """Put ``count`` distinct 224 × 224 JPEGs into ``folder``; returns what they are."""
    folder.mkdir()
    real = os.environ.get("EMOTION_REAL_DATA")
    if real:
        with zipfile.ZipFile(real) as archive:
            names = [name for name in archive.namelist() if name.endswith(".jpg")][:count]
            for number, name in enumerate(names):
                (folder / f"{number:06d}.jpg").write_bytes(archive.read(name))
        kind = "real faces"
    else:
        from emotion_core.drawn_faces.dataset import draw_face

        rng = np.random.default_rng(1)
        for number in range(count):
            face = draw_face(number % 8, rng.uniform(-1, 1), rng.uniform(-1, 1), rng)
            face.save(folder / f"{number:06d}.jpg", quality=90)
        kind = "drawn faces"
    (folder / "_SUCCESS").touch()
    return kind


def random_model(name: str, folder: Path) -> Path:
    """A model with random weights: right for rates, useless for scores."""
    import torch

    from emotion_core.vision.checkpoint import save_model
    from emotion_core.vision.network import build_network, preprocessing_for

    torch.manual_seed(0)
    made = folder / name
    made.mkdir(parents=True)
    save_model(
        made,
        build_network(name).eval(),
        name=name,
        preprocessing=preprocessing_for(name, SIDE),
        versions={},
        recipe={},
        data={},
        calibration={"temperature": 1.0},
        git_revision=None,
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
    names = {"pixels": {0: "n"}, "logits": {0: "n"}, "affect": {0: "n"}}
    torch.onnx.export(
        network.to(memory_format=torch.contiguous_format),
        (torch.zeros(2, 3, SIDE, SIDE),),
        str(target),
        dynamo=False,
        input_names=["pixels"],
        output_names=["logits", "affect"],
        dynamic_axes=names,
        opset_version=17,
    )


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

    from emotion_core.local.credentials import load_or_create
    from emotion_core.local.home import Home
    from emotion_core.local.postgres import PostgresServer
    from emotion_core.local.provision import addresses, provision
    from emotion_core.vision.prepared_engines import prepare_engine
    from emotion_core.vision.processor import available_cores, cpu_name

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server ends, too
    root = Path(tempfile.mkdtemp(prefix="emotion-bench-"))
    home = Home(root / "home" / "emotion")
    home.path.parent.mkdir()
    home.make()
    credentials = load_or_create(home.secrets_path)
    server = PostgresServer(home, credentials.postgres, durable=True)
    try:
        server.start()
        provision(server, credentials)
        app = addresses(server, credentials).app
        admin = server.url("postgres", "postgres", credentials.postgres)
        plain = admin.replace("+psycopg2", "")
        kind = lay_out_images(root / "images", asked.images)
        print(f"{cpu_name()}; {platform.platform()}; {asked.images} {kind}, {SIDE} px JPEG")
        packages = ("torch", "openvino", "simplejpeg", "pillow", "psycopg2-binary")
        print("versions:", ", ".join(f"{name} {_version(name)}" for name in packages))
        models = asked.models or [random_model(name, root / "models") for name in asked.networks]
        for model in models:
            engines = prepare(model, root / "images", prepare_engine)
            compare(model, engines, root, asked, app, admin, plain, available_cores())
    finally:
        server.remove()
        shutil.rmtree(root, ignore_errors=True)


def prepare(model: Path, images: Path, prepare_engine: object) -> dict[str, float]:
    """Prepare the engine on the first of the images and say what was measured.

    Returns:
        Images/s of every engine, by its label.
    """
    from emotion_core.vision.checkpoint import read_description
    from emotion_core.vision.images import decode

    preprocessing = read_description(model).preprocessing
    paths = sorted(images.glob("*.jpg"))[:128]
    faces = np.stack([preprocessing.pixels(decode(path.read_bytes())) for path in paths])
    began = time.perf_counter()
    made = prepare_engine(model, "auto", faces)  # type: ignore[operator]
    print(f"\n{made.network}: {made.choice.label} prepared in {time.perf_counter() - began:.0f} s")
    for one in made.measured:
        agreement = one["agreement"]
        kept = (
            f"same label {agreement['same_label_share']:.1%}, widest change of a probability "
            f"{agreement['widest_probability']:.4f}"
            if agreement
            else "the reference"
        )
        print(f"  {one['engine']:<24} {one['images_per_second']:7.1f} images/s  {kept}")
    return {one["engine"]: one["images_per_second"] for one in made.measured}


def compare(
    model: Path,
    engines: dict[str, float],
    root: Path,
    asked: argparse.Namespace,
    app: str,
    admin: str,
    plain: str,
    cores: int,
) -> None:
    """Measure every system in turn and print their medians."""
    this = [sys.executable, str(Path(__file__).resolve()), "--run"]
    images = str(root / "images")
    systems = {
        "naive loop": ([*this, "naive", str(model), images, admin], PATIENT),
        "this system": ([*this, "ours", str(model), images, app], FAST_MALLOC),
        "its engine alone": ([*this, "bare", str(model), images, "256"], FAST_MALLOC),
    }
    if asked.peers:
        onnx = root / "model.onnx"
        export_onnx(model, asked.peers, onnx)
        make_peer_table(plain)
        peer = str(Path(__file__).with_name("peer_onnxruntime.py"))
        systems["ONNX Runtime + OpenCV"] = (
            [asked.peers, peer, str(onnx), images, plain, str(SIDE), str(cores)],
            PATIENT,
        )
    results: dict[str, list[dict[str, object]]] = {name: [] for name in systems}
    for _ in range(asked.repeats):
        for name, (command, environment) in systems.items():
            results[name].append(measured(command, environment))
    rates = {
        name: statistics.median(float(one["images"]) / float(one["seconds"]) for one in found)  # type: ignore[arg-type]
        for name, found in results.items()
    }
    for name, rate in rates.items():
        peak = max(float(one["peak_mb"]) for one in results[name])  # type: ignore[arg-type]
        times = rate / rates["naive loop"]
        print(f"  {name:<24} {rate:7.1f} images/s  {times:5.2f} ×  peak {peak:5.0f} MB")
    ours = results["this system"]
    print(f"  first row after {max(float(one['first_row']) for one in ours):.1f} s of the start")  # type: ignore[arg-type]
    alone = ceiling({"alone": rates["its engine alone"]}, {"in the system": rates["this system"]})
    print(f"  {rates['this system'] / alone.rate:.0%} of the bare engine's rate")
    flops = operations(model)
    for (device, precision), found in by_precision(results, engines, here()).items():
        probed = probe(device, precision)
        print(*ceiling_lines(precision, probed, found, flops, rates["naive loop"]), sep="\n")
    if asked.peers:
        print(f"  {rates['this system'] / rates['ONNX Runtime + OpenCV']:.2f} × the best peer")
    last = ours[-1]
    stages = ", ".join(f"{name} {spent:.2f}" for name, spent in last["stages"].items())  # type: ignore[attr-defined]
    print(f"  seconds in its stages: take in {last['take_in']:.2f}, {stages}")


def here() -> str:
    """Where the engines run: ``cpu`` or ``cuda``. The other systems run on the CPU."""
    from emotion_core.vision.prepared_engines import device_kind

    return device_kind(os.environ.get("EMOTION_DEVICE", "auto"))


def by_precision(
    results: dict[str, list[dict[str, object]]], engines: dict[str, float], device: str
) -> dict[tuple[str, str], dict[str, float]]:
    """The most images/s that each system and engine reached, by device and precision."""
    found: dict[tuple[str, str], dict[str, float]] = {}

    def enter(name: str, label: str, rate: float) -> None:
        # On a GPU every engine computes in bfloat16; without an engine's label it is float32.
        rounds = "bf16" in label or (label and device == "cuda")
        where = (device if label else "cpu", "bf16" if rounds else "f32")
        best = found.setdefault(where, {})
        best[name] = max(rate, best.get(name, 0.0))

    for label, rate in engines.items():
        enter(label, label, rate)
    for name, runs in results.items():
        for one in runs:
            rate = float(one["images"]) / float(one["seconds"])  # type: ignore[arg-type]
            enter(name, str(one.get("engine", "")), rate)
    return found


def ceiling_lines(
    precision: str, probed: dict[str, float], measured: dict[str, float], flops: float, naive: float
) -> list[str]:
    """What no engine of a precision was seen to pass, in sentences.

    Args:
        probed: FLOP/s of kernels.
        measured: Images/s.
        flops: Of one image.
        naive: Images/s of the naive loop.
    """
    limit = ceiling({kernel: rate / flops for kernel, rate in probed.items()}, measured)
    kernels = ", ".join(f"{kernel} {rate / 1e9:.0f}" for kernel, rate in probed.items())
    return [
        f"  no {NAMES[precision]} engine was seen to pass {limit.rate:.1f} images/s here, "
        f"{limit.rate / naive:.1f} × the naive loop",
        f"    by {limit.by}, {limit.rate * flops / 1e9:.0f} GFLOP/s at {flops / 1e9:.2f} GFLOP an "
        f"image; tried, in GFLOP/s: {kernels}",
    ]


def operations(model: Path) -> float:
    """FLOP of one image; a multiplication and its addition are two."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from emotion_core.vision.checkpoint import load_model

    network, description = load_model(model)
    side = description.preprocessing.image_size
    with FlopCounterMode(display=False) as counted, torch.no_grad():
        network(torch.zeros(1, 3, side, side))
    return float(counted.get_total_flops())


def make_peer_table(url: str) -> None:
    """The peer's table, once."""
    import psycopg2

    columns = ", ".join(f"c{number} real" for number in range(10))
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE IF NOT EXISTS peer_prediction (file text, {columns})")


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "absent"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        system = {"ours": run_ours, "bare": run_bare, "naive": run_naive}[sys.argv[2]]
        print(json.dumps(system(*sys.argv[3:])))
    else:
        main()
