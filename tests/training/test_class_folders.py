"""Sets with one folder per expression, and learning them before the main set."""

import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_faces import make_faces, make_recipe, read_faces

from emotion_core.emotions import EXPRESSIONS
from emotion_core.errors import DataError, RecipeError
from emotion_core.training.class_folders import read_class_folders
from emotion_core.training.loop import train
from emotion_core.training.pretraining import finished, pretrain, require_set
from emotion_core.training.run_directory import RunDirectory


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


def test_folders_are_read_by_their_names_and_have_no_affect(tmp_path: Path) -> None:
    found = read_class_folders(make_folders(tmp_path / "faces"))

    assert len(found.samples) == 24
    assert not found.has_affect
    assert {EXPRESSIONS[sample.expression] for sample in found.samples} == {
        "Happy",
        "Sad",
        "Anger",
    }
    assert found.samples[0].sample_id.startswith("train/")


def test_a_zip_reads_as_its_folder(tmp_path: Path) -> None:
    folder = make_folders(tmp_path / "faces")
    archive = tmp_path / "faces.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in folder.rglob("*.jpg"):
            packed.write(path, path.relative_to(folder))

    assert read_class_folders(archive).fingerprint == read_class_folders(folder).fingerprint


def test_what_cannot_be_decoded_is_left_out_and_named(tmp_path: Path) -> None:
    folder = make_folders(tmp_path / "faces")
    (folder / "train" / "happy" / "broken.jpg").write_bytes(b"no image")

    found = read_class_folders(folder)

    assert [(e.name, e.code) for e in found.exclusions] == [
        ("train/happy/broken.jpg", "not_an_image")
    ]
    assert len(found.samples) == 24


@pytest.mark.parametrize(
    ("folder", "detail"),
    [
        ("afraid", "the folder 'afraid' names no expression; use one of neutral, happy, sad, "),
        ("suprise", "'suprise' names no expression; is it meant for 'surprise'?"),
        ("Natural", "is it meant for 'neutral'?"),
        ("angers", "is it meant for 'anger'?"),
        ("3_sad", "is it meant for 'sad'?"),
        ("colère", "the folder 'colère' names no expression"),
        ("happy/suprise", "is it meant for 'surprise'?"),
    ],
)
def test_images_of_a_folder_that_names_no_expression_are_listed_and_too_many_refused(
    tmp_path: Path, folder: str, detail: str
) -> None:
    made = make_folders(tmp_path / "faces", ("happy", "Sadness", folder))

    found = read_class_folders(made)

    assert len(found.samples) == 16
    assert {(e.name, e.code) for e in found.exclusions} == {
        (f"train/{folder}/{number:05}.jpg", "unknown_folder") for number in range(8)
    }
    assert all(detail in e.detail for e in found.exclusions)
    with pytest.raises(DataError, match=r"8 files \(33\.3%\) cannot be used") as error:
        found.require_usable(0.05)
    assert detail in str(error.value)


@pytest.mark.parametrize("folder", ["FEAR", "Fearful ", "fear/batch 1", "fear/a/b"])
def test_a_folder_may_be_written_large_and_divided_further(tmp_path: Path, folder: str) -> None:
    found = read_class_folders(make_folders(tmp_path / "faces", ("happy", folder)))

    assert Counter(s.expression for s in found.samples) == {1: 8, 4: 8}
    assert found.exclusions == ()


def test_images_beside_the_folders_and_of_other_formats_are_listed(tmp_path: Path) -> None:
    made = make_folders(tmp_path / "faces")
    (made / "stray.jpg").write_bytes(b"x")
    (made / "train" / "happy" / "1.bmp").write_bytes(b"BM")
    (made / "train" / "happy" / "Thumbs.db").write_bytes(b"x")

    found = read_class_folders(made)

    assert {(e.name, e.code) for e in found.exclusions} == {
        ("stray.jpg", "unknown_folder"),
        ("train/happy/1.bmp", "unsupported_format"),
    }


def test_one_expressions_folder_and_another_layout_are_told_what_to_give(tmp_path: Path) -> None:
    made = make_folders(tmp_path / "folders")
    other = make_faces(tmp_path / "affectnet")

    with pytest.raises(DataError, match=rf"give the folder above it, {made / 'train'}"):
        read_class_folders(made / "train" / "happy")
    with pytest.raises(DataError, match="laid out as AffectNet: give it as the data set itself"):
        read_class_folders(other)


@pytest.mark.parametrize("names", [("cats", "dogs"), ()])
def test_folders_of_other_names_are_no_faces(tmp_path: Path, names: tuple[str, ...]) -> None:
    (tmp_path / "faces").mkdir()

    with pytest.raises(DataError, match="named after expressions"):
        read_class_folders(make_folders(tmp_path / "faces", names))


def test_the_main_training_starts_where_the_earlier_stage_ended(tmp_path: Path) -> None:
    earlier = read_class_folders(make_folders(tmp_path / "earlier"))
    recipe = make_recipe(pretraining_epochs=1, pretraining_image_size=32, epochs=1)
    labelled_set, split = read_faces(make_faces(tmp_path / "faces"), recipe)

    epochs = list(pretrain(recipe, earlier, tmp_path / "stages", device="cpu"))
    again = list(pretrain(recipe, earlier, tmp_path / "stages", device="cpu"))
    stage = finished(recipe, earlier, tmp_path / "stages")
    list(train(recipe, labelled_set, split, tmp_path / "run", device="cpu", pretraining=stage))

    result = RunDirectory(tmp_path / "run").read()
    assert (len(epochs), len(again)) == (1, 0)
    assert result.model["data"]["pretraining_dataset"] == "earlier"
    assert (
        result.model["data"]["pretraining_weights_sha256"]
        == RunDirectory(stage.weights.parent).read().model["weights_sha256"]
    )
    assert result.summary["weights_origin"] == "none, then faces"


def test_a_stage_and_its_faces_come_together(tmp_path: Path) -> None:
    earlier = read_class_folders(make_folders(tmp_path / "earlier"))

    with pytest.raises(RecipeError, match="pretraining_epochs is 0"):
        require_set(make_recipe(), earlier)
    with pytest.raises(RecipeError, match="no pretraining data"):
        require_set(make_recipe(pretraining_epochs=2), None)


def test_faces_without_affect_cannot_teach_it(tmp_path: Path) -> None:
    earlier = read_class_folders(make_folders(tmp_path / "earlier"))
    recipe = make_recipe()
    from emotion_core.training.split import split_by_content

    split = split_by_content(earlier, recipe.seed, recipe.validation_share)

    with pytest.raises(DataError, match="no valence and arousal"):
        next(train(recipe, earlier, split, tmp_path / "run", device="cpu"))
