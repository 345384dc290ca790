"""Prepared engines: chosen by measurement, kept beside the model, rebuilt when broken."""

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from model_folder import SIDE, store_model, trained_briefly

from emotion_core.errors import WeightsError
from emotion_core.vision import engine_openvino, engines, prepared
from emotion_core.vision.engine_eager import EagerEngine
from emotion_core.vision.engines import Choice, candidates
from emotion_core.vision.golden import Golden
from emotion_core.vision.prepared import find_prepared, prepare_engine
from emotion_core.vision.scorer import Scorer


def faces(count: int = 70) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stored model whose engine is prepared."""
    folder = store_model(tmp_path_factory.mktemp("prepared") / "m", trained_briefly(), 1.5)
    prepare_engine(folder, "cpu", faces())
    return folder


@pytest.fixture
def model(made: Path, tmp_path: Path) -> Path:
    """The same in a folder that a test may spoil."""
    return Path(shutil.copytree(made, tmp_path / "m"))


def test_the_prepared_engine_gives_the_references_scores(made: Path) -> None:
    scorer = Scorer(made, "cpu")

    found = scorer.score(faces())

    reference = EagerEngine(made, "cpu").score(faces()).calibrated(1.5)
    assert np.array_equal(found.expressions, reference.expressions)
    assert np.allclose(found.probabilities, reference.probabilities, atol=2e-5)
    assert np.allclose(found.va, reference.va, atol=2e-5)


def test_every_candidate_is_recorded_with_its_rate_and_agreement(made: Path) -> None:
    found = find_prepared(made, "cpu")

    assert found is not None
    assert found.measured[0]["engine"] == "eager f32"
    assert len(found.measured) == 1 + len(candidates("cpu", 70))
    for one in found.measured[1:]:
        assert one["images_per_second"] > 0
        assert one["agreement"]["count_faces"] == 70
    assert found.images_per_second == max(
        found.measured[0]["images_per_second"], found.images_per_second
    )


def test_preparing_again_finds_what_is_there(made: Path) -> None:
    before = find_prepared(made, "cpu")

    assert prepare_engine(made, "cpu") == before


def test_a_prepared_engine_is_loaded_without_torch(made: Path) -> None:
    script = (
        "import sys; from pathlib import Path; import numpy as np\n"
        "from emotion_core.vision.scorer import Scorer\n"
        f"scorer = Scorer(Path({str(made)!r}), 'cpu')\n"
        f"scorer.score(np.zeros((3, {SIDE}, {SIDE}, 3), np.uint8))\n"
        "print(scorer.choice.engine, 'torch' in sys.modules)"
    )

    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert result.stdout.split() in (["openvino", "False"], ["eager", "True"]), result.stderr


def test_a_signal_after_an_engine_was_given_up_does_not_end_the_process(made: Path) -> None:
    script = (
        "import signal, threading, time; from pathlib import Path; import numpy as np\n"
        "from emotion_core.vision.scorer import Scorer\n"
        "signal.signal(signal.SIGTERM, lambda number, frame: print('orderly', flush=True))\n"
        f"held = [Scorer(Path({str(made)!r}), 'cpu')]\n"
        f"held[0].score(np.zeros((3, {SIDE}, {SIDE}, 3), np.uint8))\n"
        "other = threading.Thread(target=held.clear); other.start(); other.join()\n"
        "signal.raise_signal(signal.SIGTERM)"
    )

    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert (result.returncode, result.stdout) == (0, "orderly\n"), result.stderr


@pytest.mark.parametrize("spoil", ["weights", "description", "missing"])
def test_a_broken_engine_is_never_used_and_is_made_anew(model: Path, spoil: str) -> None:
    found = find_prepared(model, "cpu")
    assert found is not None
    if spoil == "description":
        (found.folder / "engine.json").write_text('{"choice": ')
    elif found.choice.files:
        stored = found.folder / found.choice.files[-1]
        if spoil == "missing":
            stored.unlink()
        else:
            stored.write_bytes(stored.read_bytes()[:-100] + bytes(100))
    else:
        (found.folder / "engine.json").unlink()

    assert find_prepared(model, "cpu") is None
    assert prepare_engine(model, "cpu").folder == found.folder
    assert find_prepared(model, "cpu") is not None


def test_another_model_does_not_take_this_ones_engine(model: Path) -> None:
    card = json.loads((model / "model.json").read_text())
    card["calibration"]["temperature"] = 3.0
    (model / "model.json").write_text(json.dumps(card))

    assert find_prepared(model, "cpu") is None


def test_two_workers_preparing_at_once_leave_one_whole_engine(tmp_path: Path) -> None:
    folder = store_model(tmp_path / "m", trained_briefly())

    with ThreadPoolExecutor(2) as both:
        one, other = both.map(lambda _: prepare_engine(folder, "cpu"), range(2))

    assert one == other
    assert [entry.name for entry in (folder / "engines").iterdir() if entry.is_dir()] == [
        one.folder.name
    ]


def test_what_a_killed_preparation_left_is_cleared_away(model: Path) -> None:
    left = model / "engines" / ".partial-00000000"
    left.mkdir()
    found = find_prepared(model, "cpu")
    assert found is not None
    prepared.discard(found)

    prepare_engine(model, "cpu")

    assert not left.exists()


def test_without_openvino_scoring_goes_on_and_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    monkeypatch.setattr(engine_openvino, "is_installed", lambda: False)
    monkeypatch.setattr(engines.engine_compiled, "is_possible", lambda: False)
    folder = store_model(tmp_path / "m", trained_briefly())

    made = prepare_engine(folder, "cpu")

    assert made.choice == Choice("eager")
    assert "OpenVINO is not installed" in caplog.text
    assert Scorer(folder, "cpu").score(faces(3)).are_numbers


def test_engines_that_round_are_tried_only_on_real_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "cpu_flags", lambda: frozenset({"amx_bf16"}))

    without, with_faces = candidates("cpu", 0), candidates("cpu", 64)

    assert {choice.precision for choice in without} == {"f32"}
    assert {choice.precision for choice in with_faces} == {"f32", "bf16"}


def test_scoring_begins_with_the_reference_and_changes_over_when_an_engine_is_ready(
    tmp_path: Path,
) -> None:
    folder = store_model(tmp_path / "m", trained_briefly())
    scorer = Scorer(folder, "cpu", prepares=True)
    before = scorer.score(faces())

    assert scorer.choice == Choice("eager")
    preparation = scorer._preparation
    assert preparation is not None
    assert preparation._process is not None
    preparation._process.wait()
    scorer.score(faces(1))
    after = scorer.score(faces())

    found = find_prepared(folder, "cpu")
    assert found is not None
    assert found.measured[1]["agreement"]["count_faces"] == 70
    assert scorer.choice == found.choice
    assert np.allclose(before.probabilities, after.probabilities, atol=1e-4)
    scorer.close()


def stored_answers(folder: Path, shift: float) -> None:
    pixels = faces(4)
    scores = EagerEngine(folder, "cpu").score(pixels)
    Golden(pixels, scores.probabilities, scores.va + np.float32(shift)).write(folder)


def test_an_engine_that_gives_the_stored_answers_is_used(model: Path) -> None:
    stored_answers(model, shift=0.0)

    assert Scorer(model, "cpu").choice == find_prepared(model, "cpu").choice  # type: ignore[union-attr]


def test_no_engine_is_used_that_gives_other_answers_than_were_stored(model: Path) -> None:
    stored_answers(model, shift=0.1)

    with pytest.raises(WeightsError, match="no longer gives its own stored answers"):
        Scorer(model, "cpu")


def test_a_folder_without_a_model_cannot_be_prepared(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"model\.json"):
        find_prepared(tmp_path, "cpu")


@pytest.mark.gpu
def test_on_a_gpu_the_graph_keeps_the_scores(tmp_path: Path) -> None:
    folder = store_model(tmp_path / "m", trained_briefly())

    made = prepare_engine(folder, "cuda", faces(300))

    scores = Scorer(folder, "cuda").score(faces(600))
    assert made.choice.engine in ("cuda_graph", "eager")
    assert scores.are_numbers
    assert np.allclose(scores.probabilities.sum(axis=1), 1, atol=1e-3)
