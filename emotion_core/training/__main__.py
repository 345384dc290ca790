"""``python -m emotion_core.training``: train and compare networks without database or Airflow."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from emotion_core.errors import EmotionError
from emotion_core.settings import Settings
from emotion_core.training.recipe import AUGMENTATIONS, CHOICES, LIMITS, PRESETS, Recipe
from emotion_core.training.request import EXCLUDED_SHARE_LIMIT
from emotion_core.vision.architectures import MAIN_NETWORKS, NETWORKS

if TYPE_CHECKING:  # pandas takes a second to import
    from emotion_core.training.run_directory import RunResult

_COLUMNS = {
    "accuracy": "accuracy",
    "macro_f1": "macro F1",
    "mean_average_precision": "mAP",
    "rmse_valence": "RMSE val.",
    "rmse_arousal": "RMSE aro.",
    "ccc_valence": "CCC val.",
    "ccc_arousal": "CCC aro.",
}
_FIELDS = (*LIMITS, *CHOICES, "augmentation")
"""Of a recipe, that a command line may set."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status (0, or 1 with one sentence on stderr)."""
    options = _parser().parse_args(arguments)
    networks = [options.network] if options.command == "train" else options.networks
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
    overrides = {
        name: value for name in _FIELDS if (value := getattr(options, name, None)) is not None
    }
    folds = range(options.folds) if options.command == "crossvalidate" else [None]
    if options.command == "crossvalidate":
        overrides["validation_share"] = 1 / options.folds
    # All recipes first: a mistake in the second must not be found after training the first.
    recipes = {
        options.out / network.replace(":", "_") / ("" if fold is None else f"fold-{fold + 1}"): (
            Recipe.from_preset(
                options.preset, network, **overrides, **({} if fold is None else {"fold": fold})
            )
        )
        for network in networks
        for fold in folds
    }
    settings = Settings.from_environment()
    # Read when torch is loaded. By default its threads burn a core while they wait for one
    # another; beside other processes training then drops to a tenth of its speed.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Importing torch takes seconds; mistakes above are answered at once.
    from emotion_core.training.affectnet import read_affectnet
    from emotion_core.training.class_folders import read_class_folders
    from emotion_core.training.distributed import is_local_main
    from emotion_core.training.labelled_set import reasons
    from emotion_core.training.loop import train
    from emotion_core.training.pretraining import pretrain, require_set
    from emotion_core.training.run_directory import RunDirectory
    from emotion_core.training.split import split_by_content

    def say(line: str) -> None:
        if is_local_main():
            _say(line)

    # All recipes share the image size: every image is read and decoded once.
    recipe = next(iter(recipes.values()))
    labelled_set = read_affectnet(options.data, recipe.image_size)
    earlier = options.pretraining_data and read_class_folders(
        options.pretraining_data, recipe.pretraining_image_size
    )
    require_set(recipe, earlier)
    for found in filter(None, (labelled_set, earlier)):
        say(f"{found.name}: {found.counts()}")
        if found.exclusions:
            say(f"  left out: {reasons(found.exclusions)}")
        for warning in found.warnings:
            say(f"  warning: {warning}")
        found.require_usable(options.excluded_share_limit)
    machine: dict[str, Any] = {
        "device": options.device or settings.device,
        "weights_dir": settings.weights_folder,
    }
    results: dict[str, list[RunResult]] = {network: [] for network in networks}
    for directory, recipe in recipes.items():
        split = split_by_content(labelled_set, recipe.seed, recipe.validation_share, recipe.fold)
        stages = options.stages or options.out / "stages"
        stage = pretrain(
            recipe, earlier, stages, lambda epoch: say(f"  earlier: {epoch.describe()}"), **machine
        )
        say(
            f"{recipe.network} → {directory}: {len(split.train)} images to train, "
            f"{len(split.validation)} held out"
        )
        for epoch in train(recipe, labelled_set, split, directory, pretraining=stage, **machine):
            say(f"  {epoch.describe()}")
        results[recipe.network].append(RunDirectory(directory).read())
    say(_table(results))


def _table(results: "Mapping[str, Sequence[RunResult]]") -> str:
    """The networks' metrics on all that their runs held out, beside what guessing reaches."""
    import pandas as pd

    from emotion_core.training.pooling import mean_metrics, pooled_metrics

    first = next(iter(results.values()))
    dataset = first[0].summary["dataset"]
    rows = {name: pooled_metrics(runs) for name, runs in results.items()}
    rows["constant predictor"] = mean_metrics([run.summary["constant_predictor"] for run in first])
    rows["chance"] = mean_metrics([run.summary["chance_line"] for run in first])
    table = pd.DataFrame.from_dict(rows, orient="index")[list(_COLUMNS)].rename(columns=_COLUMNS)
    lines = [table.to_string(float_format="{:.3f}".format, na_rep="–")]
    count = sum(run.summary["split"]["count_validation"] for run in first)
    lines.append(f"on {count} held-out images of {dataset['name']}")
    if len(first) > 1:
        lines.append(f"in {len(first)} folds, each by a network that never saw them")
    for name, runs in results.items():
        gains = [run.gain_by_choice for run in runs if run.recipe.keep == "best"]
        if gains:
            lines.append(
                f"{name} kept the epoch that is best on these images, so its metrics read too "
                f"high: accuracy {sum(gains) / len(gains):+.3f} against the last epoch"
            )
    if dataset["is_drawn"]:
        lines.append("The faces are drawn: these metrics say nothing about people.")
    return "\n".join(lines)


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
    shared.add_argument(
        "--pretraining-data",
        type=Path,
        help="folder or zip with one folder per expression, for recipes with pretraining_epochs",
    )
    shared.add_argument(
        "--excluded-share-limit",
        type=float,
        default=EXCLUDED_SHARE_LIMIT,
        metavar="SHARE",
        help="refuse a data set of which more cannot be used; default: %(default)s",
    )
    shared.add_argument(
        "--stages", type=Path, help="folder of pretraining stages to share; default: in --out"
    )
    instead = shared.add_argument_group("instead of the preset's values")
    for name, choices in CHOICES.items():
        instead.add_argument(_flag(name), choices=choices)
    instead.add_argument(
        "--augmentation", metavar="NAMES", help=f"none, or of {'+'.join(AUGMENTATIONS)}"
    )
    for name, (low, high) in LIMITS.items():
        whole = isinstance(PRESETS["seed"][name], int)
        instead.add_argument(
            _flag(name),
            type=int if whole else float,
            metavar="N" if whole else "X",
            help=f"{low:g} to {high:g}",
        )
    several = argparse.ArgumentParser(add_help=False)
    several.add_argument(
        "--networks",
        nargs="+",
        metavar="NETWORK",
        default=list(MAIN_NETWORKS),
        help=f"{', '.join(NETWORKS)}, torchvision:<name> or timm:<name>; "
        f"default: {' '.join(MAIN_NETWORKS)}",
    )
    commands.add_parser(
        "compare", parents=[shared, several], help="train several networks on the same split"
    )
    crossed = commands.add_parser(
        "crossvalidate",
        parents=[shared, several],
        help="train each network once per fold, so that every image is held out once",
    )
    crossed.add_argument("--folds", type=int, default=5, choices=range(2, 21), metavar="K")
    one = commands.add_parser("train", parents=[shared], help="train one network")
    one.add_argument("--network", required=True)
    return parser


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


if __name__ == "__main__":
    sys.exit(main())
