"""Prepared engines: chosen once per model and machine, and kept beside the model.

``<model>/engines/<fingerprint>/engine.json`` says which engine was chosen, how fast each was and
how well it kept the scores; beside it lie the files that the chosen one loads, and its own golden
outputs. The fingerprint covers the weights, the preprocessing, the machine and the libraries'
versions: whatever changes any of them is prepared anew. Imports no torch until something has to be
prepared.

An engine that rounds is compared with float32 once, with a wide tolerance, when it is chosen. From
then on it must give its own golden outputs, with a narrow one.
"""

import fcntl
import hashlib
import json
import logging
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from emotion_core.errors import WeightsError
from emotion_core.files import write_bytes
from emotion_core.vision import engine_openvino, engines
from emotion_core.vision.description import MODEL_FILE, WEIGHTS_FILE, read_description
from emotion_core.vision.engine import Engine
from emotion_core.vision.engine_agreement import compare, patterns
from emotion_core.vision.engines import Choice
from emotion_core.vision.golden_outputs import EXACT, GOLDEN_FILE, ROUNDED, GoldenOutputs
from emotion_core.vision.processor import available_cores, cpu_flags, cpu_name, may_have_cuda

log = logging.getLogger(__name__)

FOLDER: Final = "engines"
DESCRIPTION: Final = "engine.json"
MOST_FACES: Final = 128
"""Real images used to check an engine; the reference takes seconds for more."""

_GOLDEN_PATTERNS: Final = 8
"""Images of an engine's golden outputs where none were stored with the model."""
_RATE_IMAGES: Final = {"cpu": 32, "cuda": 256}
"""By device; a CUDA graph computes 256 images however few it is given."""
_RATE_REPEATS: Final = 2
_WORTHWHILE: Final = 1.05


@dataclass(frozen=True)
class Prepared:
    """What ``engine.json`` says."""

    folder: Path
    choice: Choice
    golden_sha256: str | None
    """Of the model's golden outputs, which the weights gave when the engine was chosen."""
    images_per_second: float
    """Measured while preparing, on tensors in memory."""
    measured: list[dict[str, Any]]
    """Every engine tried, with its rate and agreement, the reference first."""

    def load(self, model_dir: Path, device: str) -> Engine:
        """The chosen engine; see :func:`emotion_core.vision.engines.load`.

        Raises:
            WeightsError: It no longer gives its golden outputs.
        """
        engine = engines.load(self.choice, self.folder, model_dir, device)
        golden = GoldenOutputs.read(self.folder)
        golden.check(engine.score, tolerance=EXACT, source=str(self.folder))
        return engine

    def discard(self) -> None:
        """Have an engine made anew that is whole and yet cannot be loaded."""
        try:
            (self.folder / DESCRIPTION).unlink(missing_ok=True)
        except OSError as error:
            log.warning("%s cannot be removed: %s", self.folder, error)


def find_prepared(model_dir: Path, device: str = "auto") -> Prepared | None:
    """The engine prepared for this model on this machine; None when there is none that is whole.

    Raises:
        WeightsError: The model's folder holds no model.
    """
    folder = _folder(model_dir, device_kind(device))
    path = folder / DESCRIPTION
    if not path.exists():
        return None
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        if stored.pop("fingerprint") != folder.name:
            raise ValueError("it was prepared for another model or machine")
        digests = {folder / name: digest for name, digest in stored.pop("files").items()}
        digests[model_dir / WEIGHTS_FILE] = read_description(model_dir).weights_sha256
        for file, digest in digests.items():
            if _sha256(file) != digest:
                raise ValueError(f"{file.name} is not the file that was written")
        return Prepared(folder=folder, choice=Choice(**stored.pop("choice")), **stored)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("the prepared engine in %s is broken (%s); it is made anew", folder, error)
        return None


def prepare_engine(
    model_dir: Path, device: str = "auto", faces: NDArray[np.uint8] | None = None
) -> Prepared:
    """Choose and store the fastest engine that keeps the model's scores on this machine.

    Takes from seconds to a minute; returns at once when it is done already. Several processes may
    ask at once: one prepares, the others wait for it.

    Args:
        device: ``auto``, ``cpu`` or ``cuda``.
        faces: uint8 [N, S, S, 3] from the model's preprocessing, real images to check engines on;
            without them only float32 engines are tried.

    Raises:
        WeightsError: The folder holds no whole model, or the model no longer gives its golden
            outputs.
        OSError: The model's folder cannot be written.
    """
    kind = device_kind(device)
    folder = _folder(model_dir, kind)
    with _only_one(model_dir / FOLDER):
        if (found := find_prepared(model_dir, kind)) is not None:
            return found
        shutil.rmtree(folder, ignore_errors=True)  # what a killed preparation left
        folder.mkdir()
        description = _prepare(model_dir, kind, faces, folder)
        # Written last: an engine is there when its description is.
        write_bytes(folder / DESCRIPTION, (json.dumps(description, indent=2) + "\n").encode())
    made = find_prepared(model_dir, kind)
    if made is None:
        raise WeightsError(f"{folder} was written and cannot be read back; check the disk")
    log.info("%s: %s, %.1f images/s", model_dir.name, made.choice.label, made.images_per_second)
    return made


