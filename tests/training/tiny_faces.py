"""A data set of coloured noise in AffectNet's layout: real files, a few kilobytes each."""

from pathlib import Path

import numpy as np
from PIL import Image

from emotion_core.training.affectnet import read_affectnet
from emotion_core.training.labelled_set import LabelledSet
from emotion_core.training.loop import EpochResult, train
from emotion_core.training.recipe import Recipe
from emotion_core.training.split import Split, split_by_content

NETWORK = "timm:test_efficientnet"
"""Batch normalisation, dropout and all, in a fiftieth of EfficientNet-B0's time and disk."""


def make_faces(folder: Path, *, per_expression: int = 4, seed: int = 0) -> Path:
    """Write 8 × ``per_expression`` JPEGs whose colour tells the expression, with labels."""
    rng = np.random.default_rng(seed)
    for part in ("images", "annotations"):
        (folder / part).mkdir(parents=True)
    for number in range(8 * per_expression):
        expression = number % 8
        colour = np.array([expression & 1, expression >> 1 & 1, expression >> 2]) * 150 + 50
        noise = rng.integers(-40, 40, (40, 40, 3))
        pixels = (colour + noise).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{number}.jpg", quality=90)
        valence, arousal = rng.uniform(-1, 1, 2)
        for kind, value in (("exp", expression), ("val", valence), ("aro", arousal)):
            # 0-d arrays of text, as the real annotations are.
            np.save(folder / "annotations" / f"{number}_{kind}.npy", np.array(str(value)))
    return folder


def make_folders(root: Path, names: tuple[str, ...] = ("happy", "Sadness", "angry")) -> Path:
    """Eight small grey faces a folder, of a grey that tells the expression."""
    rng = np.random.default_rng(0)
    for place, name in enumerate(names):
        folder = root / "train" / name
        folder.mkdir(parents=True)
        for number in range(8):
            grey = (60 + 60 * place + rng.integers(-20, 20, (48, 48))).astype(np.uint8)
            Image.fromarray(grey).save(folder / f"{number:05}.jpg")
    return root


def make_recipe(**changes: object) -> Recipe:
    """The smallest recipe that trains: a network of 200,000 weights at 32 pixels, two epochs."""
    small = {
        "weights": "none",
        "image_size": 32,
        "epochs": 2,
        "batch_size": 8,
        "dropout": 0.2,
        "augmentation": "flip+shift",
        "seed": 5,
        "validation_share": 0.25,
    }
    return Recipe.from_preset("quick", **{"network": NETWORK, **small, **changes})


RECIPE = make_recipe(epochs=3)


def read_faces(folder: Path, recipe: Recipe) -> tuple[LabelledSet, Split]:
    """The data set and its split by the recipe."""
    labelled_set = read_affectnet(folder, recipe.image_size)
    return labelled_set, split_by_content(
        labelled_set, recipe.seed, recipe.validation_share, recipe.fold
    )


def run_training(faces: Path, directory: Path, recipe: Recipe = RECIPE) -> list[EpochResult]:
    """A training to its end."""
    labelled_set, split = read_faces(faces, recipe)
    return list(train(recipe, labelled_set, split, directory, device="cpu"))


def begin_training(faces: Path, directory: Path, recipe: Recipe = RECIPE, epochs: int = 1) -> None:
    """A training that stops after its first epochs."""
    labelled_set, split = read_faces(faces, recipe)
    begun = train(recipe, labelled_set, split, directory, device="cpu")
    for _ in range(epochs):
        next(begun)
    begun.close()


def visible(directory: Path) -> set[str]:
    """Names of a folder's files that are not hidden."""
    return {path.name for path in directory.iterdir() if not path.name.startswith(".")}
