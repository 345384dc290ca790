"""``emotion db``, ``train``, ``register``, ``doubt-labels``, ``runs``."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from emotion_core.cli.console import Limit, add_row, app, console, db, installation, runs_app
from emotion_core.errors import TrainingError
from emotion_core.settings import Settings
from emotion_core.statistics.metrics import METRICS
from emotion_core.steps import reports, training
from emotion_core.store import training_runs
from emotion_core.store.database import Database
from emotion_core.store.migrations import migrate
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


@app.command()
def train(
    data: Annotated[Path, typer.Argument(help="Folder or zip in AffectNet's layout.")],
    network: Annotated[
        list[str] | None, typer.Option(help="May be given several times; default: both main ones.")
    ] = None,
    preset: Annotated[str, typer.Option(help="seed, tuned or quick.")] = "seed",
    weights: Annotated[str | None, typer.Option(help="imagenet or none.")] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, max=500, help="In place of the preset's.")
    ] = None,
    keep: Annotated[
        str | None, typer.Option(help="Epoch whose weights stay: last, or best (flatters it).")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=2, max=4096, help="In place of the preset's.")
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(min=1e-8, max=1, help="In place of the preset's.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**31 - 1, help="In place of the preset's.")
    ] = None,
    pretraining_data: Annotated[
        Path | None, typer.Option(help="Faces to learn first, a folder per expression.")
    ] = None,
    pretraining_epochs: Annotated[
        int | None, typer.Option(min=0, max=500, help="Passes over them.")
    ] = None,
    excluded_share_limit: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Share of a data set that may be unusable, 0 to 1."),
    ] = None,
    note: Annotated[str | None, typer.Option(help="Why; shown in the report.")] = None,
    run: Annotated[
        str | None, typer.Option(help="A run to go on with, or a name for a new one.")
    ] = None,
) -> None:
    """Train, register and compare, as the DAG train_and_compare does."""
    here = installation()
    group_key = run or _name_by_time()
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
        "note": note,
    }
    if excluded_share_limit is not None:
        form["excluded_share_limit"] = excluded_share_limit
    print(f"run {group_key}")
    for name in training.prepare(here, group_key, form):
        training.register(here, training.train(here, group_key, name, form))
    print(reports.compare(here, group_key))


@app.command()
def register(
    folders: Annotated[
        list[Path],
        typer.Argument(help="Finished runs of one data set and split, each its own network."),
    ],
    data: Annotated[Path, typer.Option(help="The labelled set they were trained on.")],
    run: Annotated[str | None, typer.Option(help="Name for them; default: by the time.")] = None,
    note: Annotated[str | None, typer.Option(help="Why; shown in the report.")] = None,
) -> None:
    """Enter runs that were trained on another machine, and compare them."""
    here = installation()
    group_key = run or _name_by_time()
    for folder in folders:
        print(training.import_run(here, folder, data, group_key=group_key, note=note))
    print(reports.compare(here, group_key))


@app.command("doubt-labels")
def doubt_labels(
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
    print(f"{count} labels doubted; see the view likely_label_error")


@runs_app.callback(invoke_without_command=True)
def list_runs(
    context: typer.Context,
    limit: Limit = 20,
) -> None:
    """Training runs, newest first."""
    if context.invoked_subcommand:
        return
    with installation().database.transaction("emotion_report") as connection:
        found = training_runs.recent_runs(connection, limit)
    table = Table("run", "network", "preset", "weights", "status", "model", "started")
    for run in found:
        add_row(
            table,
            run.group_key,
            run.network,
            run.preset,
            run.weights_origin,
            run.failure or run.status,
            " ".join([run.model_name or "", *run.aliases]),
            f"{run.started_at:%Y-%m-%d %H:%M}",
        )
    console.print(table)


@runs_app.command("show")
def show_run(run: Annotated[str, typer.Argument(help="See `emotion runs`.")]) -> None:
    """One training run: every figure with its interval, and what happened on the way."""
    with installation().database.transaction("emotion_report") as connection:
        records = training_runs.runs_in_group(connection, run)
        if not records:
            raise TrainingError(f"there is no training run {run!r}; see `emotion runs`")
        details = {
            record.id: training_runs.run_details(connection, record.id) for record in records
        }
    for record in records:
        found = details[record.id]
        facts = Table("run", record.run_key, show_header=True)
        for name, value in (
            ("state", record.failure or record.status),
            ("model", " ".join([record.model_name or "none", *record.aliases])),
            ("recipe", f"{record.preset}, weights: {record.weights_origin}"),
            (
                "data",
                f"{record.dataset_name}, {record.count_train} to train, "
                f"{record.count_validation} held out",
            ),
            ("device", record.device or ""),
            ("kept epoch", _kept(record)),
            ("images/s", f"{record.images_per_second:.1f}" if record.images_per_second else ""),
            ("calibration", found.calibration),
            ("adjusted", "\n".join(found.adjustments)),
            ("note", record.note or ""),
        ):
            if value:
                add_row(facts, name, value)
        console.print(facts)
        if found.figures:
            figures = Table("metric", record.network, "95 % interval", "chance", "always the same")
            for metric in METRICS.values():
                if metric.name in found.figures:
                    add_row(figures, metric.label, *found.figures[metric.name])
            console.print(figures)


def _kept(record: training_runs.RunRecord) -> str:
    if record.kept_epoch is None:
        return ""
    rule = f"{record.kept_epoch} (keep: {record.recipe.get('keep', 'best')})"
    return f"{rule}; best on the held-out images: {record.best_epoch}"


def _name_by_time() -> str:
    return f"shell__{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"
