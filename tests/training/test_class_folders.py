"""Sets with one folder per expression, and learning them before the main set."""

import zipfile
from collections import Counter
from pathlib import Path

import pytest
from tiny_faces import make_folders, make_recipe, read_faces

from emotion_core.emotions import EXPRESSIONS
from emotion_core.errors import DataError, RecipeError
from emotion_core.training.class_folders import read_class_folders
from emotion_core.training.loop import Pretraining, train
from emotion_core.training.pretraining import pretrain
from emotion_core.training.run_directory import RunDirectory


def test_folders_are_read_by_their_names_and_have_no_affect_also_from_a_zip(
    class_folders: Path, tmp_path: Path
) -> None:
    archive = tmp_path / "faces.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in class_folders.rglob("*.jpg"):
            packed.write(path, path.relative_to(class_folders))

    found = read_class_folders(class_folders)

    assert Counter(EXPRESSIONS[s.expression] for s in found.samples) == {
        "Happy": 8,
        "Sad": 8,
        "Anger": 8,
    }
    assert not found.has_affect
    assert found.samples[0].sample_id.startswith("train/")
    assert read_class_folders(archive).fingerprint == found.fingerprint


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


def test_images_beside_the_folders_of_other_formats_or_broken_are_listed(tmp_path: Path) -> None:
    made = make_folders(tmp_path / "faces")
    (made / "stray.jpg").write_bytes(b"x")
    (made / "train" / "happy" / "broken.jpg").write_bytes(b"no image")
    (made / "train" / "happy" / "1.bmp").write_bytes(b"BM")
    (made / "train" / "happy" / "Thumbs.db").write_bytes(b"x")

    found = read_class_folders(made)

    assert {(e.name, e.code) for e in found.exclusions} == {
        ("stray.jpg", "unknown_folder"),
        ("train/happy/broken.jpg", "not_an_image"),
        ("train/happy/1.bmp", "unsupported_format"),
    }
    assert len(found.samples) == 24


def test_one_expressions_folder_and_another_layout_are_told_what_to_give(
    class_folders: Path, faces: Path
) -> None:
    train = class_folders / "train"

    with pytest.raises(DataError, match=rf"give the folder above it, {train}"):
        read_class_folders(train / "happy")
    with pytest.raises(DataError, match="laid out as AffectNet: give it as the data set itself"):
        read_class_folders(faces)


@pytest.mark.parametrize("names", [("cats", "dogs"), ()])
def test_folders_of_other_names_are_no_faces(tmp_path: Path, names: tuple[str, ...]) -> None:
    (tmp_path / "faces").mkdir()

    with pytest.raises(DataError, match="named after expressions"):
        read_class_folders(make_folders(tmp_path / "faces", names))


def test_the_main_training_starts_where_the_earlier_stage_ended(
    faces: Path, class_folders: Path, tmp_path: Path
) -> None:
    recipe = make_recipe(pretraining_epochs=1, pretraining_image_size=32, epochs=1)
    earlier = read_class_folders(class_folders, 32)
    labelled_set, split = read_faces(faces, recipe)
    epochs: list[int] = []

    def stage() -> Pretraining | None:
        return pretrain(
            recipe, earlier, tmp_path / "stages", lambda e: epochs.append(e.epoch), device="cpu"
        )

    first, again = stage(), stage()
    list(train(recipe, labelled_set, split, tmp_path / "run", device="cpu", pretraining=again))

    result = RunDirectory(tmp_path / "run").read()
    assert (epochs, first) == ([1], again)
    assert first is not None
    assert result.model["data"]["pretraining_dataset"] == class_folders.name
    assert (
        result.model["data"]["pretraining_weights_sha256"]
        == RunDirectory(first.weights.parent).read().model["weights_sha256"]
    )
    assert result.summary["weights_origin"] == "none, then faces"


def test_a_stage_and_its_faces_come_together(class_folders: Path, tmp_path: Path) -> None:
    earlier = read_class_folders(class_folders)

    for epochs, given in ((0, earlier), (2, None)):
        with pytest.raises(RecipeError, match=f"pretraining_epochs is {epochs}"):
            pretrain(make_recipe(pretraining_epochs=epochs), given, tmp_path, print)
