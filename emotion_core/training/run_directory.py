"""The folder of one training run: the interface between a GPU and the database. No torch.

``recipe.json``, ``weights.safetensors``, ``model.json``, ``golden.safetensors``, ``history.json``,
``predictions.parquet`` and, written last, ``metrics.json``. Each is complete or absent. While
training goes on, checkpoint files lie beside them; when it is done they are gone.
"""

import fcntl
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from emotion_core.emotions import PROBABILITY_COLUMNS
from emotion_core.errors import TrainingError
from emotion_core.files import remove_partial, replacing, write_bytes
from emotion_core.training.recipe import Recipe

RECIPE_FILE: Final = "recipe.json"
HISTORY_FILE: Final = "history.json"
METRICS_FILE: Final = "metrics.json"
PREDICTIONS_FILE: Final = "predictions.parquet"
MODEL_FILE: Final = "model.json"
WEIGHTS_FILE: Final = "weights.safetensors"
GOLDEN_FILE: Final = "golden.safetensors"
FILES: Final = (
    RECIPE_FILE,
    WEIGHTS_FILE,
    MODEL_FILE,
    GOLDEN_FILE,
    HISTORY_FILE,
    PREDICTIONS_FILE,
    METRICS_FILE,
)
"""Of a complete run, in the order of writing."""

PREDICTION_COLUMNS: Final = (
    "sample_id",
    "sha256",
    "expression",
    "valence",
    "arousal",
    *PROBABILITY_COLUMNS,
    "predicted_valence",
    "predicted_arousal",
)
"""Of ``predictions.parquet``: the truth under plain names, then what the network said."""

COPIES_ON_DISK: Final = 12
"""Of the weights: checkpoint with two moments and an average, its successor, best ones, model."""

SUMMARY: Final = (
    "device",
    "precision",
    "versions",
    "seconds",
    "images_per_second",
    "kept_epoch",
    "best_epoch",
    "epochs",
    "parameters",
    "git_revision",
    "weights_origin",
    "adjustments",
    "calibration",
    "dataset",
    "split",
    "chance_line",
    "constant_predictor",
)
"""What a finished run says about itself beside its metrics."""

_LOCK_FILE = ".training.lock"


@dataclass(frozen=True)
class RunResult:
    """Everything a finished run says.

    Attributes:
        history: One entry per epoch: ``epoch`` (from 1), ``train`` and ``validation`` (metric to
            value, with ``loss``), ``seconds``, ``images_per_second``, ``is_best``.
        metrics: ``validation``: the stored weights on every held-out image. ``train``: the kept
            epoch's running metrics, see :func:`emotion_core.training.loop.train`.
        predictions: One row per held-out image, columns ``PREDICTION_COLUMNS``, in the data set's
            order.
        model: ``model.json``.
        summary: Has the keys :data:`SUMMARY`.
    """

    recipe: Recipe
    history: list[dict[str, Any]]
    metrics: dict[str, dict[str, float]]
    predictions: pd.DataFrame
    model: dict[str, Any]
    summary: dict[str, Any]

    @property
    def gain_by_choice(self) -> float:
        """Held-out accuracy in the kept epoch, less that in the last one."""
        accuracy = [epoch["validation"]["accuracy"] for epoch in self.history]
        return float(accuracy[self.summary["kept_epoch"] - 1] - accuracy[-1])


