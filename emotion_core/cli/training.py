"""``emotion db``, ``train``, ``register``, ``label-errors``, ``runs``."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from emotion_core.cli.console import Limit, add_row, app, console, db, installation, runs_app
from emotion_core.errors import EmotionError, TrainingError
from emotion_core.settings import Settings
from emotion_core.statistics.calibration import Calibration
from emotion_core.statistics.metrics import METRICS
from emotion_core.steps import reports, training, training_data
from emotion_core.store import run_facts, training_runs
from emotion_core.store.database import Database
from emotion_core.store.migrations import migrate
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
        typer.Argument(help="Finished runs of one data set and split, each its own network."),
    ],
    data: Annotated[Path, typer.Option(help="The labelled set they were trained on.")],
    run: Run = None,
    note: Note = None,
) -> None:
    """Enter runs that were trained on another machine, and compare them."""
    here = installation()
    group_key = run or _name_by_time()
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
        measured = [
            (
                record,
                run_facts.run_calibration(connection, record.id),
                {
                    found.metric: found
                    for found in training_runs.metrics_with_baselines(connection, record.id)
                },
            )
            for record in records
        ]
    for record, calibration, metrics in measured:
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
            ("calibration", "" if calibration is None else _calibration(calibration)),
            ("adjusted", "\n".join(record.adjustments)),
            ("note", record.note or ""),
        ):
            if value:
                add_row(facts, name, value)
        console.print(facts)
        if metrics:
            table = Table("metric", record.network, "95 % interval", "chance", "constant baseline")
            for metric in METRICS.values():
                if (found := metrics.get(metric.name)) is not None:
                    interval = "–" if found.low is None else f"{found.low:.3f} to {found.high:.3f}"
                    value, *floors = map(_number, (found.value, found.chance, found.constant))
                    add_row(table, metric.label, value, interval, *floors)
            console.print(table)


def _calibration(found: Calibration) -> str:
    return (
        f"temperature {found.temperature:.2f}; calibration error {found.ece_before:.3f} before, "
        f"{found.ece_after:.3f} after"
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _kept(record: training_runs.RunRecord) -> str:
    if record.kept_epoch is None:
        return ""
    rule = f"{record.kept_epoch} (keep: {record.recipe.get('keep', 'best')})"
    return f"{rule}; best on the held-out images: {record.best_epoch}"


def _name_by_time() -> str:
    return f"shell__{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"
