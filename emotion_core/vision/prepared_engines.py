"""Prepared engines: chosen once per model and machine, and kept beside the model.

``<model>/engines/<fingerprint>/engine.json`` says which engine was chosen, how fast each was and
how well it kept the scores; beside it lie the files that the chosen one loads, and its own answers
to a few pictures. The fingerprint covers the weights, the preprocessing, the machine and the
libraries' versions: whatever changes any of them is prepared anew. Imports no torch until something
has to be prepared.

An engine that rounds is held against float32 once, with a wide tolerance, when it is chosen. From
then on it must give its own answers, with a narrow one.
"""

import argparse
import fcntl
import hashlib
import json
import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from emotion_core.errors import WeightsError
from emotion_core.files import write_bytes
from emotion_core.vision import engines
from emotion_core.vision.engine import Engine, answers_of
from emotion_core.vision.engine_agreement import compare, patterns
from emotion_core.vision.engines import Choice
from emotion_core.vision.golden_outputs import EXACT, GOLDEN_FILE, ROUNDED, Golden
from emotion_core.vision.preprocessing import Preprocessing
from emotion_core.vision.processor import available_cores, cpu_flags, cpu_name, may_have_cuda

log = logging.getLogger(__name__)

FOLDER: Final = "engines"
DESCRIPTION: Final = "engine.json"
ANSWERS: Final = "answers.safetensors"
MOST_FACES: Final = 128
"""Real images used to check an engine; the reference takes seconds for more."""

_ANSWERED: Final = 8
"""Patterns that an engine answers where no pictures were stored with the model."""
_RATE_IMAGES: Final = 32
_RATE_REPEATS: Final = 2
_WORTHWHILE: Final = 1.05
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError, AttributeError)


