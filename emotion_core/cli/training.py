"""``emotion db``, ``train``, ``register``, ``label-errors``, ``runs``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from emotion_core.cli.console import (
    Limit,
    app,
    ask,
    db,
    installation,
    runs_app,
    shell_key,
    show,
    show_facts,
)
from emotion_core.errors import EmotionError, TrainingError
from emotion_core.settings import Settings
from emotion_core.statistics.calibration import Calibration
from emotion_core.statistics.metrics import METRICS
from emotion_core.steps import reports, training, training_data
from emotion_core.store import experiments, run_facts, training_runs
from emotion_core.store.database import Database
from emotion_core.store.experiments import Experiment, PooledMetric
from emotion_core.store.migrations import migrate
from emotion_core.store.training_runs import RunMetric, RunRecord
from emotion_core.training.recipe import LIMITS
from emotion_core.training.request import EXCLUDED_SHARE_LIMIT, MOST_FOLDS, MOST_REPEATS
from emotion_core.vision.architectures import MAIN_NETWORKS


@db.command("migrate")
def db_migrate() -> None:
    """Bring the tables to this release's version; safe to repeat."""
    settings = Settings.from_environment()
    applied = migrate(
        Database(
            settings.migrate_database_url or settings.require_database_url(),
            settings.migrate_setting,
        )
    )
    print("\n".join(f"applied {name}" for name in applied) or "nothing to do")


def _instead(field: str) -> Any:
    """A number that may stand in place of the preset's."""
    low, high = LIMITS[field]
    return typer.Option(min=low, max=high, help="In place of the preset's.")


Run = Annotated[str | None, typer.Option(help="Name of the run; default: by the time.")]
Note = Annotated[str | None, typer.Option(help="Why; shown in the report.")]


@app.command()
def train(
    data: Annotated[Path, typer.Argument(help="Folder or zip in AffectNet's layout.")],
    network: Annotated[
        list[str] | None, typer.Option(help="May be given several times; default: both main ones.")
    ] = None,
    preset: Annotated[str, typer.Option(help="seed, tuned or quick.")] = "seed",
    weights: Annotated[str | None, typer.Option(help="imagenet or none.")] = None,
    epochs: Annotated[int | None, _instead("epochs")] = None,
    keep: Annotated[
        str | None, typer.Option(help="Epoch whose weights stay: last, or best (flatters it).")
    ] = None,
    batch_size: Annotated[int | None, _instead("batch_size")] = None,
    learning_rate: Annotated[float | None, _instead("learning_rate")] = None,
    seed: Annotated[int | None, _instead("seed")] = None,
    pretraining_data: Annotated[
        Path | None, typer.Option(help="Faces to learn first, a folder per expression.")
    ] = None,
    pretraining_epochs: Annotated[int | None, _instead("pretraining_epochs")] = None,
    folds: Annotated[
        int, typer.Option(min=1, max=MOST_FOLDS, help="Each network is trained once per fold.")
    ] = 1,
    repeats: Annotated[
        int, typer.Option(min=1, max=MOST_REPEATS, help="Seeds: all of it again with the next.")
    ] = 1,
    excluded_share_limit: Annotated[
        float, typer.Option(min=0, max=1, help="Share of a data set that may be unusable, 0 to 1.")
    ] = EXCLUDED_SHARE_LIMIT,
    note: Note = None,
    run: Run = None,
) -> None:
    """Train, register and compare, as the DAG train_and_compare does.

    With the name of a run that was interrupted, it goes on.
    """
    here = installation()
    group_key = run or shell_key()
    form = {
        "networks": network or list(MAIN_NETWORKS),
        "preset": preset,
        "data": str(data.absolute()),
        "weights": weights,
        "epochs": epochs,
        "keep": keep,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "seed": seed,
        "pretraining_data": pretraining_data and str(pretraining_data.absolute()),
        "pretraining_epochs": pretraining_epochs,
        "folds": folds,
        "repeats": repeats,
        "excluded_share_limit": excluded_share_limit,
        "note": note,
    }
    print(f"run {group_key}")
    failed: list[EmotionError] = []
    try:
        for number in training_data.prepare(here, group_key, form):
            try:
                training.register(here, training.train(here, group_key, number, form))
            except EmotionError as error:  # one training's failure never loses another's result
                failed.append(error)
                print(f"{training.training_label(number, form)} failed: {error}")
    finally:
        training_data.clean_up(here, group_key)
    print(reports.compare(here, group_key))
    if failed:
        raise failed[0]


@app.command()
def register(
    folders: Annotated[
        list[Path],
        typer.Argument(help="Finished runs of one data set: networks, or their folds and seeds."),
    ],
    data: Annotated[Path, typer.Option(help="The labelled set they were trained on.")],
    run: Run = None,
    note: Note = None,
) -> None:
    """Enter runs that were trained on another machine, and compare them."""
    here = installation()
    group_key = run or shell_key()
    for model in training.import_runs(here, folders, data, group_key=group_key, note=note):
        print(model)
    print(reports.compare(here, group_key))


