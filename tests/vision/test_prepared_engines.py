"""Prepared engines: chosen by measurement, kept beside the model, rebuilt when broken.

Whatever depends on an engine's precision runs for every one that this machine has.
"""

import hashlib
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
from emotion_core.vision import engine_agreement, engine_openvino, engines, prepared_engines
from emotion_core.vision.engine_eager import EagerEngine
from emotion_core.vision.engines import Choice, candidates
from emotion_core.vision.golden_outputs import EXACT, GOLDEN_FILE, GoldenOutputs
from emotion_core.vision.prepared_engines import Prepared, find_prepared, prepare_engine
from emotion_core.vision.scorer import Scorer
from emotion_core.vision.scores import Scores

PRECISIONS = sorted({choice.precision for choice in candidates("cpu", 70)}) or ["f32"]
FURTHEST = {"f32": 2e-5, "bf16": 0.02}
"""How far an engine may move the small model's scores; measured in bfloat16: 0.004."""


def faces(count: int = 70) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)


def prepare_in(precision: str, folder: Path, device: str = "cpu") -> Prepared:
    """Prepare an engine of ``precision``, however fast another would be."""
    offered = [choice for choice in candidates(device, 70) if choice.precision == precision]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engines, "candidates", lambda device, count_faces: offered)
        patch.setattr(prepared_engines, "_WORTHWHILE", 0.0)
        # Of two labels that the small model finds equal, rounding may take the other.
        patch.setattr(engine_agreement, "SAME_LABEL_SHARE", 0.9)
        found = prepare_engine(folder, device, faces())
    assert found.choice == (offered or [Choice("eager")])[-1]
    return found


