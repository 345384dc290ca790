"""Steps of a training: train, register, import runs, record label errors."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotion_core.errors import DataError, EmotionError, TrainingError
from emotion_core.files import folder_name
from emotion_core.steps.experiments import enter_experiment, time_left
from emotion_core.steps.installation import Installation
from emotion_core.steps.training_data import (
    TrainingData,
    prepared_data,
    register_data,
    split_name,
    split_of,
)
from emotion_core.store import datasets, models, run_facts, training_runs
from emotion_core.store.tombstones import begin_entering

if TYPE_CHECKING:
    from emotion_core.training.labelled_set import LabelledSet
    from emotion_core.training.recipe import Recipe

log = logging.getLogger(__name__)


def training_label(number: int, form: Mapping[str, Any]) -> str:
    """What Airflow's pages call a training, for example ``resnet50 · 12 epochs``.

    Raises:
        RecipeError: The form asks for something impossible.
    """
    from emotion_core.training.request import TrainingRequest

    return TrainingRequest.from_form(form).trainings()[number].label


def train(here: Installation, group_key: str, number: int, form: Mapping[str, Any]) -> str:
    """One training into its run directory; returns the run's key.

    Epochs are rows as they finish. After a kill it goes on from the last finished epoch.

    Args:
        here: Where.
        group_key: The experiment.
        number: One of those that :func:`emotion_core.steps.training_data.prepare` returned.
        form: The filled-in form.

    Raises:
        EmotionError: No usable model came of it; the reason is stored with the run.
    """
    from emotion_core.training.loop import train
    from emotion_core.training.pretraining import pretrain
    from emotion_core.training.request import TrainingRequest

    request = TrainingRequest.from_form(form)
    training = request.trainings()[number]
    recipe = training.recipe
    data = prepared_data(here, group_key, request)
    run_key = f"{group_key}/{training.name}"
    folder = here.settings.folder("runs_dir") / folder_name(run_key)
    log.info("%s: %s", training.label, time_left(here, group_key, request, data.labelled_set))
    run_id = _open_run(here, group_key, run_key, recipe, data, request.note, folder)
    machine: dict[str, Any] = {
        "device": here.settings.device,
        "weights_dir": here.settings.weights_folder,
    }
    with _failure_recorded(here, run_id):
        stage = pretrain(
            recipe,
            data.pretraining,
            here.settings.runs_dir / "stages",
            lambda epoch: log.info("pretraining: %s", epoch.describe()),
            **machine,
        )
        split = split_of(data.labelled_set, recipe)
        for epoch in train(recipe, data.labelled_set, split, folder, pretraining=stage, **machine):
            log.info("%s", epoch.describe())
            with here.database.transaction("emotion_train") as connection:
                for name, found in (("train", epoch.train), ("validation", epoch.validation)):
                    training_runs.record_epoch(connection, run_id, epoch.epoch, name, found)
    return run_key


def register(here: Installation, run_key: str) -> str:
    """Read a finished run directory into the tables; returns the model version's name.

    Raises:
        TrainingError: The run is unknown or its directory is not complete.
    """
    from emotion_core.statistics.jackknife import Jackknife
    from emotion_core.statistics.metrics import headlines
    from emotion_core.statistics.paired_tests import estimates
    from emotion_core.statistics.predictions import Evaluation
    from emotion_core.training.run_directory import RunDirectory

    with here.database.transaction("emotion_train") as connection:
        record = training_runs.run_by_key(connection, run_key)
    if record is None:
        raise TrainingError(f"no training run {run_key!r} is in the database")
    folder = here.settings.runs_dir / folder_name(run_key)
    result = RunDirectory(folder).read()
    figures = estimates(Jackknife(Evaluation.from_frame(result.predictions)))
    with here.database.transaction("emotion_train") as connection:
        for epoch in result.history:
            for split in ("train", "validation"):
                training_runs.record_epoch(
                    connection, record.id, epoch["epoch"], split, epoch[split]
                )
        begin_entering(connection)
        training_runs.record_validation_predictions(connection, record.id, result.predictions)
        training_runs.forget_unlabelled_predictions(connection, record.id)
        training_runs.record_run_metrics(
            connection,
            record.id,
            "network",
            {name: one.value for name, one in figures.items()},
            {name: (one.low, one.high) for name, one in figures.items()},
        )
        training_runs.record_run_metrics(
            connection, record.id, "chance", result.summary["chance_line"]
        )
        training_runs.record_run_metrics(
            connection, record.id, "constant", result.summary["constant_predictor"]
        )
        training_runs.record_calibration(connection, record.id, result.summary["calibration"])
        training_runs.finish_training_run(connection, record.id, result.summary)
        model = models.register_model_version(
            connection,
            run_id=record.id,
            network=record.network,
            card=result.model,
            folder=str(folder),
        )
    log.info(
        "%s: %s",
        model.name,
        ", ".join(f"{title} {figures[name].value:.3f}" for name, title in headlines().items()),
    )
    time_model(here, record.id)
    return model.name


def time_model(here: Installation, run_id: int) -> None:
    """Time the run's model on this machine, unless a device has timed it before."""
    from emotion_core.vision.cost import measure_cost

    with here.database.transaction("emotion_report") as connection:
        untimed = run_facts.models_without_cost(connection, [run_id])
    for model_version_id, folder in untimed.items():
        try:
            cost = measure_cost(Path(folder), here.settings.device)
        except EmotionError as error:
            log.warning("the model in %s was not timed: %s", folder, error)
            continue
        with here.database.transaction("emotion_report") as connection:
            run_facts.record_model_cost(connection, model_version_id, cost)


