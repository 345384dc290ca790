"""What a finished training leaves behind: the model, its predictions and its metrics."""

import copy
from dataclasses import asdict
from typing import Final

import numpy as np
import pandas as pd
import torch

from emotion_core.drawn_faces.dataset import draw_face
from emotion_core.emotions import EXPRESSIONS, PROBABILITY_COLUMNS
from emotion_core.errors import TrainingError
from emotion_core.statistics import metrics
from emotion_core.statistics.calibration import calibrate
from emotion_core.training.degenerate_model import why_degenerate
from emotion_core.training.labelled_set import LabelledSet
from emotion_core.training.objective import loss_and_metrics
from emotion_core.training.progress import Progress
from emotion_core.training.provenance import git_revision, library_versions
from emotion_core.training.recipe import Recipe
from emotion_core.training.run_directory import (
    HISTORY_FILE,
    METRICS_FILE,
    PREDICTION_COLUMNS,
    RunDirectory,
)
from emotion_core.training.split import Split
from emotion_core.training.state import TrainingState
from emotion_core.training.subset import Subset
from emotion_core.vision.checkpoint import load_weights, save_model
from emotion_core.vision.description import ModelDescription
from emotion_core.vision.device import device_name
from emotion_core.vision.golden_outputs import GoldenOutputs
from emotion_core.vision.inference import infer
from emotion_core.vision.network import EmotionNetwork
from emotion_core.vision.preprocessing import Preprocessing
from emotion_core.vision.scores import Scores

GOLDEN_FACES: Final = len(EXPRESSIONS)
GOLDEN_SEED: Final = 2024


def write_outcome(
    run: RunDirectory,
    labelled_set: LabelledSet,
    split: Split,
    progress: Progress,
    state: TrainingState,
) -> None:
    """Score the held-out images with the weights that are kept and write the run's files.

    ``metrics.json`` is written last: a folder that has it is complete. Repeating after an
    interruption writes the same again.

    Args:
        state: As the last epoch left it; its network takes up the best weights where those are
            kept.

    Raises:
        TrainingError: The network is of no use; nothing is written.
    """
    recipe, network, preprocessing = state.recipe, state.evaluated, state.preprocessing
    train, held_out = Subset(labelled_set, split.train), Subset(labelled_set, split.validation)
    if recipe.keep == "best":
        best = progress.best_file(run.path)
        load_weights(network, best.read_bytes(), str(best))
    scores = infer(network.eval(), preprocessing, held_out.pixels, state.device)
    if reason := why_degenerate(
        held_out.truth, held_out.truth_va, scores, learns_affect=recipe.learns_affect
    ):
        raise TrainingError(reason)
    predictions = _predictions(labelled_set, split, scores)
    calibration = asdict(
        calibrate(held_out.truth, scores.probabilities, predictions["sha256"].to_numpy(dtype=str))
    )
    versions, revision = library_versions(), git_revision()
    description = save_model(
        run.path,
        network,
        ModelDescription(
            network=recipe.network,
            preprocessing=preprocessing,
            versions=versions,
            recipe=recipe.to_dict(),
            data=dict(progress.data),
            calibration=calibration,
            git_revision=revision,
        ),
    )
    _golden(network, preprocessing).write(run.path)
    run.write_predictions(predictions)
    run.write_json(HISTORY_FILE, progress.history)
    run.write_json(
        METRICS_FILE,
        {
            "metrics": {
                "train": progress.history[progress.kept_epoch - 1]["train"],
                "validation": loss_and_metrics(recipe, held_out.truth, held_out.truth_va, scores),
            },
            "summary": {
                "device": device_name(state.device),
                "versions": versions,
                "parameters": description.parameters,
                "git_revision": revision,
                "weights_origin": _weights_origin(recipe),
                "precision": progress.precision,
                "adjustments": progress.adjustments,
                "calibration": calibration,
                "kept_epoch": progress.kept_epoch,
                "best_epoch": progress.best_epoch,
                "epochs": recipe.epochs,
                **_speed(progress, len(train)),
                "dataset": {
                    "name": labelled_set.name,
                    "fingerprint": labelled_set.fingerprint,
                    "is_drawn": labelled_set.is_drawn,
                    "count": len(labelled_set.samples),
                    "count_excluded": len(labelled_set.exclusions),
                },
                "split": {
                    "fingerprint": split.fingerprint,
                    "seed": split.seed,
                    "validation_share": split.validation_share,
                    "fold": split.fold,
                    "count_train": len(split.train),
                    "count_validation": len(split.validation),
                },
                "chance_line": metrics.chance_line(held_out.truth, held_out.truth_va),
                "constant_predictor": metrics.constant_predictor(
                    train.truth, train.truth_va, held_out.truth, held_out.truth_va
                ),
            },
        },
    )


def _golden(network: EmotionNetwork, preprocessing: Preprocessing) -> GoldenOutputs:
    """The network's scores of drawn faces: pictures that may lie anywhere."""
    rng = np.random.default_rng(GOLDEN_SEED)
    faces = []
    for expression in range(GOLDEN_FACES):
        valence, arousal = rng.uniform(-1, 1, 2)
        faces.append(draw_face(expression, valence, arousal, rng))
    pixels = np.stack([preprocessing.pixels(face) for face in faces])
    # On the CPU, in float32: what every machine can compute.
    scores = infer(copy.deepcopy(network).cpu().eval(), preprocessing, pixels, torch.device("cpu"))
    return GoldenOutputs(pixels, scores)


def _weights_origin(recipe: Recipe) -> str:
    return recipe.weights if not recipe.pretraining_epochs else f"{recipe.weights}, then faces"


def _speed(progress: Progress, count_train: int) -> dict[str, float]:
    """Seconds of all epochs; images a second in their training steps alone."""
    stepping = sum(count_train / epoch["images_per_second"] for epoch in progress.history)
    return {
        "seconds": sum(epoch["seconds"] for epoch in progress.history),
        "images_per_second": count_train * len(progress.history) / stepping,
    }


def _predictions(labelled_set: LabelledSet, split: Split, scores: Scores) -> pd.DataFrame:
    truth = pd.DataFrame([vars(labelled_set.samples[index]) for index in split.validation])
    said = pd.DataFrame(scores.probabilities, columns=list(PROBABILITY_COLUMNS)).assign(
        predicted_valence=scores.va[:, 0], predicted_arousal=scores.va[:, 1]
    )
    return pd.concat([truth, said], axis=1)[list(PREDICTION_COLUMNS)]