@dataclass(frozen=True)
class RunDirectory:
    """A run's folder, finished or not."""

    path: Path

    @property
    def is_complete(self) -> bool:
        """Whether training is done and every file is there."""
        return not self._missing()

    def read(self) -> RunResult:
        """Read a finished run.

        Raises:
            TrainingError: A file is missing or cannot be read, or another release wrote it; names
                it.
        """
        if missing := self._missing():
            raise TrainingError(
                f"{self.path} is not a finished training run: it lacks {', '.join(missing)}; "
                "train again with the same folder to go on from its last epoch"
            )
        results = self.read_json(METRICS_FILE)
        try:
            recipe = Recipe.from_dict(self.read_json(RECIPE_FILE))
            # Releases that kept the best epoch alone do not say which they kept; before them
            # precision was not chosen.
            summary = {
                "kept_epoch": results["summary"].get("best_epoch"),
                "precision": None,
                **results["summary"],
            }
            unsaid = [name for name in SUMMARY if name not in summary]
            result = RunResult(
                recipe=recipe,
                history=self.read_json(HISTORY_FILE),
                metrics=results["metrics"],
                predictions=pd.read_parquet(self.path / PREDICTIONS_FILE),
                model=self.read_json(MODEL_FILE),
                summary=summary,
            )
        except (KeyError, TypeError, OSError, ValueError) as error:
            raise TrainingError(
                f"{self.path} cannot be read as a training run ({type(error).__name__}: {error}); "
                "copy the folder again from where it was trained"
            ) from error
        if unsaid:
            raise TrainingError(
                f"{self.path / METRICS_FILE} does not say {', '.join(unsaid)}: another release "
                "wrote it; train again with this one"
            )
        return result

    def copy_to(self, target: Path) -> "RunDirectory":
        """Copy a finished run; the copy is complete only when every file of it is.

        Raises:
            TrainingError: The run is not finished, its weights are not those it was finished with,
                or ``target`` holds another run.
        """
        model = self.read().model
        if _sha256(self.path / WEIGHTS_FILE) != model["weights_sha256"]:
            raise TrainingError(
                f"{self.path / WEIGHTS_FILE} is not the file that {MODEL_FILE} describes; "
                "copy the folder again from where it was trained"
            )
        copy = RunDirectory(target)
        if copy.is_complete:
            if copy.read().model != model:
                raise TrainingError(f"{target} already holds another run; choose another name")
            return copy
        target.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            with replacing(target / name) as temporary:
                shutil.copyfile(self.path / name, temporary)
        return copy

    def read_json(self, name: str) -> Any:
        """One of the JSON files.

        Raises:
            TrainingError: It is not readable as JSON.
        """
        try:
            return json.loads((self.path / name).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise TrainingError(f"{self.path / name} cannot be read: {error}") from None

    def write_json(self, name: str, document: Any) -> None:
        """Write one of the JSON files, complete or not at all.

        Raises:
            ValueError: ``document`` holds a number that is not finite; JSON has none.
        """
        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        write_bytes(self.path / name, text.encode())

    def write_predictions(self, predictions: pd.DataFrame) -> None:
        """Write ``predictions.parquet``, complete or not at all."""
        with replacing(self.path / PREDICTIONS_FILE) as temporary:
            predictions.to_parquet(temporary, index=False)

    def begin(self, recipe: Recipe) -> None:
        """Write the recipe into a new folder, or check that the folder was made by the same one.

        Raises:
            TrainingError: The folder belongs to another recipe; names what differs.
        """
        if (self.path / RECIPE_FILE).exists():
            begun_with = Recipe.from_dict(self.read_json(RECIPE_FILE))
            differing = differences(begun_with.to_dict(), recipe.to_dict())
            if differing:
                raise TrainingError(
                    f"{self.path} was begun with another recipe ({differing}); go on with that "
                    "one, use another folder, or delete this one to start afresh"
                )
        else:
            self.write_json(RECIPE_FILE, recipe.to_dict())

    def require_room(self, weights_bytes: int) -> None:
        """Check before the first epoch that the disk will hold what training writes.

        Args:
            weights_bytes: Size of one copy of the weights.

        Raises:
            TrainingError: It will not; says how much is free and how much is needed.
        """
        needed = COPIES_ON_DISK * weights_bytes
        free = shutil.disk_usage(self.path).free
        if free < needed:
            raise TrainingError(
                f"the disk of {self.path} has {free / 1e6:.0f} MB left and training needs about "
                f"{needed / 1e6:.0f} MB; make room, or choose another folder"
            )

    def require_same_data(self, begun_with: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        """Check that a run goes on with the images it was begun with.

        Raises:
            TrainingError: The data set or its split has another fingerprint.
        """
        if differing := differences(begun_with, now):
            raise TrainingError(
                f"{self.path} was begun with other data ({differing}); "
                "use another folder, or delete this one to start afresh"
            )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folder and lock it against other processes; a kill releases the lock.

        Raises:
            TrainingError: Another process is training here, or the folder cannot be made.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = (self.path / _LOCK_FILE).open("w")
        except OSError as error:
            raise TrainingError(
                f"{self.path} cannot be written ({error.strerror}); choose a folder that can"
            ) from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise TrainingError(
                    f"another process is training in {self.path}; wait for it or end it"
                ) from None
            except OSError:  # a file system without locks: better unlocked than untrained
                pass
            remove_partial(self.path)
            yield

    def _missing(self) -> list[str]:
        return [name for name in FILES if not (self.path / name).is_file()]


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """For people: the keys whose values differ, as ``name: before → now``; empty when none does."""
    return ", ".join(
        f"{name}: {_short(before.get(name))} → {_short(now.get(name))}"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    )


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 24 else f"{text[:12]}…"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
