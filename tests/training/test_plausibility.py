"""Labels that contradict valence and arousal are reported, with the order that would fit."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from factories_data import make_npy

from emotion_core.drawn_faces.dataset import draw_dataset
from emotion_core.drawn_faces.muscles import sample_affect
from emotion_core.emotions import EXPRESSIONS
from emotion_core.errors import DataError
from emotion_core.training.affectnet import read_affectnet
from emotion_core.training.plausibility import contradiction

ALPHABETICAL = sorted(EXPRESSIONS)
FER = ["Anger", "Disgust", "Fear", "Happy", "Sad", "Surprise", "Neutral"]


def make_labels(per_expression: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Sound labels [N] and their affect [N, 2], as the drawn faces have them."""
    rng = np.random.default_rng(seed)
    labels = np.tile(np.arange(8), per_expression)
    return labels, np.array([sample_affect(int(label), rng) for label in labels])


def renamed(labels: np.ndarray, order: list[str], first: int = 0) -> np.ndarray:
    """The labels as a set stores them whose expressions stand in another order."""
    return np.array([order.index(EXPRESSIONS[label]) + first for label in labels])


def relabel(folder: Path, order: list[str], first: int = 0) -> Path:
    """Store a set's expressions in another order; those beyond the order as the last one."""
    for path in (folder / "annotations").glob("*_exp.npy"):
        name = EXPRESSIONS[int(str(np.load(path)))]
        stored = order.index(name) if name in order else len(order) - 1
        path.write_bytes(make_npy(str(stored + first)))
    return folder


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_dataset(tmp_path_factory.mktemp("sound") / "drawn", per_expression=8, seed=3)


@pytest.fixture
def drawn(sound: Path, tmp_path: Path) -> Path:
    """A drawn set whose labels may be changed."""
    return Path(shutil.copytree(sound, tmp_path / "drawn"))


@pytest.mark.parametrize("per_expression", [2, 3, 8, 64, 400])
def test_sound_labels_are_left_alone(per_expression: int) -> None:
    found = [contradiction(*make_labels(per_expression, seed)) for seed in range(40)]

    assert found == [None] * 40


@pytest.mark.parametrize("per_expression", [3, 30])
@pytest.mark.parametrize(
    ("order", "named"),
    [
        (ALPHABETICAL, "alphabetical order (0 Anger, 1 Contempt, 2 Disgust, 3 Fear, 4 Happy"),
        (
            ["Neutral", "Happy", "Surprise", "Sad", "Anger", "Disgust", "Fear", "Contempt"],
            "FER+'s order",
        ),
        (
            ["Neutral", "Anger", "Contempt", "Disgust", "Fear", "Happy", "Sad", "Surprise"],
            "CK+'s order",
        ),
    ],
)
def test_labels_in_another_order_are_told_with_figures_and_the_order_that_fits(
    order: list[str], named: str, per_expression: int
) -> None:
    labels, affect = make_labels(per_expression)

    found = contradiction(renamed(labels, order), affect)

    assert found is not None
    assert named in found
    assert re.match(
        r"\w+ has mean (valence|arousal) [+-]0\.\d\d \([+-]0\.\d\d in AffectNet\)", found
    )


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        (lambda affect: affect[:, ::-1], "valence and arousal swapped"),
        (lambda affect: affect * (-1, 1), "valence with the opposite sign"),
        (lambda affect: affect * (1, -1), "arousal with the opposite sign"),
        (lambda affect: -affect, "valence and arousal with the opposite sign"),
        (lambda affect: (affect + 1) / 2, "valence and arousal from 0 to 1"),
    ],
)
def test_affect_that_was_changed_is_told_with_the_change_that_fits(
    changed: object, named: str
) -> None:
    labels, affect = make_labels(20)

    found = contradiction(labels, changed(affect))  # type: ignore[operator]

    assert found is not None
    assert f"the figures fit {named}" in found


def test_labels_at_random_are_told_without_an_order() -> None:
    labels, affect = make_labels(100)

    found = contradiction(np.random.default_rng(1).permutation(labels), affect)

    assert found is not None
    assert "the figures fit" not in found


def test_a_data_set_of_another_order_carries_the_warning_and_a_drawn_one_none(
    drawn: Path,
) -> None:
    before = read_affectnet(drawn).warnings

    (warning,) = read_affectnet(relabel(drawn, ALPHABETICAL)).warnings

    assert before == ()
    assert warning.startswith("Happy has mean valence -0.5")
    assert "the figures fit alphabetical order" in warning


@pytest.mark.parametrize(
    ("order", "first", "named"),
    [
        (list(EXPRESSIONS), 1, "AffectNet's order, counted from 1 (1 Neutral, 2 Happy"),
        (FER, 0, "FER2013's order (0 Anger"),
        (ALPHABETICAL, 1, "alphabetical order, counted from 1 (1 Anger"),
    ],
)
def test_an_order_that_leaves_an_expression_empty_is_named_in_the_error(
    drawn: Path, order: list[str], first: int, named: str
) -> None:
    for path in (drawn / "annotations").glob("*_exp.npy"):
        if EXPRESSIONS[int(str(np.load(path)))] not in order:
            path.unlink()

    with pytest.raises(DataError, match="training needs at least") as error:
        read_affectnet(relabel(drawn, order, first))

    assert named in str(error.value)
