"""Steps of an experiment: enter it, say how long it takes, pool what its trainings held out."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from emotion_core.comparison import formatting
from emotion_core.errors import RecipeError
from emotion_core.steps.installation import Installation
from emotion_core.store import datasets, experiments, training_runs

if TYPE_CHECKING:
    from emotion_core.training.labelled_set import LabelledSet
    from emotion_core.training.request import Training, TrainingRequest

log = logging.getLogger(__name__)


def enter_experiment(
    here: Installation,
    group_key: str,
    trainings: "Sequence[Training]",
    note: str | None,
    split_id: int,
) -> None:
    """Enter what is trained how often; a retry finds its own row.

    Args:
        here: Where.
        group_key: Of the experiment.
        trainings: All of them.
        note: Why it is made.
        split_id: Of one of its splits.

    Raises:
        RecipeError: Under this key another experiment was begun.
    """
    recipes = [training.recipe for training in trainings]
    asked = experiments.Experiment(
        group_key,
        tuple(dict.fromkeys(recipe.network for recipe in recipes)),
        recipes[0].preset,
        trainings[0].folds,
        len({recipe.seed for recipe in recipes}),
        min(recipe.seed for recipe in recipes),
        note,
    )
    with here.database.transaction("emotion_train") as connection:
        begun = experiments.experiment(connection, group_key)
        if begun is not None and replace(begun, note=note) != asked:
            raise RecipeError(
                f"run {group_key!r} was begun with {_design(begun)}, not {_design(asked)}; give "
                "the same, or another name"
            )
        experiments.open_experiment(connection, asked, split_id)


def announcement(
    here: Installation, trainings: "Sequence[Training]", labelled_set: "LabelledSet"
) -> str:
    """How many trainings these are and how long they will take, by earlier ones of this machine."""
    seconds = _expected_seconds(here, trainings, labelled_set)
    count = f"{len(trainings)} training{'' if len(trainings) == 1 else 's'}"
    if seconds is None:
        return f"{count}; how long one takes is known when the first has ended"
    each = formatting.duration(seconds / len(trainings))
    return f"{count} of about {each}, {formatting.duration(seconds)} one after the other"


def time_left(
    here: Installation, group_key: str, request: "TrainingRequest", labelled_set: "LabelledSet"
) -> str:
    """Which place a training has in its experiment, and how long the rest will take."""
    trainings = request.trainings()
    with here.database.transaction("emotion_report") as connection:
        begun = experiments.trainings(connection, group_key)
    ended = {one.run_key for one in begun if one.status != "running"}
    rest = [one for one in trainings if f"{group_key}/{one.name}" not in ended]
    text = f"{len(trainings) - len(rest)} of {len(trainings)} trainings have ended"
    seconds = _expected_seconds(here, rest, labelled_set)
    if seconds is None:
        return text
    return f"{text}, about {formatting.duration(seconds)} left"


def pool(here: Installation, group_key: str) -> None:
    """Pool an experiment's trainings: metrics over all held-out images, likely label errors.

    Nothing happens where each network is trained once: a run's own metrics say all there is.
    """
    from emotion_core.comparison.pooling import mean_answers, pool_networks
    from emotion_core.training.label_errors import likely_label_errors

    with here.database.transaction("emotion_report") as connection:
        experiment = experiments.experiment(connection, group_key)
        if experiment is None or not experiment.is_repeated:
            return
        records = training_runs.runs_in_group(connection, group_key)
        pooled = pool_networks(
            experiment,
            records,
            lambda run_id: training_runs.validation_predictions(connection, run_id),
        )
    with here.database.transaction("emotion_train") as connection:
        experiments.record_metrics(
            connection, group_key, {one.network: one.metrics for one in pooled}
        )
        for one in pooled:
            log.info("%s: %s", one.network, one.sentence)
        if pooled and experiment.folds > 1:
            errors = likely_label_errors(mean_answers(pooled))
            datasets.record_label_errors(
                connection,
                fingerprint=records[0].dataset_fingerprint,
                group_key=group_key,
                errors=errors,
            )
            log.info("%d likely label errors; see the view likely_label_error", len(errors))


def _design(experiment: experiments.Experiment) -> str:
    return (
        f"{' and '.join(experiment.networks)}, preset {experiment.preset}, "
        f"{experiment.folds} folds, {experiment.repeats} seeds from {experiment.seed}"
    )


def _expected_seconds(
    here: Installation, trainings: "Sequence[Training]", labelled_set: "LabelledSet"
) -> float | None:
    """By earlier trainings of the same networks and image size; None where there were none."""
    if not trainings:
        return None
    with here.database.transaction("emotion_report") as connection:
        usual = {
            key: experiments.usual_seconds(connection, *key)
            for key in {(one.recipe.network, one.recipe.image_size) for one in trainings}
        }
    seconds = 0.0
    for one in trainings:
        each = usual[one.recipe.network, one.recipe.image_size]
        if each is None:
            return None
        images = len(labelled_set.samples) * (1 - one.recipe.validation_share)
        seconds += each * images * one.recipe.epochs
    return seconds
