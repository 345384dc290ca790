"""Steps of a training: prepare, train, register, doubt labels."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotion_core.emotions import EXPRESSIONS
from emotion_core.errors import DataError, TrainingError
from emotion_core.files import folder_name
from emotion_core.steps import privacy
from emotion_core.steps.installation import Installation
from emotion_core.store import datasets, models, training_runs
from emotion_core.store.tombstones import begin_entering, erased_among

if TYPE_CHECKING:
    from emotion_core.training.labelled_set import LabelledSet
    from emotion_core.training.split import Split

log = logging.getLogger(__name__)


def prepare(here: Installation, group_key: str, form: Mapping[str, Any]) -> list[str]:
    """Check the form and the data, enter the data set and its split; returns the networks.

    Raises:
        RecipeError: The form asks for something impossible.
        DataError: The data set cannot be used.
    """
    from emotion_core.training.class_folders import read_class_folders
    from emotion_core.training.request import TrainingRequest

    request = TrainingRequest.from_form(form)
    labelled_set, split = _read_data(request)
    sets = [labelled_set]
    if request.pretraining_data:
        sets.append(read_class_folders(Path(request.pretraining_data)))
    for found in sets:
        _log_findings(found)
        found.require_usable(request.excluded_share_limit)
    split_id = _register_data(here, labelled_set, split)
    log.info(
        "%s: split %d has %d to train and %d to validate",
        group_key,
        split_id,
        len(split.train),
        len(split.validation),
    )
    return list(request.networks)


def train(here: Installation, group_key: str, network: str, form: Mapping[str, Any]) -> str:
    """Train one network into its run directory; returns the run's key.

    Epochs are rows as they finish. After a kill it goes on from the last finished epoch.

    Raises:
        EmotionError: No usable model came of it; the reason is stored with the run.
    """
    from emotion_core.training.class_folders import read_class_folders
    from emotion_core.training.loop import Pretraining, train
    from emotion_core.training.pretraining import finished, pretrain
    from emotion_core.training.request import TrainingRequest

    request = TrainingRequest.from_form(form)
    recipe = request.recipes()[network]
    labelled_set, split = _read_data(request)
    split_id = _register_data(here, labelled_set, split)
    run_key = f"{group_key}/{network}"
    folder = here.settings.folder("runs_dir") / folder_name(run_key)
    with here.database.transaction("emotion_train") as connection:
        run_id = training_runs.open_training_run(
            connection,
            run_key=run_key,
            group_key=group_key,
            network=network,
            preset=recipe.preset,
            recipe=recipe.to_dict(),
            split_id=split_id,
            note=request.note,
            weights_origin=recipe.weights,
            folder=str(folder),
            label_warnings=labelled_set.warnings,
        )
    with _failure_recorded(here, run_id):
        stage: Pretraining | None = None
        if recipe.pretraining_epochs:
            earlier = read_class_folders(Path(str(request.pretraining_data)))
            stages = here.settings.runs_dir / "stages"
            for epoch in pretrain(
                recipe,
                earlier,
                stages,
                device=here.settings.device,
                weights_dir=here.settings.weights_folder,
            ):
                log.info("on %s: %s", earlier.name, epoch.describe())
            stage = finished(recipe, earlier, stages)
        for epoch in train(
            recipe,
            labelled_set,
            split,
            folder,
            device=here.settings.device,
            weights_dir=here.settings.weights_folder,
            pretraining=stage,
        ):
            log.info("%s", epoch.describe())
            with here.database.transaction("emotion_train") as connection:
                for part, figures in (("train", epoch.train), ("validation", epoch.validation)):
                    training_runs.record_epoch(connection, run_id, epoch.epoch, part, figures)
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
            for part in ("train", "validation"):
                training_runs.record_epoch(connection, record.id, epoch["epoch"], part, epoch[part])
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
    return model.name


def import_run(
    here: Installation, folder: Path, data: Path, *, group_key: str, note: str | None
) -> str:
    """Register a run that was trained elsewhere; returns the model version's name.

    Its folder is copied to where runs lie here. The data are read for their labels and for
    the split, which must be those of the training.

    Raises:
        TrainingError: The run is not finished, damaged, or of another name's run.
        DataError: It was trained on other data, or on another split of them.
    """
    from emotion_core.training.affectnet import read_affectnet
    from emotion_core.training.run_directory import RunDirectory
    from emotion_core.training.split import split_by_content

    run = RunDirectory(folder).read()
    recipe, trained_on = run.recipe, run.model["data"]
    labelled_set = read_affectnet(data)
    split = split_by_content(labelled_set, recipe.seed, recipe.validation_share, recipe.fold)
    if trained_on["dataset_fingerprint"] != labelled_set.fingerprint:
        raise DataError(
            f"{folder} was trained on other data than {data}: "
            f"{trained_on['dataset_name']} {trained_on['dataset_fingerprint'][:12]}, here "
            f"{labelled_set.fingerprint[:12]}"
        )
    if trained_on["split_fingerprint"] != split.fingerprint:
        raise DataError(
            f"{folder} held out other images of {data} than this release does with seed "
            f"{recipe.seed}; train again with this release"
        )
    split_id = _register_data(here, labelled_set, split)
    run_key = f"{group_key}/{recipe.network}"
    copied = RunDirectory(folder).copy_to(here.settings.folder("runs_dir") / folder_name(run_key))
    with here.database.transaction("emotion_train") as connection:
        run_id = training_runs.open_training_run(
            connection,
            run_key=run_key,
            group_key=group_key,
            network=recipe.network,
            preset=recipe.preset,
            recipe=recipe.to_dict(),
            split_id=split_id,
            note=note or "Trained elsewhere; started and finished are its entry here.",
            weights_origin=recipe.weights,
            folder=str(copied.path),
            label_warnings=labelled_set.warnings,
        )
    with _failure_recorded(here, run_id):
        return register(here, run_key)


def record_label_errors(here: Installation, name: str, data: Path, folds: Sequence[Path]) -> int:
    """Enter the labels that a cross-validation doubts; returns how many.

    Args:
        name: Of the cross-validation, for the rows; the same name replaces them.
        data: The labelled set that was cross-validated.
        folds: Its finished run directories.

    Raises:
        TrainingError: A fold is not finished, or two held out the same sample.
        DataError: The folds were made with other data.
    """
    from emotion_core.training.affectnet import read_affectnet
    from emotion_core.training.label_errors import doubtful_labels
    from emotion_core.training.pooling import pooled_predictions
    from emotion_core.training.run_directory import RunDirectory
    from emotion_core.training.split import split_by_content

    runs = [RunDirectory(folder).read() for folder in folds]
    labelled_set = read_affectnet(data)
    for folder, run in zip(folds, runs, strict=True):
        if run.summary["dataset"]["fingerprint"] != labelled_set.fingerprint:
            raise DataError(f"{folder} was trained on other data than {data}")
    doubts = doubtful_labels(pooled_predictions(runs))
    recipe = runs[0].recipe
    split = split_by_content(labelled_set, recipe.seed, recipe.validation_share, recipe.fold)
    _register_data(here, labelled_set, split)
    with here.database.transaction("emotion_train") as connection:
        datasets.record_doubtful_labels(
            connection,
            fingerprint=labelled_set.fingerprint,
            group_key=name,
            doubts=doubts,
        )
    return len(doubts)


@contextmanager
def _failure_recorded(here: Installation, run_id: int) -> Iterator[None]:
    """A run that fails within says so in the tables, and why."""
    try:
        yield
    except Exception as error:
        with here.database.transaction("emotion_train") as connection:
            training_runs.fail_training_run(connection, run_id, _sentence(error))
        raise


def _register_data(here: Installation, labelled_set: "LabelledSet", split: "Split") -> int:
    import pandas as pd

    labels = pd.DataFrame(
        [(s.sample_id, s.sha256, s.expression, s.valence, s.arousal) for s in labelled_set.samples],
        columns=["sample_id", "sha256", "expression", "valence", "arousal"],
    )
    parts = {
        part: [labelled_set.samples[index].sha256 for index in indices]
        for part, indices in (("train", split.train), ("validation", split.validation))
    }
    key = privacy.require_erasures(here)
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
            parts=parts,
        )


def _refuse_erased(labelled_set: "LabelledSet", erased: Mapping[bytes, object]) -> None:
    """Stop before a model is trained on what was erased; names some samples."""
    named = [s.sample_id for s in labelled_set.samples if bytes.fromhex(s.sha256) in erased]
    if named:
        raise DataError(
            f"{labelled_set.name} holds {len(named)} images that were erased here, for example "
            f"sample {', '.join(named[:5])}: take them out of {labelled_set.source}"
        )


def _read_data(request: Any) -> "tuple[LabelledSet, Split]":
    from emotion_core.training.affectnet import read_affectnet
    from emotion_core.training.split import split_by_content

    recipe = next(iter(request.recipes().values()))
    labelled_set = read_affectnet(Path(request.data))
    return labelled_set, split_by_content(
        labelled_set, recipe.seed, recipe.validation_share, recipe.fold
    )


def _log_findings(labelled_set: "LabelledSet") -> None:
    """Tell an operator what a set holds, what was left out, and what is odd about the rest."""
    log.info("%s: %s", labelled_set.name, labelled_set.counts())
    for exclusion in labelled_set.exclusions[:50]:
        log.warning("left out %s: %s (%s)", exclusion.name, exclusion.detail, exclusion.code)
    for contradiction in labelled_set.contradictions:
        log.warning(
            "identical images with different labels: %s are %s",
            ", ".join(contradiction.sample_ids),
            ", ".join(EXPRESSIONS[index] for index in contradiction.expressions),
        )
    for warning in labelled_set.warnings:
        log.warning("%s: %s", labelled_set.name, warning)


def _sentence(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:500]
