"""Training: our loop against the loop that one would write, in one run. `make bench-train`

Each measurement is a process of its own, the two ways in turns, so that neither inherits the
other's caches and slow moments hit both. What is printed is the ratio of the medians, beside the
roofline: how much of the device's measured peak the training steps use.
The peak is what the fastest of several kernels reaches (``roofline.py``).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.roofline import NAMES, ceiling, probe
from emotion_core.vision.architectures import MAIN_NETWORKS

ROOT = Path(__file__).parents[1]

# As `make up`, the image and docs/facts.md set them; see "Memory and speed on a CPU" there.
OUR_ENVIRONMENT = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
    "MALLOC_TOP_PAD_": "67108864",
    "OMP_WAIT_POLICY": "PASSIVE",
}


def measure_plain(data: Path, options: argparse.Namespace) -> dict[str, Any]:
    """DataLoader, PIL transforms, float32, the network as torchvision gives it."""
    import torch
    from torch.utils.data import DataLoader, Dataset
    from torchvision import transforms

    from emotion_core.training.affectnet import read_affectnet
    from emotion_core.vision.device import pick_device
    from emotion_core.vision.images import decode
    from emotion_core.vision.network import build_network

    labelled_set = read_affectnet(data)
    samples = labelled_set.samples[: options.images]
    files = labelled_set.read_images(samples)  # an open archive does not survive the workers' fork
    device = pick_device(options.device)
    to_tensor = transforms.Compose(
        [
            transforms.Resize((options.image_size, options.image_size)),
            transforms.ToTensor(),
            transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ]
    )

    class Faces(Dataset[Any]):
        def __len__(self) -> int:
            return len(samples)

        def __getitem__(self, index: int) -> Any:
            sample = samples[index]
            image = to_tensor(decode(files[index]))
            return image, sample.expression, torch.tensor([sample.valence, sample.arousal])

    loader = DataLoader(
        Faces(), batch_size=options.batch_size, shuffle=True, num_workers=options.workers
    )
    network = build_network(options.network).to(memory_format=torch.contiguous_format).to(device)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)
    network.train()

    def epoch() -> None:
        for images, truth, truth_va in loader:
            images, truth, truth_va = images.to(device), truth.to(device), truth_va.to(device)
            logits, va = network(images)
            loss = torch.nn.functional.cross_entropy(logits, truth)
            loss = loss + torch.nn.functional.mse_loss(va, truth_va.float())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss.item()  # what a progress bar asks for

    return _timed(epoch, len(samples), device)


def measure_ours(data: Path, options: argparse.Namespace) -> dict[str, Any]:
    """The product's own epoch, and a twelfth of reading and decoding once."""
    import torch

    from emotion_core.training.affectnet import read_affectnet
    from emotion_core.training.epoch import train_epoch
    from emotion_core.training.recipe import Recipe
    from emotion_core.training.state import TrainingState
    from emotion_core.training.subset import Subset
    from emotion_core.vision.device import pick_device, prepare_device
    from emotion_core.vision.network import build_network

    recipe = Recipe.from_preset(
        options.preset,
        options.network,
        weights="none",
        image_size=options.image_size,
        batch_size=options.batch_size,
    )
    began = time.perf_counter()
    labelled_set = read_affectnet(data, recipe.image_size)
    reading = (time.perf_counter() - began) * options.images / len(labelled_set.samples)
    device = pick_device(options.device)
    prepare_device(device)
    images = Subset(labelled_set, range(min(options.images, len(labelled_set.samples))))
    torch.manual_seed(0)
    network = build_network(recipe.network, dropout=recipe.dropout)
    state = TrainingState.of(recipe, network, device)
    found = _timed(lambda: train_epoch(state, 1, images), len(images), device)
    seconds = len(images) / found["images_per_second"] + reading / recipe.epochs
    return {
        **found,
        "images_per_second": len(images) / seconds,
        **_roofline(network, recipe.image_size, device),
    }


def _timed(epoch: Any, count: int, device: Any) -> dict[str, Any]:
    import torch

    from emotion_core.vision.device import device_name

    def finish() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize()

    epoch()  # kernels are chosen, memory is taken
    finish()
    began = time.perf_counter()
    epoch()
    finish()
    return {
        "images_per_second": count / (time.perf_counter() - began),
        "device": device_name(device),
        "torch": torch.__version__,
    }


