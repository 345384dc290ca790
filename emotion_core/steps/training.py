"""Steps of a training: prepare, train, register, record label errors."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotion_core.emotions import EXPRESSIONS
from emotion_core.errors import DataError, EmotionError, TrainingError
from emotion_core.files import folder_name
from emotion_core.steps import erasure
from emotion_core.steps.installation import Installation
from emotion_core.store import datasets, models, run_facts, training_runs
from emotion_core.store.tombstones import begin_entering, erased_among

if TYPE_CHECKING:
    from emotion_core.training.labelled_set import LabelledSet
    from emotion_core.training.recipe import Recipe
    from emotion_core.training.request import TrainingRequest
    from emotion_core.training.split import Split

log = logging.getLogger(__name__)

_DATASET, _PRETRAINING, _SPLIT_ID = "dataset", "pretraining", "split_id.json"


@dataclass(frozen=True)
class _Data:
    """What a run trains on."""

    labelled_set: "LabelledSet"
    split_id: int
    pretraining: "LabelledSet | None"


def training_label(network: str, form: Mapping[str, Any]) -> str:
    """What Airflow's pages call a training, for example ``resnet50 · 12 epochs``.

    Raises:
        RecipeError: The form asks for something impossible.
    """
    from emotion_core.training.request import TrainingRequest

    epochs = TrainingRequest.from_form(form).recipes()[network].epochs
    return f"{network} · {epochs} epoch{'' if epochs == 1 else 's'}"


def prepare(here: Installation, group_key: str, form: Mapping[str, Any]) -> list[str]:
    """Check the form and the data, enter the data set and its split; returns the networks.

    Every image is read, hashed and decoded here, once: the trainings share the pixels, which lie
    on the disk until :func:`clean_up`.

    Raises:
        RecipeError: The form asks for something impossible.
        DataError: The data set cannot be used.
    """
    from emotion_core.training.decoded import KEPT_SECONDS, decoded_folder, remove_decoded
    from emotion_core.training.request import TrainingRequest

    request = TrainingRequest.from_form(form)
    runs = here.settings.folder("runs_dir")
    remove_decoded(runs, older_than=KEPT_SECONDS)
    remove_decoded(runs, group_key)
    folder = decoded_folder(runs, group_key)
    try:
        data = _read_data(here, request, folder)
        for name, found in ((_DATASET, data.labelled_set), (_PRETRAINING, data.pretraining)):
            if found is not None:
                found.save_index(folder / name)
        (folder / _SPLIT_ID).write_text(json.dumps(data.split_id))  # last: all is there
    except BaseException:
        clean_up(here, group_key)
        raise
    return list(request.networks)


def clean_up(here: Installation, group_key: str) -> None:
    """Remove the decoded images of a run whose trainings are done."""
    from emotion_core.training.decoded import remove_decoded

    remove_decoded(here.settings.runs_dir, group_key)


def train(here: Installation, group_key: str, network: str, form: Mapping[str, Any]) -> str:
    """Train one network into its run directory; returns the run's key.

    Epochs are rows as they finish. After a kill it goes on from the last finished epoch.

    Raises:
        EmotionError: No usable model came of it; the reason is stored with the run.
    """
    from emotion_core.training.loop import train
    from emotion_core.training.pretraining import pretrain
    from emotion_core.training.request import TrainingRequest

    request = TrainingRequest.from_form(form)
    recipe = request.recipes()[network]
    data = _prepared_data(here, group_key, request)
    run_key = f"{group_key}/{network}"
    folder = here.settings.folder("runs_dir") / folder_name(run_key)
    run_id = _open_run(here, run_key, recipe, data, request.note, folder)
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
        split = _split(data.labelled_set, recipe)
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
    from emotion_core.statistics.paired_tests import score_intervals
    from emotion_core.training.run_directory import RunDirectory

    with here.database.transaction("emotion_train") as connection:
        record = training_runs.run_by_key(connection, run_key)
    if record is None:
        raise TrainingError(f"no training run {run_key!r} is in the database")
    folder = here.settings.runs_dir / folder_name(run_key)
    result = RunDirectory(folder).read()
    found = result.metrics["validation"]
    intervals = score_intervals(result.predictions)
    with here.database.transaction("emotion_train") as connection:
        for epoch in result.history:
            for split in ("train", "validation"):
                training_runs.record_epoch(
                    connection, record.id, epoch["epoch"], split, epoch[split]
                )
        begin_entering(connection)
        training_runs.record_validation_predictions(connection, record.id, result.predictions)
        training_runs.forget_unlabelled_predictions(connection, record.id)
        training_runs.record_run_metrics(connection, record.id, "network", found, intervals)
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
        "%s: accuracy %.3f, CCC %.3f / %.3f",
        model.name,
        found["accuracy"],
        found["ccc_valence"],
        found["ccc_arousal"],
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
            run_facts.record_model_cost(
                connection, model_version_id, run_facts.ModelCost(**vars(cost))
            )


def import_runs(
    here: Installation, folders: Sequence[Path], data: Path, *, group_key: str, note: str | None
) -> Iterator[str]:
    """Register runs that were trained elsewhere; yields each model version's name.

    Their folders are copied to where runs lie here. The data are read once, for their labels and
    for the split, which must be those of the training.

    Raises:
        TrainingError: A run is not finished, damaged, or of another name's run.
        DataError: It was trained on other data, or on another split of them.
    """
    from emotion_core.training.affectnet import read_affectnet
    from emotion_core.training.run_directory import RunDirectory

    labelled_set = read_affectnet(data)
    note = note or "Trained elsewhere; started and finished are its entry here."
    for folder in folders:
        run = RunDirectory(folder).read()
        _require_trained_on(folder, run.model["data"]["dataset_fingerprint"], labelled_set)
        split = _split(labelled_set, run.recipe)
        if run.model["data"]["split_fingerprint"] != split.fingerprint:
            raise DataError(
                f"{folder} held out other images of {data} than this release does with seed "
                f"{run.recipe.seed}; train again with this release"
            )
        entered = _Data(labelled_set, _register_data(here, labelled_set, split), None)
        run_key = f"{group_key}/{run.recipe.network}"
        copied = here.settings.folder("runs_dir") / folder_name(run_key)
        RunDirectory(folder).copy_to(copied)
        with _failure_recorded(here, _open_run(here, run_key, run.recipe, entered, note, copied)):
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
    _register_data(here, labelled_set, _split(labelled_set, runs[0].recipe))
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
    here: Installation, run_key: str, recipe: "Recipe", data: _Data, note: str | None, folder: Path
) -> int:
    with here.database.transaction("emotion_train") as connection:
        return training_runs.open_training_run(
            connection,
            run_key=run_key,
            group_key=run_key.removesuffix(f"/{recipe.network}"),
            network=recipe.network,
            preset=recipe.preset,
            recipe=recipe.to_dict(),
            split_id=data.split_id,
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


def _read_data(here: Installation, request: "TrainingRequest", folder: Path | None) -> _Data:
    """Read and register what a form names; the pixels go below ``folder``, or into memory."""
    from emotion_core.training.affectnet import read_affectnet
    from emotion_core.training.class_folders import read_class_folders

    recipe = next(iter(request.recipes().values()))

    def read(reader: "Callable[..., LabelledSet]", source: str, size: int, name: str) -> Any:
        if folder is not None:
            (folder / name).mkdir(parents=True)
        found = reader(Path(source), size, folder and folder / name)
        _log_findings(found)
        found.require_usable(request.excluded_share_limit)
        return found

    labelled_set = read(read_affectnet, request.data, recipe.image_size, _DATASET)
    pretraining = request.pretraining_data and read(
        read_class_folders, request.pretraining_data, recipe.pretraining_image_size, _PRETRAINING
    )
    split = _split(labelled_set, recipe)
    split_id = _register_data(here, labelled_set, split)
    count = len(split.train), len(split.validation)
    log.info("split %d has %d images to train and %d to validate", split_id, *count)
    return _Data(labelled_set, split_id, pretraining or None)


def _prepared_data(here: Installation, group_key: str, request: "TrainingRequest") -> _Data:
    """What :func:`prepare` has read; read again where that is gone, as after an erasure."""
    from emotion_core.training.decoded import decoded_folder
    from emotion_core.training.labelled_set import LabelledSet

    folder = decoded_folder(here.settings.runs_dir, group_key)
    try:
        return _Data(
            LabelledSet.load(folder / _DATASET),
            json.loads((folder / _SPLIT_ID).read_text()),
            LabelledSet.load(folder / _PRETRAINING) if request.pretraining_data else None,
        )
    except FileNotFoundError:
        return _read_data(here, request, None)


def _split(labelled_set: "LabelledSet", recipe: "Recipe") -> "Split":
    from emotion_core.training.split import split_by_content

    return split_by_content(labelled_set, recipe.seed, recipe.validation_share, recipe.fold)


def _register_data(here: Installation, labelled_set: "LabelledSet", split: "Split") -> int:
    import pandas as pd

    labels = pd.DataFrame(map(vars, labelled_set.samples))
    key = erasure.require_erasures(here)
    with here.database.transaction("emotion_train") as connection:
        begin_entering(connection)
        contents = [bytes.fromhex(sample.sha256) for sample in labelled_set.samples]
        _refuse_erased(labelled_set, erased_among(connection, key, contents))
        dataset_id = datasets.register_dataset(
            connection,
            fingerprint=labelled_set.fingerprint,
            name=labelled_set.name,
            location=str(labelled_set.source),
            is_drawn=labelled_set.is_drawn,
            labels=labels,
            exclusions=[(e.name, e.code, e.detail) for e in labelled_set.exclusions],
        )
        return datasets.register_split(
            connection,
            dataset_id=dataset_id,
            seed=split.seed,
            validation_share=split.validation_share,
            fold=split.fold,
            fingerprint=split.fingerprint,
            members={
                name: labels["sha256"].iloc[list(indices)].tolist()
                for name, indices in (("train", split.train), ("validation", split.validation))
            },
        )


def _refuse_erased(labelled_set: "LabelledSet", erased: Mapping[bytes, object]) -> None:
    """Stop before a model is trained on what was erased; names some samples."""
    named = [s.sample_id for s in labelled_set.samples if bytes.fromhex(s.sha256) in erased]
    if named:
        raise DataError(
            f"{labelled_set.name} holds {len(named)} images that were erased here, for example "
            f"sample {', '.join(named[:5])}: take them out of {labelled_set.source}"
        )


def _log_findings(labelled_set: "LabelledSet") -> None:
    """Tell an operator what a set holds, what was left out, and what is odd about the rest."""
    log.info("%s: %s", labelled_set.name, labelled_set.counts())
    for exclusion in labelled_set.exclusions[:50]:
        log.warning("left out %s: %s (%s)", exclusion.name, exclusion.detail, exclusion.code)
    for contradiction in labelled_set.contradictions:
        log.warning(
            "identical images with different labels: %s are %s",
            ", ".join(sample.sample_id for sample in contradiction),
            ", ".join(EXPRESSIONS[sample.expression] for sample in contradiction),
        )
    for warning in labelled_set.warnings:
        log.warning("%s: %s", labelled_set.name, warning)


def _sentence(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:500]