@app.command("label-errors")
def label_errors(
    data: Annotated[Path, typer.Argument(help="The labelled set that was cross-validated.")],
    folds: Annotated[
        Path, typer.Argument(help="Folder with fold-1, fold-2, … of one network's runs.")
    ],
    name: Annotated[str | None, typer.Option(help="Of the rows; default: the folder's.")] = None,
) -> None:
    """Enter the likely label errors of a cross-validation; see the view likely_label_error.

    `python -m emotion_core.training crossvalidate` trains the folds.
    """
    found = sorted(folds.glob("fold-*"))
    if not found:
        raise TrainingError(f"{folds} holds no fold-1, fold-2, …; name one network's folder")
    count = training.record_label_errors(installation(), name or folds.absolute().name, data, found)
    print(f"{count} likely label errors; see the view likely_label_error")


@runs_app.callback(invoke_without_command=True)
def list_runs(
    context: typer.Context,
    limit: Limit = 20,
) -> None:
    """Training runs, newest first; experiments over folds and seeds in a table of their own."""
    if context.invoked_subcommand:
        return
    repeated = [
        one
        for one in ask("emotion_report", experiments.recent_experiments, limit)
        if one.folds * one.repeats > 1
    ]
    if repeated:
        show(
            repeated,
            "experiment",
            "networks",
            "preset",
            ("folds × seeds", lambda one: f"{one.folds} × {one.repeats}"),
            ("trainings", lambda one: f"{one.count_succeeded} of {one.count_trainings}"),
            "failed: count_failed",
            "started: opened_at",
        )
    names = {one.experiment for one in repeated}
    once = [
        run
        for run in ask("emotion_report", training_runs.recent_runs, limit)
        if run.group_key not in names
    ]
    if repeated and not once:
        return
    show(
        once,
        "run: group_key",
        "network",
        "preset",
        "weights: weights_origin",
        ("status", lambda run: run.failure or run.status),
        ("model", lambda run: [run.model_name or "", *run.aliases]),
        "started_at",
    )


@runs_app.command("show")
def show_run(run: Annotated[str, typer.Argument(help="See `emotion runs`.")]) -> None:
    """A run or an experiment: every metric with its interval, and what happened on the way."""
    with installation().database.transaction("emotion_report") as connection:
        experiment = experiments.experiment(connection, run)
        one = training_runs.run_by_key(connection, run)
        records = [one] if one else training_runs.runs_in_group(connection, run)
        if not records:
            raise TrainingError(f"there is no training run {run!r}; see `emotion runs`")
        if experiment is not None and experiment.is_repeated:
            _show_experiment(experiment, records, experiments.pooled_metrics(connection, run))
            return
        for record in records:
            _show_run(
                record,
                run_facts.run_calibration(connection, record.id),
                training_runs.metrics_with_baselines(connection, record.id),
            )


def _show_experiment(
    experiment: Experiment,
    records: Sequence[RunRecord],
    pooled: Mapping[str, Mapping[str, PooledMetric]],
) -> None:
    ended = sum(record.status == "succeeded" for record in records)
    show_facts(
        "experiment",
        experiment.group_key,
        {
            "design": f"{experiment.folds} × {experiment.repeats} (folds × seeds)",
            "trainings": f"{ended} of {experiment.count_trainings}",
            "preset": experiment.preset,
            "data": records[0].dataset_name,
            "note": experiment.note,
        },
    )
    for network, metrics in pooled.items():
        show(
            [(METRICS[name].title, found) for name, found in metrics.items() if name in METRICS],
            ("metric", lambda row: row[0]),
            (network, lambda row: row[1].value),
            ("95 % interval", lambda row: f"{row[1].low:.3f} to {row[1].high:.3f}"),
            ("between seeds", lambda row: row[1].seed_spread),
            ("between folds", lambda row: row[1].fold_spread),
        )
    show(
        records,
        "training: run_key",
        ("state", lambda record: record.failure or record.status),
        ("model", lambda record: [record.model_name or "", *record.aliases]),
        ("seconds", lambda record: record.seconds and round(record.seconds)),
    )


def _show_run(
    record: RunRecord, calibration: Calibration | None, metrics: Sequence[RunMetric]
) -> None:
    data = f"{record.count_train} to train, {record.count_validation} held out"
    show_facts(
        "run",
        record.run_key,
        {
            "state": record.failure or record.status,
            "model": [record.model_name or "none", *record.aliases],
            "recipe": f"{record.preset}, weights: {record.weights_origin}",
            "data": f"{record.dataset_name}, {data}",
            "device": record.device,
            "kept epoch": _kept(record),
            "images/s": record.images_per_second and f"{record.images_per_second:.1f}",
            "calibration": calibration and _calibration(calibration),
            "adjusted": "\n".join(record.adjustments),
            "note": record.note,
        },
    )
    known = {found.metric: found for found in metrics}
    if known:
        show(
            [(metric.title, known[name]) for name, metric in METRICS.items() if name in known],
            ("metric", lambda row: row[0]),
            (record.network, lambda row: _number(row[1].value)),
            ("95 % interval", lambda row: _interval(row[1])),
            ("chance", lambda row: _number(row[1].chance)),
            ("constant baseline", lambda row: _number(row[1].constant)),
        )


def _interval(found: RunMetric) -> str:
    return "–" if found.low is None else f"{found.low:.3f} to {found.high:.3f}"


def _calibration(found: Calibration) -> str:
    return (
        f"temperature {found.temperature:.2f}; calibration error {found.ece_before:.3f} before, "
        f"{found.ece_after:.3f} after"
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _kept(record: RunRecord) -> str:
    if record.kept_epoch is None:
        return ""
    rule = f"{record.kept_epoch} (keep: {record.recipe.get('keep', 'best')})"
    return f"{rule}; best on the held-out images: {record.best_epoch}"
