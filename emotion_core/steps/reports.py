"""Steps of comparing: any runs, from the tables to a page."""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotion_core.errors import ReportError
from emotion_core.files import folder_name
from emotion_core.steps.experiments import pool
from emotion_core.steps.installation import Installation
from emotion_core.store import batches, experiments, models, reports, run_facts, training_runs

if TYPE_CHECKING:
    from emotion_core.comparison.comparison import Comparison

log = logging.getLogger(__name__)


def compare(
    here: Installation, group_key: str, *, made_at: datetime | None = None, thumbnails: bool = False
) -> str:
    """Render the comparison of a group's runs from the tables; returns the page's path.

    Where each network was trained several times, the networks are compared by all of them.

    Args:
        group_key: The Airflow run that trained them.
        made_at: The time that stands on the page; the same rows and time give the same bytes.
        thumbnails: Show the single images too. Off by default: faces are personal data.

    Raises:
        ReportError: The group has no run.
        DataError: Thumbnails were asked for and the data set is not where it was.
    """
    from emotion_core.comparison.comparison import read_comparison

    with here.database.transaction("emotion_report") as connection:
        experiment = experiments.experiment(connection, group_key)
    if experiment is not None and experiment.is_repeated:
        return _render_experiment(here, experiment, made_at or datetime.now(UTC))
    return _render(
        here,
        lambda connection, moment: read_comparison(connection, group_key, moment),
        made_at,
        thumbnails,
    )


def compare_runs(
    here: Installation,
    names: Sequence[str],
    *,
    made_at: datetime | None = None,
    thumbnails: bool = False,
) -> str:
    """Render a comparison of any one to eight runs, of any age; returns the page's path.

    Args:
        names: Keys of training runs or names of models; ``RUN`` alone stands for all networks
            of that Airflow run.
        made_at: As for :func:`compare`.
        thumbnails: As for :func:`compare`.

    Raises:
        ReportError: A name is unknown or named twice, or there are more than eight runs.
        DataError: As for :func:`compare`.
    """
    from emotion_core.comparison.comparison import read_comparison_of

    with here.database.transaction("emotion_report") as connection:
        found = [record for name in names for record in _runs_named(connection, name)]
    keys = [record.run_key for record in found]
    return _render(
        here,
        lambda connection, moment: read_comparison_of(connection, keys, moment),
        made_at,
        thumbnails,
    )


def report_night(here: Installation, run_key: str, *, made_at: datetime | None = None) -> str:
    """Render the short report of a scoring run; returns the page's path.

    The file names none of the images' files: it would outlive their erasure and retention.
    `emotion refused` and the page in Airflow name them, to those who may see them.

    Raises:
        ReportError: There is no such batch.
    """
    from emotion_core.pages.batch import batch_file, read_batch, without_names, write_batch

    with here.database.transaction("emotion_report") as connection:
        reports.begin_report(connection)
        batch = without_names(read_batch(connection, run_key, made_at or datetime.now(UTC)))
    page = write_batch(batch, here.settings.folder("reports_dir") / batch_file(run_key))
    refresh_index(here)
    return str(page)


def _render(
    here: Installation,
    read: "Callable[[Any, datetime], Comparison]",
    made_at: datetime | None,
    thumbnails: bool,
) -> str:
    from emotion_core.pages.comparison_report import render_comparison

    moment = made_at or datetime.now(UTC)
    with here.database.transaction("emotion_report") as connection:
        reports.begin_report(connection)
        comparison = read(connection, moment)
    folder = here.settings.folder("reports_dir") / folder_name(comparison.group_key)
    pictures = _thumbnails(here, comparison) if thumbnails else None
    page = render_comparison(comparison, folder, pictures)
    records = [run.record for run in comparison.runs]
    with here.database.transaction("emotion_report") as connection:
        reports.record_report(
            connection,
            reports.ReportRecord(
                group_key=comparison.group_key,
                folder=str(folder),
                verdict=comparison.summary,
                count_runs=len(comparison.runs),
                rendered_at=moment,
                title=comparison.title,
                run_keys=tuple(record.run_key for record in records),
                networks=tuple(sorted({record.network for record in records})),
                datasets=tuple(sorted({record.dataset_name for record in records})),
                outcomes=tuple(verdict.kind for verdict in comparison.verdicts),
                is_drawn=comparison.is_all_drawn,
            ),
        )
    log.info("%s", comparison.summary)
    refresh_index(here)
    return str(page)


def _render_experiment(
    here: Installation, experiment: experiments.Experiment, moment: datetime
) -> str:
    from emotion_core.comparison.experiment import read_experiment
    from emotion_core.pages.experiment_report import render_experiment

    pool(here, experiment.group_key)
    with here.database.transaction("emotion_report") as connection:
        reports.begin_report(connection)
        comparison = read_experiment(connection, experiment, moment)
        begun = experiments.trainings(connection, experiment.group_key)
    folder = here.settings.folder("reports_dir") / folder_name(experiment.group_key)
    page = render_experiment(comparison, folder)
    with here.database.transaction("emotion_report") as connection:
        reports.record_report(
            connection,
            reports.ReportRecord(
                group_key=experiment.group_key,
                folder=str(folder),
                verdict=comparison.summary,
                count_runs=len(begun),
                rendered_at=moment,
                title=f"{comparison.title}, {comparison.design}",
                run_keys=tuple(one.run_key for one in begun),
                networks=tuple(sorted(experiment.networks)),
                datasets=(comparison.dataset,),
                outcomes=tuple(verdict.kind for verdict in comparison.verdicts),
                is_drawn=comparison.is_drawn,
            ),
        )
    log.info("%s", comparison.summary)
    refresh_index(here)
    return str(page)


def refresh_index(here: Installation) -> None:
    """The list of all reports and newest batches as a file, for people without Airflow."""
    from emotion_core.pages.index import write_index

    with here.database.transaction("emotion_report") as connection:
        reports.begin_report(connection)
        found, newest = reports.reports(connection), batches.batches(connection, 30)
    write_index(found, newest, here.settings.folder("reports_dir"))


def _thumbnails(here: Installation, comparison: "Comparison") -> dict[str, str]:
    from emotion_core.pages.thumbnails import thumbnail
    from emotion_core.training.affectnet import read_affectnet

    run = comparison.runs[0]
    with here.database.transaction("emotion_report") as connection:
        location = run_facts.dataset_location(connection, run.record.id)
    labelled_set = read_affectnet(Path(location))
    if labelled_set.fingerprint != run.record.dataset_fingerprint:
        raise ReportError(
            f"{location} holds other data than the runs were trained on; report without "
            "thumbnails, or restore the data set"
        )
    wanted = [s for s in labelled_set.samples if s.sample_id in comparison.shown_samples]
    images = labelled_set.read_images(wanted)
    return {s.sample_id: thumbnail(data) for s, data in zip(wanted, images, strict=True)}


def _runs_named(connection: Any, name: str) -> list[training_runs.RunRecord]:
    record = training_runs.run_by_key(connection, name)
    if record is not None:
        return [record]
    if group := training_runs.runs_in_group(connection, name):
        return group
    for model in models.model_versions(connection, name=name):
        record = training_runs.run_by_key(connection, model.run_key)
        if record is not None:
            return [record]
    raise ReportError(
        f"there is no training run and no model {name!r}; see `emotion runs` and `emotion models`"
    )