@dataclass(frozen=True)
class Prepared:
    """What ``engine.json`` says."""

    folder: Path
    choice: Choice
    preprocessing: Preprocessing
    network: str
    weights_sha256: str
    golden_sha256: str | None
    """Of the model's stored answers, which the weights gave when the engine was chosen."""
    temperature: float
    """Of the model's calibration."""
    images_per_second: float
    """Measured while preparing, on tensors in memory."""
    measured: list[dict[str, Any]]
    """Every engine tried, with its rate and agreement, the reference first."""

    def load(self, model_dir: Path, device: str) -> Engine:
        """The chosen engine; see :func:`emotion_core.vision.engines.load`.

        Raises:
            WeightsError: It no longer gives the answers that it gave when it was chosen.
        """
        engine = engines.load(self.choice, self.folder, model_dir, device)
        drift = Golden.read(self.folder, ANSWERS).drift(answers_of(engine))
        if not drift <= EXACT:  # a NaN is no answer either
            raise WeightsError(
                f"{self.folder} holds another engine, or a broken one: its answers are off by "
                f"{drift:.3f} from those it gave when it was chosen, allowed is {EXACT}"
            )
        return engine


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
        if stored["fingerprint"] != folder.name:
            raise ValueError("it was prepared for another model or machine")
        digests = {folder / name: digest for name, digest in stored["files"].items()}
        digests[model_dir / "weights.safetensors"] = stored["weights_sha256"]
        for file, digest in digests.items():
            if _sha256(file) != digest:
                raise ValueError(f"{file.name} is not the file that was written")
        return Prepared(
            folder=folder,
            choice=Choice(**stored["choice"]),
            preprocessing=Preprocessing.from_dict(stored["preprocessing"]),
            network=str(stored["network"]),
            weights_sha256=str(stored["weights_sha256"]),
            golden_sha256=stored["golden_sha256"],
            temperature=float(stored["temperature"]),
            images_per_second=float(stored["images_per_second"]),
            measured=list(stored["measured"]),
        )
    except (*_UNREADABLE, WeightsError) as error:
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
        WeightsError: The folder holds no whole model, or the model no longer gives the answers that
            were stored with it.
        OSError: The model's folder cannot be written.
    """
    kind = device_kind(device)
    with _only_one(model_dir / FOLDER):
        found = find_prepared(model_dir, device)
        if found is not None:
            return found
        folder = _folder(model_dir, kind)
        _remove_leftovers(folder)
        partial = folder.with_name(f".partial-{uuid4().hex[:8]}")
        partial.mkdir()
        try:
            description = _prepare(model_dir, kind, faces, partial)
            description["fingerprint"] = folder.name
            write_bytes(partial / DESCRIPTION, (json.dumps(description, indent=2) + "\n").encode())
            partial.rename(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    made = find_prepared(model_dir, device)
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
    """Of the answers that are stored with a model; None where there are none."""
    path = model_dir / GOLDEN_FILE
    return _sha256(path) if path.exists() else None


def discard(prepared: Prepared) -> None:
    """Remove an engine that is whole and yet cannot be loaded."""
    with _only_one(prepared.folder.parent):
        _remove(prepared.folder)


def _prepare(
    model_dir: Path, kind: str, faces: NDArray[np.uint8] | None, folder: Path
) -> dict[str, Any]:
    """Try every candidate; returns the description, and leaves the winner's files in ``folder``."""
    from emotion_core.vision.checkpoint import load_model
    from emotion_core.vision.engine_eager import load_reference

    golden = Golden.read(model_dir) if (model_dir / GOLDEN_FILE).exists() else None
    reference = load_reference(model_dir, kind)
    preprocessing = reference.description.preprocessing
    temperature = reference.description.calibration["temperature"]
    count_faces = 0 if faces is None else min(len(faces), MOST_FACES)
    images = patterns(preprocessing.image_size)
    if faces is not None:
        images = np.concatenate([faces[:MOST_FACES], images])
    expected = reference.score(images).calibrated(temperature)
    choices = [Choice("eager")]
    measured: list[dict[str, Any]] = [{"agreement": None, "reason": "the reference"}]
    loaded: list[Engine] = [reference]
    stored: set[str] = set()
    for choice in engines.candidates(kind, count_faces):
        try:
            if choice.engine not in stored:
                network, _ = load_model(model_dir)
                engines.store(choice.engine, network, preprocessing, folder)
                stored.add(choice.engine)
            engine = engines.load(choice, folder, model_dir, kind)
            found = engine.score(images).calibrated(temperature)
            agreement = compare(expected, found, count_faces)
            if golden is not None:
                tolerance = EXACT if choice.precision == "f32" else ROUNDED
                golden.check(answers_of(engine), tolerance=tolerance, source=choice.label)
        except Exception as error:  # whatever an engine cannot do, the reference can
            log.warning("%s cannot be used here: %s", choice.label, error)
            continue
        log.info(
            "%s: %.1f %% of the labels of the reference, probabilities within %.3f",
            choice.label,
            100 * agreement.same_label_share,
            agreement.widest_probability,
        )
        choices.append(choice)
        loaded.append(engine)
        measured.append(
            {
                "agreement": agreement.to_dict(),
                "reason": "keeps the scores" if agreement.keeps_scores else "changes the scores",
            }
        )
    rates = _rates(loaded, images)
    best = 0
    for number in range(1, len(choices)):
        if measured[number]["reason"] == "keeps the scores" and rates[number] > _WORTHWHILE * max(
            rates[best], rates[0]
        ):
            best = number
    chosen = choices[best]
    for left in folder.iterdir():
        if left.name not in chosen.files:
            left.unlink()
    pictures = patterns(preprocessing.image_size, _ANSWERED) if golden is None else golden.pixels
    Golden(pictures, *answers_of(loaded[best])(pictures)).write(folder, ANSWERS)
    return {
        "choice": chosen.to_dict(),
        "images_per_second": rates[best],
        "network": reference.description.network,
        "weights_sha256": reference.description.weights_sha256,
        "golden_sha256": golden_sha256(model_dir),
        "temperature": temperature,
        "preprocessing": preprocessing.to_dict(),
        "files": {name: _sha256(folder / name) for name in (*chosen.files, ANSWERS)},
        "machine": cpu_name(),
        "measured": [
            {"engine": choice.label, "images_per_second": rate} | result
            for choice, rate, result in zip(choices, rates, measured, strict=True)
        ],
    }


def _rates(loaded: list[Engine], images: NDArray[np.uint8]) -> list[float]:
    """Images/s of each engine, the best of some rounds in turn, so that a busy moment hits all."""
    batch = np.resize(images, (_RATE_IMAGES, *images.shape[1:]))
    best = [0.0] * len(loaded)
    for _ in range(_RATE_REPEATS):
        for number, engine in enumerate(loaded):
            began = time.perf_counter()
            engine.score(batch)
            best[number] = max(best[number], len(batch) / (time.perf_counter() - began))
    return best


def _folder(model_dir: Path, kind: str) -> Path:
    path = model_dir / "model.json"
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


def _remove_leftovers(folder: Path) -> None:
    _remove(folder)
    for left in folder.parent.glob(".partial-*"):
        shutil.rmtree(left, ignore_errors=True)


def _remove(folder: Path) -> None:
    # Renamed first: another process must find it whole or not at all.
    if folder.exists():
        aside = folder.with_name(f".partial-{uuid4().hex[:8]}")
        folder.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main(arguments: list[str] | None = None) -> None:
    """``python -m emotion_core.vision.prepared_engines MODEL [--device cpu] [--faces FILE]``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("model_dir", type=Path)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--faces", type=Path, help="uint8 [N, S, S, 3] to check engines on")
    asked = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    faces = None if asked.faces is None else np.load(asked.faces, allow_pickle=False)
    prepare_engine(asked.model_dir, asked.device, faces)


if __name__ == "__main__":
    main()
