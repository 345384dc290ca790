"""``python -m emotion_core.training``: train and compare networks without database or Airflow."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from emotion_core.errors import EmotionError
from emotion_core.settings import Settings
from emotion_core.training.recipe import CHOICES, LIMITS, PRESETS, Recipe

_COLUMNS = (
    ("accuracy", "accuracy"),
    ("macro_f1", "macro F1"),
    ("mean_average_precision", "mAP"),
    ("rmse_valence", "RMSE val."),
    ("rmse_arousal", "RMSE aro."),
    ("ccc_valence", "CCC val."),
    ("ccc_arousal", "CCC aro."),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status (0, or 1 with one sentence on stderr)."""
    options = _parser().parse_args(arguments)
    networks = options.networks if options.command == "compare" else [options.network]
    try:
        train_networks(networks, options)
    except EmotionError as error:
        _say(f"error: {error}", sys.stderr)
        return 1
    except KeyboardInterrupt:
        _say("stopped; the same command goes on after the last finished epoch", sys.stderr)
        return 130
    return 0


def train_networks(networks: Sequence[str], options: argparse.Namespace) -> None:
    """Train one network after the other and print how they did on the held-out images."""
    settings = Settings.from_environment()
    overrides = {
        name: value
        for name in (*LIMITS, "weights", "optimizer", "schedule", "augmentation")
        if (value := getattr(options, name)) is not None
    }
    # All recipes first: a mistake in the second must not be found after training the first.
    recipes = [Recipe.from_preset(options.preset, network, **overrides) for network in networks]

    # Read when torch is loaded. By default its threads burn a core while they wait for one
    # another; beside other processes training then drops to a tenth of its speed.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Importing torch takes seconds; mistakes above are answered at once.
    from emotion_core.training.affectnet import read_affectnet
    from emotion_core.training.loop import train
    from emotion_core.training.run_directory import RunDirectory
    from emotion_core.training.split import split_by_content

    labelled_set = read_affectnet(options.data)
    split = split_by_content(labelled_set, recipes[0].seed, recipes[0].validation_share)
    _say(
        f"{labelled_set.name}: {len(split.train)} images to train, {len(split.validation)} held "
        f"out, {len(labelled_set.exclusions)} files left out"
    )
    for recipe in recipes:
        directory = options.out / recipe.network
        _say(f"{recipe.network} → {directory}")
        for epoch in train(
            recipe,
            labelled_set,
            split,
            directory,
            device=options.device or settings.device,
            weights_dir=settings.weights_dir,
        ):
            _say(f"  {epoch.describe()}")
    results = {
        recipe.network: RunDirectory(options.out / recipe.network).read() for recipe in recipes
    }
    _say(_table({name: result.metrics["validation"] for name, result in results.items()}, results))


def _table(figures: dict[str, dict[str, float]], results: dict[str, Any]) -> str:
    summary = next(iter(results.values())).summary
    rows = {
        **figures,
        "constant predictor": summary["constant_predictor"],
        "chance": summary["chance_line"],
    }
    width = max(map(len, rows))
    lines = [f"{'':{width}}" + "".join(f"  {label:>9}" for _, label in _COLUMNS)]
    for name, values in rows.items():
        cells = "".join(f"  {_cell(values.get(metric)):>9}" for metric, _ in _COLUMNS)
        lines.append(f"{name:{width}}{cells}")
    count = summary["split"]["count_validation"]
    lines.append(f"on {count} held-out images of {summary['dataset']['name']}")
    if summary["dataset"]["is_drawn"]:
        lines.append("The faces are drawn: these figures say nothing about people.")
    return "\n".join(lines)


def _cell(value: float | None) -> str:
    return "–" if value is None or value != value else f"{value:.3f}"


def _say(line: str, stream: TextIO | None = None) -> None:
    """At once, also into a pipe: an epoch's line is read while the next one runs."""
    stream = stream or sys.stdout
    stream.write(f"{line}\n")
    stream.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m emotion_core.training",
        description="Train networks on a labelled data set into run directories. Interrupted, the "
        "same command goes on after the last finished epoch.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--data", type=Path, required=True, help="folder or zip in AffectNet's layout"
    )
    shared.add_argument(
        "--out", type=Path, required=True, help="folder that gets one run directory per network"
    )
    shared.add_argument("--preset", choices=tuple(PRESETS), required=True)
    shared.add_argument("--device", choices=("auto", "cpu", "cuda"), help="default: auto")
    instead = shared.add_argument_group("instead of the preset's values")
    for name in ("weights", "optimizer", "schedule", "augmentation"):
        instead.add_argument(_flag(name), choices=CHOICES[name])
    whole = {"epochs", "batch_size", "image_size", "seed"}
    for name, (low, high) in LIMITS.items():
        instead.add_argument(
            _flag(name),
            type=int if name in whole else float,
            metavar="N" if name in whole else "X",
            help=f"{low:g} to {high:g}",
        )
    compare = commands.add_parser(
        "compare", parents=[shared], help="train several networks on the same split"
    )
    compare.add_argument(
        "--networks",
        nargs="+",
        choices=CHOICES["network"],
        default=list(CHOICES["network"]),
        help="default: all",
    )
    one = commands.add_parser("train", parents=[shared], help="train one network")
    one.add_argument("--network", choices=CHOICES["network"], required=True)
    return parser


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


if __name__ == "__main__":
    sys.exit(main())
