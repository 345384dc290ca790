"""Steps of a training's data: read, hashed, decoded and registered once, removed at the end."""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotion_core.emotions import EXPRESSIONS
from emotion_core.errors import DataError
from emotion_core.steps import erasure
from emotion_core.steps.experiments import announcement, enter_experiment
from emotion_core.steps.installation import Installation
from emotion_core.store import datasets
from emotion_core.store.tombstones import begin_entering, erased_among

if TYPE_CHECKING:
    from emotion_core.training.labelled_set import LabelledSet
    from emotion_core.training.recipe import Recipe
    from emotion_core.training.request import TrainingRequest
    from emotion_core.training.split import Split

log = logging.getLogger(__name__)

_DATASET, _PRETRAINING, _SPLITS = "dataset", "pretraining", "splits.json"


@dataclass(frozen=True)
class TrainingData:
    """What a run trains on."""

    labelled_set: "LabelledSet"
    split_ids: Mapping[str, int]
    """By the name that :func:`split_name` gives each."""
    pretraining: "LabelledSet | None"


def prepare(here: Installation, group_key: str, form: Mapping[str, Any]) -> list[int]:
    """Check the form and the data, enter data set, splits and experiment.

    Returns the numbers of the trainings, from 0, for :func:`emotion_core.steps.training.train`.

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
        (folder / _SPLITS).write_text(json.dumps(dict(data.split_ids)))  # last: all is there
    except BaseException:
        clean_up(here, group_key)
        raise
    trainings = request.trainings()
    split_id = next(iter(data.split_ids.values()))
    enter_experiment(here, group_key, trainings, request.note, split_id)
    log.info("%s", announcement(here, trainings, data.labelled_set))
    return list(range(len(trainings)))


def clean_up(here: Installation, group_key: str) -> None:
    """Remove the decoded images of a run whose trainings are done."""
    from emotion_core.training.decoded import remove_decoded

    remove_decoded(here.settings.runs_dir, group_key)


def prepared_data(here: Installation, group_key: str, request: "TrainingRequest") -> TrainingData:
    """What :func:`prepare` has read; read again where that is gone, as after an erasure."""
    from emotion_core.training.decoded import decoded_folder
    from emotion_core.training.labelled_set import LabelledSet

    folder = decoded_folder(here.settings.runs_dir, group_key)
    try:
        return TrainingData(
            LabelledSet.load(folder / _DATASET),
            json.loads((folder / _SPLITS).read_text()),
            LabelledSet.load(folder / _PRETRAINING) if request.pretraining_data else None,
        )
    except FileNotFoundError:
        return _read_data(here, request, None)


def split_of(labelled_set: "LabelledSet", recipe: "Recipe") -> "Split":
    """The split that a recipe's seed, share and fold make of a set."""
    from emotion_core.training.split import split_by_content

    return split_by_content(labelled_set, recipe.seed, recipe.validation_share, recipe.fold)


def split_name(recipe: "Recipe") -> str:
    """What tells the splits of one experiment apart."""
    return f"seed {recipe.seed}, fold {recipe.fold}"


def register_data(here: Installation, labelled_set: "LabelledSet", split: "Split") -> int:
    """Enter a data set and a split of it, or find them; returns the split's id.

    Raises:
        DataError: It holds images that were erased here.
    """
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


def _read_data(here: Installation, request: "TrainingRequest", folder: Path | None) -> TrainingData:
    """Read and register what a form names; the pixels go below ``folder``, or into memory."""
    from emotion_core.training.affectnet import read_affectnet
    from emotion_core.training.class_folders import read_class_folders

    recipes = {split_name(one.recipe): one.recipe for one in request.trainings()}
    recipe = next(iter(recipes.values()))

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
    split_ids = {}
    for name, one in recipes.items():
        split = split_of(labelled_set, one)
        split_ids[name] = register_data(here, labelled_set, split)
        count = len(split.train), len(split.validation)
        log.info("split %d has %d images to train and %d to validate", split_ids[name], *count)
    return TrainingData(labelled_set, split_ids, pretraining or None)


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
