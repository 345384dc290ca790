"""Drawn faces: AffectNet's format to the letter, the same for the same seed, whole or absent."""

import json
import os
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from emotion_core.drawn_faces import dataset
from emotion_core.drawn_faces.dataset import DRAWN_MARKER, draw_dataset, draw_face
from emotion_core.drawn_faces.muscles import Muscles, contract, sample_affect
from emotion_core.drawn_faces.portrait import draw_portrait
from emotion_core.errors import DataError
from emotion_core.training.affectnet import read_affectnet


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_dataset(tmp_path_factory.mktemp("set") / "faces", per_expression=3, seed=11)


def test_a_drawn_set_is_read_as_an_affectnet_set_and_knows_that_it_is_drawn(drawn: Path) -> None:
    found = read_affectnet(drawn)

    assert found.is_drawn
    assert found.exclusions == ()
    assert len({sample.sha256 for sample in found.samples}) == 24
    assert set(Counter(sample.expression for sample in found.samples).values()) == {3}


def test_the_files_have_affectnets_form(drawn: Path) -> None:
    image = next((drawn / "images").iterdir())
    with Image.open(image) as opened:
        form = (opened.format, opened.mode, opened.size)
    labels = [
        np.load(drawn / "annotations" / f"{image.stem}_{kind}.npy")
        for kind in ("exp", "val", "aro")
    ]
    landmarks = np.load(drawn / "annotations" / f"{image.stem}_lnd.npy")

    assert form == ("JPEG", "RGB", (224, 224))
    assert [(label.shape, label.dtype.kind) for label in labels] == [((), "U")] * 3
    assert (landmarks.shape, landmarks.dtype) == ((136,), np.float64)
    assert np.isfinite(landmarks).all()


def test_ids_have_gaps_and_do_not_tell_the_expression(drawn: Path) -> None:
    samples = read_affectnet(drawn).samples

    ids = [int(sample.sample_id) for sample in samples]
    assert ids != list(range(ids[0], ids[0] + len(ids)))
    assert [s.expression for s in samples] != sorted(s.expression for s in samples)


def test_the_same_seed_draws_the_same_files_and_another_seed_others(
    drawn: Path, tmp_path: Path
) -> None:
    again = draw_dataset(tmp_path / "again", per_expression=3, seed=11)
    other = draw_dataset(tmp_path / "other", per_expression=3, seed=12)

    assert files(again) == files(drawn)
    assert files(other) != files(drawn)


def test_a_complete_set_is_used_as_it_is(tmp_path: Path) -> None:
    folder = draw_dataset(tmp_path / "faces", per_expression=2, seed=1)
    (folder / "images" / "note.txt").write_text("still the same folder")

    draw_dataset(folder, per_expression=2, seed=1)

    assert (folder / "images" / "note.txt").exists()


def test_a_set_of_other_parameters_is_replaced(tmp_path: Path) -> None:
    folder = draw_dataset(tmp_path / "faces", per_expression=2, seed=1)

    draw_dataset(folder, per_expression=2, seed=2)

    assert json.loads((folder / DRAWN_MARKER).read_text())["seed"] == 2
    assert len(list((folder / "images").iterdir())) == 16
    assert [path.name for path in tmp_path.iterdir()] == ["faces"]


def test_a_set_that_lost_a_file_is_drawn_anew(tmp_path: Path) -> None:
    folder = draw_dataset(tmp_path / "faces", per_expression=2, seed=1)
    before = files(folder)
    next((folder / "images").iterdir()).unlink()

    draw_dataset(folder, per_expression=2, seed=1)

    assert files(folder) == before


def test_drawing_that_is_interrupted_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawings = iter(range(5))

    def tire(*_: object) -> object:
        if next(drawings) == 4:
            raise KeyboardInterrupt
        return draw_portrait(0, 0.0, 0.0, np.random.default_rng(0))

    monkeypatch.setattr(dataset, "draw_portrait", tire)

    with pytest.raises(KeyboardInterrupt):
        draw_dataset(tmp_path / "faces", per_expression=2, seed=1)

    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_behind_is_cleared_away_and_a_run_at_work_is_not(
    tmp_path: Path,
) -> None:
    abandoned, at_work = tmp_path / ".faces.partial-old", tmp_path / ".faces.partial-new"
    for folder in (abandoned, at_work):
        folder.mkdir()
    yesterday = time.time() - 86_400
    os.utime(abandoned, (yesterday, yesterday))

    draw_dataset(tmp_path / "faces", per_expression=2, seed=1)

    assert not abandoned.exists()
    assert at_work.exists()


def test_a_folder_of_somebody_elses_files_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")

    with pytest.raises(DataError, match="not drawn here"):
        draw_dataset(tmp_path, per_expression=2, seed=1)

    assert (tmp_path / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize(("per_expression", "seed"), [(0, 1), (1, 1), (10**6, 1), (2, -1)])
def test_impossible_parameters_are_refused(tmp_path: Path, per_expression: int, seed: int) -> None:
    with pytest.raises(DataError, match=r"per_expression|seed"):
        draw_dataset(tmp_path / "faces", per_expression=per_expression, seed=seed)


def test_a_face_is_decided_by_its_generator_and_follows_its_labels() -> None:
    def pixels(expression: int, valence: float, arousal: float) -> np.ndarray:
        image = draw_face(expression, valence, arousal, np.random.default_rng(4))
        return np.asarray(image, dtype=np.int16)

    calm = pixels(1, 0.5, 0.0)

    assert calm.shape == (224, 224, 3)
    assert np.array_equal(calm, pixels(1, 0.5, 0.0))
    assert np.abs(calm - pixels(1, 0.9, 0.0)).mean() > 0.05
    assert np.abs(calm - pixels(1, 0.5, 0.6)).mean() > 0.05
    assert np.abs(calm - pixels(2, 0.5, 0.0)).mean() > 0.05


@pytest.mark.parametrize("expression", range(8))
def test_valence_lifts_the_mouths_corners_and_arousal_opens_the_eyes(expression: int) -> None:
    def mean(valence: float, arousal: float) -> Muscles:
        faces = [
            contract(expression, valence, arousal, np.random.default_rng(n)) for n in range(40)
        ]
        return Muscles(
            smile=float(np.mean([face.smile for face in faces])),
            eyes=float(np.mean([face.eyes for face in faces])),
        )

    assert mean(0.6, 0.3).smile > mean(-0.6, 0.3).smile
    assert mean(0.1, 0.8).eyes > mean(0.1, -0.2).eyes


def test_valence_and_arousal_stay_in_range_and_differ_between_expressions() -> None:
    rng = np.random.default_rng(0)
    means = []

    for expression in range(8):
        affect = np.array([sample_affect(expression, rng) for _ in range(300)])
        assert np.abs(affect).max() <= 0.98
        means.append(affect.mean(axis=0))

    assert means[1][0] > 0.5 > -0.5 > means[2][0]
    assert means[4][1] > 0.6 > 0 > means[2][1]


def test_landmarks_lie_where_the_features_are_drawn() -> None:
    portrait = draw_portrait(1, 0.7, 0.1, np.random.default_rng(3))

    points = portrait.landmarks.reshape(68, 2)
    jaw, eyes, mouth = points[:17], points[36:48], points[48:]
    assert jaw[0, 0] < mouth[:, 0].mean() < jaw[-1, 0]
    assert jaw[8, 1] > mouth[:, 1].mean() > eyes[:, 1].mean()
    assert points.min() > -40
    assert points.max() < 260
