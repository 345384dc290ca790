"""Training: our loop beside the loop that one would write, in one run. `make bench-train`

Each measurement is a process of its own, the two ways in turns. What is printed is the ratio of the
medians, and how much of the device's measured ceilings the training steps use: of its arithmetic,
and of its memory, over which every operation of eager execution reads and writes its tensors.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.harness import (
    FAST_MALLOC,
    ceiling_lines,
    copy_rate,
    in_turns,
    machine,
    median_rate,
    moved_bytes,
    probe,
)
from emotion_core.vision.architectures import MAIN_NETWORKS


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
    from emotion_core.training.precision import choose_precision
    from emotion_core.training.recipe import Recipe
    from emotion_core.training.state import TrainingState
    from emotion_core.training.subset import Subset
    from emotion_core.vision.cost import count_flops
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
    state.precision = choose_precision(state, images, {}).name
    found = _timed(lambda: train_epoch(state, 1, images), len(images), device)
    precision = "bf16" if state.precision == "bfloat16" else "f32"
    size = recipe.image_size
    batch = torch.zeros(min(recipe.batch_size, len(images)), 3, size, size, device=device)
    batch = batch.to(memory_format=torch.channels_last)

    def step() -> None:
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16"):
            logits, va = network(batch)
        (logits.float().sum() + va.float().sum()).backward()

    return {
        **found,
        "seconds": found["seconds"] + reading / recipe.epochs,
        # Back costs twice forward. The counter's own figure for it takes depthwise convolutions
        # for dense ones, thirty times too much for an EfficientNet.
        "flops": 3 * count_flops(network, batch),
        "bytes": moved_bytes(step) / len(batch),
        "bytes_per_second": copy_rate(device.type),
        "precision": precision,
        "probed": probe(device.type, precision),
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
    seconds = time.perf_counter() - began
    return {"images": count, "seconds": seconds, "device": device_name(device)}


WAYS = {"plain": measure_plain, "ours": measure_ours}


def compare(options: argparse.Namespace) -> dict[str, Any]:
    """Both ways in turns, each in a process of its own; prints what it returns.

    Returns:
        Images/s of each way's runs, their medians' ratio, and what limits ours.
    """
    asked = json.dumps(vars(options) | {"data": str(options.data)})
    ways = {
        way: (
            [sys.executable, str(Path(__file__)), "--measure", way, asked],
            {"PYTHONPATH": "."} | (FAST_MALLOC if way == "ours" else {}),
        )
        for way in WAYS
    }
    found = in_turns(ways, options.repeats)
    last = found["ours"][-1]
    print(
        f"{options.network:18} {options.image_size} px, batch {options.batch_size}, "
        f"{options.images} images, {options.repeats} times in turns; {last['device']}"
    )
    rates = {way: [one["images"] / one["seconds"] for one in runs] for way, runs in found.items()}
    for way, runs in found.items():
        spread = f"{min(rates[way]):.1f} to {max(rates[way]):.1f}"
        print(f"  {way:6} {median_rate(runs):8.1f} images/s   ({spread})")
    ratio = median_rate(found["ours"]) / median_rate(found["plain"])
    print(f"  ratio  {ratio:8.2f}")
    # The plain loop computes in float32.
    same = WAYS if last["precision"] == "f32" else ("ours",)
    fastest = {way: max(rates[way]) for way in same}
    lines = ceiling_lines(last["precision"], last["probed"], fastest, last["flops"])
    limit = last["bytes_per_second"] / last["bytes"]
    lines.append(
        f"  memory: {last['bytes'] / 1e6:.0f} MB an image at {last['bytes_per_second'] / 1e9:.0f} "
        f"GB/s, {limit:.1f} images/s; ours {max(rates['ours']) / limit:.0%}"
    )
    print(*lines, sep="\n", flush=True)
    kept = ("device", "precision", "flops", "probed", "bytes", "bytes_per_second")
    return {"rates": rates, "ratio": ratio, "lines": lines, **{name: last[name] for name in kept}}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="AffectNet's layout; default: drawn faces")
    parser.add_argument("--networks", nargs="+", default=list(MAIN_NETWORKS))
    parser.add_argument("--preset", default="seed")
    parser.add_argument("--images", type=int, default=96)
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2, help="of the plain way's DataLoader")
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    from emotion_core.drawn_faces.dataset import draw_dataset

    print(machine("torch"))
    with tempfile.TemporaryDirectory() as folder:
        options.data = options.data or draw_dataset(
            Path(folder) / "faces", per_expression=max(2, options.images // 8), seed=1
        )
        for network in options.networks:
            options.network = network
            compare(options)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        asked = argparse.Namespace(**json.loads(sys.argv[3]))
        print(json.dumps(WAYS[sys.argv[2]](Path(asked.data), asked)))
    else:
        main()
