"""A data set of coloured noise in AffectNet's layout: real files, a few kilobytes each."""

from pathlib import Path

import numpy as np
from PIL import Image

from emotion_core.training.affectnet import read_affectnet
from emotion_core.training.labelled_set import LabelledSet
from emotion_core.training.recipe import Recipe
from emotion_core.training.split import Split, split_by_content


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


def make_recipe(**changes: object) -> Recipe:
    """The smallest recipe that trains: EfficientNet-B0 at 32 pixels, two epochs."""
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
    return Recipe.from_preset("quick", "efficientnet_b0", **{**small, **changes})


def read_faces(folder: Path, recipe: Recipe) -> tuple[LabelledSet, Split]:
    """The data set and its split by the recipe."""
    labelled_set = read_affectnet(folder)
    return labelled_set, split_by_content(
        labelled_set, recipe.seed, recipe.validation_share, recipe.fold
    )