def device_kind(device: str) -> str:
    """``cpu`` or ``cuda``; imports torch only where an NVIDIA driver is loaded.

    Raises:
        SettingsError: The device is not there, or its name is unknown.
    """
    if device == "cpu" or (device == "auto" and not may_have_cuda()):
        return "cpu"
    from emotion_core.vision.device import pick_device

    return pick_device(device).type


def golden_sha256(model_dir: Path) -> str | None:
    """Of the golden outputs that are stored with a model; None where there are none."""
    path = model_dir / GOLDEN_FILE
    return _sha256(path) if path.exists() else None


def _prepare(
    model_dir: Path, kind: str, faces: NDArray[np.uint8] | None, folder: Path
) -> dict[str, Any]:
    """Try every candidate; returns the description, and leaves the winner's files in ``folder``."""
    from emotion_core.vision.checkpoint import load_model
    from emotion_core.vision.engine_eager import load_reference

    golden = GoldenOutputs.read(model_dir) if (model_dir / GOLDEN_FILE).exists() else None
    reference = load_reference(model_dir, kind)
    model = read_description(model_dir)
    real = [] if faces is None else [faces[:MOST_FACES]]
    count_faces = sum(map(len, real))
    images = np.concatenate([*real, patterns(model.preprocessing.image_size)])
    expected = reference.score(images).calibrated(model.temperature)
    choices: list[Choice] = [Choice("eager")]
    loaded: list[Engine] = [reference]
    measured: list[dict[str, Any]] = [{"agreement": None, "keeps_scores": True}]
    for choice in engines.candidates(kind, count_faces):
        try:
            if choice.engine == "openvino" and not any(folder.iterdir()):
                engine_openvino.store(load_model(model_dir)[0], model.preprocessing, folder)
            engine = engines.load(choice, folder, model_dir, kind)
            agreement = compare(
                expected, engine.score(images).calibrated(model.temperature), count_faces
            )
            if golden is not None:
                tolerance = EXACT if choice.precision == "f32" else ROUNDED
                golden.check(engine.score, tolerance=tolerance, source=choice.label)
        except Exception as error:  # whatever an engine cannot do, the reference can
            log.warning("%s cannot be used here: %s", choice.label, error)
            continue
        choices.append(choice)
        loaded.append(engine)
        measured.append({"agreement": asdict(agreement), "keeps_scores": agreement.keeps_scores})
    rates = _rates(loaded, np.resize(images, (_RATE_IMAGES[kind], *images.shape[1:])))
    best = 0
    for number, one in enumerate(measured):
        if one["keeps_scores"] and rates[number] > _WORTHWHILE * rates[best]:
            best = number
    if choices[best].engine != "openvino":
        for left in folder.iterdir():
            left.unlink()
    pixels = images[-_GOLDEN_PATTERNS:] if golden is None else golden.pixels
    GoldenOutputs(pixels, loaded[best].score(pixels)).write(folder)
    return {
        "fingerprint": folder.name,
        "choice": asdict(choices[best]),
        "images_per_second": rates[best],
        "golden_sha256": golden_sha256(model_dir),
        "files": {file.name: _sha256(file) for file in sorted(folder.iterdir())},
        "measured": [
            {"engine": choice.label, "images_per_second": rate, **one}
            for choice, rate, one in zip(choices, rates, measured, strict=True)
        ],
    }


def _rates(loaded: Sequence[Engine], batch: NDArray[np.uint8]) -> list[float]:
    """Images/s of each engine, the best of some rounds in turn, so that a busy moment hits all."""
    best = [0.0] * len(loaded)
    for _ in range(_RATE_REPEATS):
        for number, engine in enumerate(loaded):
            began = time.perf_counter()
            engine.score(batch)
            best[number] = max(best[number], len(batch) / (time.perf_counter() - began))
    return best


def _folder(model_dir: Path, kind: str) -> Path:
    path = model_dir / MODEL_FILE
    try:
        identity = _sha256(path)  # names the weights, the preprocessing and the calibration
    except OSError as error:
        raise WeightsError(
            f"{path} cannot be read ({error}); name the folder of a finished training run"
        ) from None
    if kind == "cuda":
        import torch

        machine = [torch.cuda.get_device_name(), str(torch.version.cuda)]
    else:
        machine = [cpu_name(), str(available_cores()), *sorted(cpu_flags())]
    versions = [_version(package) for package in ("torch", "openvino")]
    canonical = json.dumps([engines.REVISION, kind, identity, machine, versions])
    return model_dir / FOLDER / hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """One process at a time in here; the kernel opens the lock when its holder dies."""
    folder.mkdir(exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":  # model folder, device, .npy file of faces: started by the scorer
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    prepare_engine(Path(sys.argv[1]), sys.argv[2], np.load(sys.argv[3], allow_pickle=False))
