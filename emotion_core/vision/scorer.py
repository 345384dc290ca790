"""A stored model, ready to score: with its prepared engine, or the reference until there is one.

Imports torch only where the reference or a GPU is used.
"""

import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emotion_core.errors import ScoringError
from emotion_core.settings import PACKAGE_DIR
from emotion_core.vision.description import read_description
from emotion_core.vision.engine import Engine
from emotion_core.vision.engines import Choice
from emotion_core.vision.prepared_engines import (
    MOST_FACES,
    device_kind,
    find_prepared,
    golden_sha256,
)
from emotion_core.vision.scores import Scores

log = logging.getLogger(__name__)

_PYTHON_PATH = (str(PACKAGE_DIR.parent), os.environ.get("PYTHONPATH"))


class Scorer:
    """A stored model, ready to score.

    Where no engine is prepared for this machine yet, scoring begins with the reference at once,
    while another process prepares one, checked on the first images that are scored; it takes over
    between two calls of :meth:`score`.

    Args:
        model_dir: Folder with ``weights.safetensors`` and ``model.json``.
        device: ``auto``, ``cpu`` or ``cuda``.
        prepares: Whether to have an engine prepared where there is none.

    Raises:
        WeightsError: See :func:`emotion_core.vision.checkpoint.load_model`; or the model no longer
            gives its golden outputs.
        SettingsError: The device is not there.
    """

    def __init__(self, model_dir: Path, device: str = "auto", *, prepares: bool = False) -> None:
        self._kind = device_kind(device)
        self._model_dir = model_dir
        self._model = read_description(model_dir)
        self.preprocessing = self._model.preprocessing
        """What images must go through before :meth:`score`; part of the model."""
        self._preparation: _Preparation | None = None
        self._engine: Engine
        self.choice = Choice("eager")
        if not self._take_prepared():
            from emotion_core.vision.engine_eager import load_reference

            self._engine = load_reference(model_dir, self._kind)
            if prepares:
                self._preparation = _Preparation(model_dir, self._kind)

    @property
    def engine(self) -> str:
        """The engine in use, for people and tables."""
        return self.choice.label

    @property
    def device(self) -> str:
        """The processor in use, for people and tables."""
        return self._engine.device

    def score(self, pixels: NDArray[np.uint8]) -> Scores:
        """Score images.

        Args:
            pixels: uint8 [N, S, S, 3] as ``self.preprocessing.pixels`` gives them.

        Raises:
            ScoringError: The pixels have another shape or type, or a score is not a number.
        """
        side = self.preprocessing.image_size
        if pixels.dtype != np.uint8 or pixels.shape[1:] != (side, side, 3):
            raise ScoringError(
                f"pixels are {pixels.dtype} {list(pixels.shape)}; the model takes uint8 "
                f"[N, {side}, {side}, 3] from its own preprocessing"
            )
        scores = self._engine.score(pixels).calibrated(self._model.temperature)
        if not scores.are_numbers:
            raise ScoringError(
                f"The {self._model.network} model with weights {self._model.weights_sha256[:12]} "
                "gave a score that is not a number; do not use it, train again or switch back to "
                "the model before"
            )
        if self._preparation is not None:
            self._preparation.see(pixels)
            if self._preparation.has_ended:
                if self._take_prepared():
                    log.info("from here on with %s, prepared meanwhile", self.engine)
                else:
                    log.warning(
                        "no engine could be prepared beside %s (its own message stands above); "
                        "scoring goes on with the slower reference",
                        self._model_dir,
                    )
        return scores

    def close(self) -> None:
        """Stop preparing, if that is still going on; the next scorer begins it again."""
        if self._preparation is not None:
            self._preparation.close()
            self._preparation = None

    def _take_prepared(self) -> bool:
        """Switch to the prepared engine; False when there is none that works."""
        self.close()
        prepared = find_prepared(self._model_dir, self._kind)
        if prepared is None:
            return False
        if golden_sha256(self._model_dir) != prepared.golden_sha256:
            from emotion_core.vision.engine_eager import load_reference

            # Chosen under other golden outputs: the weights must give the present ones.
            load_reference(self._model_dir, self._kind)
        try:
            self._engine = prepared.load(self._model_dir, self._kind)
        except Exception as error:  # e.g. a library that was damaged: the reference still scores
            log.warning("%s cannot be loaded (%s); made anew", prepared.choice.label, error)
            prepared.discard()
            return False
        self.choice = prepared.choice
        return True


class _Preparation:
    """Another process that prepares an engine, begun when there are images to check it on."""

    def __init__(self, model_dir: Path, kind: str) -> None:
        self._model_dir, self._kind = model_dir, kind
        self._process: subprocess.Popen[bytes] | None = None
        self._faces = tempfile.NamedTemporaryFile(suffix=".npy")  # noqa: SIM115 - closed below

    def see(self, pixels: NDArray[np.uint8]) -> None:
        """Begin, with the first images that were scored."""
        if self._process is not None or len(pixels) == 0:
            return
        np.save(self._faces, pixels[:MOST_FACES])
        self._faces.flush()
        module = "emotion_core.vision.prepared_engines"
        self._process = subprocess.Popen(  # noqa: S603  - our own module
            [sys.executable, "-m", module, str(self._model_dir), self._kind, self._faces.name],
            stdin=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, _PYTHON_PATH))},
        )

    @property
    def has_ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait()
        self._faces.close()