@pytest.fixture(scope="module", params=PRECISIONS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stored model whose engine is prepared."""
    folder = store_model(tmp_path_factory.mktemp("prepared") / "m", trained_briefly(), 1.5)
    store_golden(folder, shift=0.0)
    prepare_in(request.param, folder)
    return folder


@pytest.fixture
def model(made: Path, tmp_path: Path) -> Path:
    """The same in a folder that a test may spoil."""
    return Path(shutil.copytree(made, tmp_path / "m"))


def test_the_prepared_engine_gives_the_references_scores(made: Path) -> None:
    scorer = Scorer(made, "cpu")

    found = scorer.score(faces())

    reference = EagerEngine(made, "cpu").score(faces()).calibrated(1.5)
    furthest = FURTHEST[scorer.choice.precision]
    clear = reference.margins > 2 * furthest
    assert np.array_equal(found.expressions[clear], reference.expressions[clear])
    assert np.allclose(found.probabilities, reference.probabilities, atol=furthest)
    assert np.allclose(found.va, reference.va, atol=furthest)


def test_every_candidate_is_recorded_with_its_rate_and_agreement(tmp_path: Path) -> None:
    folder = store_model(tmp_path / "m", trained_briefly())

    found = prepare_engine(folder, "cpu", faces())

    assert found.measured[0]["engine"] == "eager f32"
    assert [one["engine"] for one in found.measured[1:]] == [
        choice.label for choice in candidates("cpu", 70)
    ]
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


@pytest.mark.parametrize("spoil", ["weights", "description", "golden outputs", "missing"])
def test_a_broken_engine_is_never_used_and_is_made_anew(model: Path, spoil: str) -> None:
    found = find_prepared(model, "cpu")
    assert found is not None
    if spoil == "description":
        (found.folder / "engine.json").write_text('{"choice": ')
    elif spoil == "golden outputs":
        (found.folder / GOLDEN_FILE).unlink()
    elif found.choice.engine == "openvino":
        stored = found.folder / "openvino.bin"
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
    found = prepared_in(model)
    left = found.folder / "openvino.xml.partial"
    left.touch()
    found.discard()

    prepare_engine(model, "cpu")

    assert not left.exists()


def test_without_openvino_scoring_goes_on_and_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    monkeypatch.setattr(engine_openvino, "is_installed", lambda: False)
    folder = store_model(tmp_path / "m", trained_briefly())

    made = prepare_engine(folder, "cpu")

    assert made.choice == Choice("eager")
    assert "OpenVINO is not installed" in caplog.text
    assert Scorer(folder, "cpu").score(faces(3)).are_numbers


def test_engines_that_round_are_tried_only_on_real_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "has_bfloat16", lambda: True)

    without, with_faces = candidates("cpu", 0), candidates("cpu", 64)

    assert {choice.precision for choice in without} == {"f32"}
    assert {choice.precision for choice in with_faces} == {"f32", "bf16"}


def test_scoring_begins_with_the_reference_and_changes_over_when_an_engine_is_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")  # in float32, here and where it is prepared
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


def store_golden(folder: Path, shift: float) -> None:
    pixels = faces(4)
    scores = EagerEngine(folder, "cpu").score(pixels)
    moved = Scores(scores.probabilities, scores.va + np.float32(shift))
    GoldenOutputs(pixels, moved).write(folder)


def prepared_in(folder: Path) -> Prepared:
    found = find_prepared(folder, "cpu")
    assert found is not None
    return found


def choice_of(folder: Path) -> Choice:
    return prepared_in(folder).choice


def test_an_engine_that_gives_the_store_golden_is_used(model: Path) -> None:
    (model / GOLDEN_FILE).unlink()  # these as well if they came, or went, after the engine
    assert Scorer(model, "cpu").choice == choice_of(model)

    store_golden(model, shift=0.001)
    assert Scorer(model, "cpu").choice == choice_of(model)


@pytest.mark.parametrize("shift", [0.1, 0.02, np.nan])
def test_no_model_scores_that_gives_other_answers_than_were_stored(
    model: Path, shift: float
) -> None:
    store_golden(model, shift)

    with pytest.raises(WeightsError, match="no longer gives its own golden outputs"):
        Scorer(model, "cpu")
    with pytest.raises(WeightsError, match="no longer gives its own golden outputs"):
        prepare_engine(store_again(model), "cpu")


def store_again(folder: Path) -> Path:
    """The same model without its engine."""
    shutil.rmtree(folder / "engines")
    return folder


def test_other_weights_than_the_engine_was_made_of_stop_scoring(model: Path) -> None:
    weights = model / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\x80\x3f")

    with pytest.raises(WeightsError, match=r"weights\.safetensors is not the file"):
        Scorer(model, "cpu")


class Shifted:
    """An engine whose answers moved."""

    def __init__(self, engine: engines.Engine, shift: float, score: str) -> None:
        self._engine, self._shift, self._score = engine, np.float32(shift), score
        self.device = engine.device

    def score(self, pixels: np.ndarray) -> Scores:
        found = self._engine.score(pixels)
        moved = {"probabilities": found.probabilities, "va": found.va}
        moved[self._score] = moved[self._score] + self._shift
        return Scores(**moved)


@pytest.mark.parametrize(
    ("score", "shift"), [("va", 0.1), ("va", -0.02), ("probabilities", 0.02), ("va", np.nan)]
)
def test_an_engine_that_answers_otherwise_than_when_it_was_chosen_is_given_up(
    model: Path, monkeypatch: pytest.MonkeyPatch, score: str, shift: float
) -> None:
    load = engines.load
    monkeypatch.setattr(engines, "load", lambda *asked: Shifted(load(*asked), shift, score))

    scorer = Scorer(model, "cpu")

    assert scorer.choice == Choice("eager")
    assert find_prepared(model, "cpu") is None
    reference = EagerEngine(model, "cpu").score(faces(5)).calibrated(1.5)
    assert np.allclose(scorer.score(faces(5)).va, reference.va, atol=2e-5)


@pytest.mark.parametrize("forged", [False, True])
def test_the_engine_of_another_model_in_its_place_is_never_used(
    model: Path, tmp_path: Path, forged: bool
) -> None:
    network = trained_briefly()
    for parameter in network.affect_head.parameters():
        parameter.data += 0.05
    other = prepare_in(choice_of(model).precision, store_model(tmp_path / "other", network, 1.5))
    place = prepared_in(model).folder
    if forged:  # only the engine's files, and digests that are theirs
        card = json.loads((place / "engine.json").read_text())
        for stored in other.folder.glob("openvino.*"):
            shutil.copy(stored, place)
            card["files"][stored.name] = hashlib.sha256(stored.read_bytes()).hexdigest()
        (place / "engine.json").write_text(json.dumps(card))
    else:
        shutil.rmtree(place)
        shutil.copytree(other.folder, place)

    scorer = Scorer(model, "cpu")

    assert scorer.choice == Choice("eager")
    assert find_prepared(model, "cpu") is None


def test_the_same_engine_gives_its_own_answers_with_any_threads_and_batches(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choice = choice_of(model)
    everything = Scorer(model, "cpu").score(faces(40))
    for cores in (1, 3):
        monkeypatch.setattr(engine_openvino, "available_cores", lambda count=cores: count)

        scorer = Scorer(model, "cpu")

        assert scorer.choice == choice
        for count in (1, 17):
            assert np.abs(scorer.score(faces(40)[:count]).va - everything.va[:count]).max() < EXACT


@pytest.mark.parametrize(
    ("what", "other"), [("cpu_flags", frozenset({"avx2"})), ("cpu_name", "another processor")]
)
def test_on_another_processor_the_engine_is_prepared_anew(
    model: Path, monkeypatch: pytest.MonkeyPatch, what: str, other: object
) -> None:
    here = find_prepared(model, "cpu")
    monkeypatch.setattr(prepared_engines, what, lambda: other)

    assert find_prepared(model, "cpu") is None
    assert Scorer(model, "cpu").choice == Choice("eager")
    there = prepare_engine(model, "cpu")

    assert Scorer(model, "cpu").choice == there.choice
    monkeypatch.undo()
    assert find_prepared(model, "cpu") == here


def test_a_folder_without_a_model_cannot_be_prepared(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"model\.json"):
        find_prepared(tmp_path, "cpu")


@pytest.mark.gpu
def test_on_a_gpu_the_graph_keeps_the_scores(tmp_path: Path) -> None:
    folder = store_model(tmp_path / "m", trained_briefly())

    store_golden(folder, shift=0.0)

    made = prepare_engine(folder, "cuda", faces(300))

    scores = Scorer(folder, "cuda").score(faces(600))
    assert made.choice.engine in ("cuda_graph", "eager")
    assert scores.are_numbers
    assert np.allclose(scores.probabilities.sum(axis=1), 1, atol=1e-3)


@pytest.mark.gpu
@pytest.mark.parametrize("shift", [0.1, 0.02])
def test_on_a_gpu_moved_answers_are_found_in_bfloat16(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shift: float
) -> None:
    folder = store_model(tmp_path / "m", trained_briefly())
    prepare_in("bf16", folder, "cuda")
    assert Scorer(folder, "cuda").choice == Choice("cuda_graph", "bf16")
    with monkeypatch.context() as patch:
        load = engines.load
        patch.setattr(engines, "load", lambda *asked: Shifted(load(*asked), shift, "va"))
        assert Scorer(folder, "cuda").choice == Choice("eager")

    store_golden(folder, shift)
    with pytest.raises(WeightsError, match="no longer gives its own golden outputs"):
        Scorer(folder, "cuda")