def import_runs(
    here: Installation, folders: Sequence[Path], data: Path, *, group_key: str, note: str | None
) -> Iterator[str]:
    """Register runs that were trained elsewhere; yields each model version's name.

    Their folders are copied to where runs lie here. The data are read once, for their labels and
    for the split, which must be those of the training.

    Raises:
        TrainingError: A run is not finished, damaged, or of another name's run.
        RecipeError: Two are the same training, or the name is of another experiment.
        DataError: It was trained on other data, or on another split of them.
    """
    from emotion_core.training.affectnet import read_affectnet
    from emotion_core.training.request import trainings_of
    from emotion_core.training.run_directory import RunDirectory

    runs = [RunDirectory(folder).read() for folder in folders]
    trainings = trainings_of([run.recipe for run in runs])
    labelled_set = read_affectnet(data)
    note = note or "Trained elsewhere; started and finished are its entry here."
    for folder, run, training in zip(folders, runs, trainings, strict=True):
        _require_trained_on(folder, run.model["data"]["dataset_fingerprint"], labelled_set)
        split = split_of(labelled_set, run.recipe)
        if run.model["data"]["split_fingerprint"] != split.fingerprint:
            raise DataError(
                f"{folder} held out other images of {data} than this release does with seed "
                f"{run.recipe.seed}; train again with this release"
            )
        split_id = register_data(here, labelled_set, split)
        enter_experiment(here, group_key, trainings, note, split_id)
        entered = TrainingData(labelled_set, {split_name(run.recipe): split_id}, None)
        run_key = f"{group_key}/{training.name}"
        copied = here.settings.folder("runs_dir") / folder_name(run_key)
        RunDirectory(folder).copy_to(copied)
        with _failure_recorded(
            here, _open_run(here, group_key, run_key, run.recipe, entered, note, copied)
        ):
            yield register(here, run_key)


def record_label_errors(here: Installation, name: str, data: Path, folds: Sequence[Path]) -> int:
    """Enter the likely label errors of a cross-validation; returns how many.

    Args:
        name: Of the cross-validation, for the rows; the same name replaces them.
        data: The labelled set that was cross-validated.
        folds: Its finished run directories.

    Raises:
        TrainingError: A fold is not finished, or two held out the same sample.
        DataError: The folds were made with other data.
    """
    from emotion_core.training.affectnet import read_affectnet
    from emotion_core.training.label_errors import likely_label_errors
    from emotion_core.training.pooling import pooled_predictions
    from emotion_core.training.run_directory import RunDirectory

    runs = [RunDirectory(folder).read() for folder in folds]
    labelled_set = read_affectnet(data)
    for folder, run in zip(folds, runs, strict=True):
        _require_trained_on(folder, run.summary["dataset"]["fingerprint"], labelled_set)
    errors = likely_label_errors(pooled_predictions(runs))
    register_data(here, labelled_set, split_of(labelled_set, runs[0].recipe))
    with here.database.transaction("emotion_train") as connection:
        datasets.record_label_errors(
            connection, fingerprint=labelled_set.fingerprint, group_key=name, errors=errors
        )
    return len(errors)


def _require_trained_on(folder: Path, fingerprint: str, labelled_set: "LabelledSet") -> None:
    if fingerprint != labelled_set.fingerprint:
        raise DataError(
            f"{folder} was trained on other data than {labelled_set.source}: fingerprint "
            f"{fingerprint[:12]}, here {labelled_set.fingerprint[:12]}"
        )


def _open_run(
    here: Installation,
    group_key: str,
    run_key: str,
    recipe: "Recipe",
    data: TrainingData,
    note: str | None,
    folder: Path,
) -> int:
    with here.database.transaction("emotion_train") as connection:
        return training_runs.open_training_run(
            connection,
            run_key=run_key,
            group_key=group_key,
            network=recipe.network,
            preset=recipe.preset,
            recipe=recipe.to_dict(),
            split_id=data.split_ids[split_name(recipe)],
            note=note,
            weights_origin=recipe.weights,
            folder=str(folder),
            label_warnings=data.labelled_set.warnings,
        )


@contextmanager
def _failure_recorded(here: Installation, run_id: int) -> Iterator[None]:
    """A run that fails within says so in the tables, and why."""
    try:
        yield
    except Exception as error:
        with here.database.transaction("emotion_train") as connection:
            training_runs.fail_training_run(connection, run_id, _sentence(error))
        raise


def _sentence(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:500]
