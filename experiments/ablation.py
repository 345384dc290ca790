"""Which choices of the preset ``tuned`` earn their place: each left out, or another added, in turn.

    python experiments/ablation.py run --data … --pretraining-data … --out …
    python experiments/ablation.py table --out …

Every row trains one network on the same folds, so that two rows are compared image by image.
Interrupted, the same command goes on. The size is small enough for two cores; ``--image-size 224``
and all rows again is what a GPU is for.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from emotion_core.training.recipe import Recipe

PRETRAINED: Final = {"pretraining_epochs": 3, "pretraining_image_size": 64}
NONE: Final = {"pretraining_epochs": 0}

ROWS: Final[Mapping[str, Mapping[str, Any]]] = {
    "tuned": {},
    "the original paper's recipe": {"preset": "seed", **NONE},
    "no earlier set of faces": NONE,
    "no augmentation": {"augmentation": "none"},
    "no averaging": {"averaging": 0.0},
    "no concordance in the loss": {"ccc_weight": 0.0},
    "no label smoothing": {"label_smoothing": 0.0},
    "backbone as fast as the heads": {"backbone_rate": 1.0},
    "with mixup": {"mixup": 0.2},
    "flips and crops alone": {"augmentation": "flip+crop"},
    "with grey": {"augmentation": "flip+crop+rotate+colour+erase+grey"},
    "no dropout": {"dropout": 0.0},
    "half the rate": {"learning_rate": 5e-4},
    "constant rate": {"schedule": "constant", "warm_up": 0.05},
    "random weights, no earlier set": {"weights": "none", **NONE},
    "efficientnet_b0 from random weights": {
        "network": "efficientnet_b0",
        "weights": "none",
        **NONE,
    },
    "resnet50 from random weights": {"network": "resnet50", "weights": "none", **NONE},
    "efficientnet_b0, other faces first": {"network": "efficientnet_b0", "weights": "none"},
    "resnet50, other faces first": {"network": "resnet50", "weights": "none"},
}
"""What each row changes about ``tuned``."""


def run(options: argparse.Namespace) -> None:
    """Train what is not trained yet, row by row."""
    from emotion_core.training.affectnet import read_affectnet
    from emotion_core.training.class_folders import read_class_folders
    from emotion_core.training.loop import train
    from emotion_core.training.pretraining import pretrain
    from emotion_core.training.split import split_by_content

    labelled_set = read_affectnet(options.data, options.image_size)
    earlier = read_class_folders(options.pretraining_data, PRETRAINED["pretraining_image_size"])
    for name in options.rows or ROWS:
        for fold in options.folds:
            recipe = _recipe(name, fold, options)
            # One stage for all rows of a network: what differs is what is done with it.
            starts_alike = not {"network", "weights", *NONE} & ROWS[name].keys()
            shared = _recipe("tuned", fold, options) if starts_alike else recipe
            stage = pretrain(
                shared,
                earlier if shared.pretraining_epochs else None,
                options.out / "stages",
                lambda epoch: print(f"earlier set: {epoch.describe()}", flush=True),
            )
            split = split_by_content(labelled_set, recipe.seed, recipe.validation_share, fold)
            directory = options.out / name.replace(" ", "_") / f"fold-{fold + 1}"
            for epoch in train(recipe, labelled_set, split, directory, pretraining=stage):
                print(f"{name}, fold {fold + 1}: {epoch.describe()}", flush=True)


def _recipe(name: str, fold: int, options: argparse.Namespace) -> "Recipe":
    from emotion_core.training.recipe import Recipe

    changes = {
        "preset": "tuned",
        **PRETRAINED,
        "image_size": options.image_size,
        "epochs": options.epochs,
        "validation_share": 1 / options.parts,
        "fold": fold,
        **ROWS[name],
    }
    preset = changes.pop("preset")
    network = changes.pop("network", options.network)
    return Recipe.from_preset(preset, network, **changes)


def table(options: argparse.Namespace) -> None:
    """Print every row that is trained, in Markdown, beside what it loses or gains."""
    from emotion_core.statistics.paired_tests import (
        agreement,
        difference,
        estimates,
        resampled_scores,
    )
    from emotion_core.statistics.predictions import Evaluation
    from emotion_core.training.pooling import pooled_predictions
    from emotion_core.training.run_directory import RunDirectory

    found = {}
    for name in ROWS:
        folders = sorted((options.out / name.replace(" ", "_")).glob("fold-*"))
        runs = [RunDirectory(folder) for folder in folders]
        if runs and all(run.is_complete for run in runs):
            found[name] = {run.path.name: run.read() for run in runs}
    metrics = ("accuracy", "macro_f1", "mean_average_precision", "ccc_valence", "ccc_arousal")
    print("| | images | accuracy | macro F1 | mAP | CCC valence | CCC arousal |")
    print("|---|---|---|---|---|---|---|")
    for name, runs in found.items():
        shared = sorted(runs.keys() & found["tuned"].keys())
        here, base = (
            Evaluation.from_frame(pooled_predictions([kind[fold] for fold in shared]))
            for kind in (runs, found["tuned"])
        )
        resampled, its = resampled_scores(here), resampled_scores(base)
        measured, reference = estimates(here, resampled), estimates(base, its)
        cells = []
        for metric in metrics:
            one = measured[metric]
            cell = f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})"
            if name != "tuned":
                apart = difference(
                    metric,
                    one.value - reference[metric].value,
                    resampled[metric],
                    its[metric],
                    agreement(here, base) if metric == "accuracy" else None,
                )
                star = " *" if apart.p < 0.05 else ""
                cell += f"<br>{apart.value:+.3f} ({apart.low:+.3f} to {apart.high:+.3f}){star}"
            cells.append(cell)
        print(f"| {name} | {len(here.right)} | {' | '.join(cells)} |")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(description="Ablations of the preset tuned.")
    commands = made.add_subparsers(required=True)
    running = commands.add_parser("run")
    running.add_argument("--data", type=Path, required=True)
    running.add_argument("--pretraining-data", type=Path, required=True)
    running.add_argument("--out", type=Path, required=True)
    running.add_argument("--network", default="efficientnet_lite0")
    running.add_argument("--image-size", type=int, default=96)
    running.add_argument("--epochs", type=int, default=8)
    running.add_argument("--parts", type=int, default=3, help="the set is divided into so many")
    running.add_argument("--folds", type=int, nargs="+", default=[0, 1], help="from 0")
    running.add_argument("--rows", nargs="+", choices=list(ROWS), metavar="ROW")
    running.set_defaults(do=run)
    showing = commands.add_parser("table")
    showing.add_argument("--out", type=Path, required=True)
    showing.set_defaults(do=table)
    return made


if __name__ == "__main__":
    arguments = parser().parse_args()
    sys.exit(arguments.do(arguments))