def _roofline(network: Any, side: int, device: Any) -> dict[str, Any]:
    """Arithmetic of a step, and what kernels reach in the precision that is used."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from emotion_core.vision.device import training_precision

    images = torch.randn(2, 3, side, side, device=device).to(memory_format=torch.channels_last)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(images)
    with training_precision(device):
        precision = "bf16" if torch.is_autocast_enabled(device.type) else "f32"
    return {
        # Back costs twice forward. The counter's own figure for it takes depthwise convolutions
        # for dense ones, thirty times too much for an EfficientNet.
        "flop_per_image": 3 * counter.get_total_flops() / 2,
        "precision": precision,
        "probed": probe(device.type, precision),
    }


WAYS = {"plain": measure_plain, "ours": measure_ours}


def compare(data: Path, options: argparse.Namespace) -> None:
    """Both ways in turns, each in a process of its own."""
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    for _ in range(options.repeats):
        for way in WAYS:
            found[way].append(_in_process(way, data, options))
    rates = {way: [one["images_per_second"] for one in found[way]] for way in WAYS}
    middle = {way: statistics.median(rates[way]) for way in WAYS}
    last = found["ours"][-1]
    print(
        f"{options.network:18} {options.image_size} px, batch {options.batch_size}, "
        f"{options.images} images, {options.repeats} times in turns; "
        f"{last['device']}, torch {last['torch']}"
    )
    for way in WAYS:
        spread = f"{min(rates[way]):.1f} to {max(rates[way]):.1f}"
        print(f"  {way:6} {middle[way]:8.1f} images/s   ({spread})")
    print(f"  ratio  {middle['ours'] / middle['plain']:8.2f}")
    probed = {
        kernel: max(one["probed"][kernel] for one in found["ours"]) for kernel in last["probed"]
    }
    print(roofline_line(last["precision"], probed, rates, last["flop_per_image"]), flush=True)


def roofline_line(
    precision: str, probed: dict[str, float], rates: dict[str, list[float]], flops: float
) -> str:
    """How much of the ceiling our loop uses, in a sentence.

    Args:
        precision: Of our loop, ``f32`` or ``bf16``; the plain one computes in float32.
        probed: FLOP/s of kernels in that precision.
        rates: Images/s of each way, run by run.
        flops: Of one image, forward and back.
    """
    ways = rates if precision == "f32" else {"ours": rates["ours"]}
    measured = {way: max(found) * flops for way, found in ways.items()}
    peak = ceiling(probed, measured)
    return (
        f"  roofline: {flops / 1e9:.1f} GFLOP an image forward and back; peak in "
        f"{NAMES[precision]} {peak.rate / 1e12:.2f} TFLOP/s by {peak.by}; ours uses "
        f"{statistics.median(rates['ours']) * flops / peak.rate:.0%} of it"
    )


def _in_process(way: str, data: Path, options: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, str(Path(__file__)), "--measure", way, "--data", str(data)]
    for name in ("network", "preset", "images", "image_size", "batch_size", "workers", "device"):
        command += [f"--{name.replace('_', '-')}", str(getattr(options, name))]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    if way == "ours":
        environment |= OUR_ENVIRONMENT
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        sys.exit(f"{way}: {done.stderr}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="AffectNet's layout; default: drawn faces")
    parser.add_argument("--networks", nargs="+", default=list(MAIN_NETWORKS))
    parser.add_argument("--network", default="")
    parser.add_argument("--preset", default="seed")
    parser.add_argument("--images", type=int, default=96)
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2, help="of the plain way's DataLoader")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--measure", choices=tuple(WAYS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(WAYS[options.measure](options.data, options)))
        return
    from emotion_core.drawn_faces.dataset import draw_dataset

    with tempfile.TemporaryDirectory() as folder:
        data = options.data or draw_dataset(
            Path(folder) / "faces", per_expression=max(2, options.images // 8), seed=1
        )
        for network in options.networks:
            options.network = network
            compare(data, options)


if __name__ == "__main__":
    main()
