"""The same steps from a shell: ``emotion …``."""

import getpass
import logging
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from emotion_core.errors import EmotionError
from emotion_core.settings import Settings
from emotion_core.steps import Steps
from emotion_core.store import batches, models, training_runs
from emotion_core.store.database import Database
from emotion_core.store.migrations import migrate

app = typer.Typer(
    help="Train, compare and apply facial-emotion networks; everything is in Postgres.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
db = typer.Typer(help="The database's tables.", no_args_is_help=True)
app.add_typer(db, name="db")
console = Console()


@db.command("migrate")
def db_migrate() -> None:
    """Bring the tables to this release's version; safe to repeat."""
    settings = Settings.from_environment()
    database = Database(settings.migrate_database_url or settings.require_database_url())
    applied = migrate(database)
    print("\n".join(f"applied {name}" for name in applied) or "nothing to do")


@app.command()
def runs(limit: Annotated[int, typer.Option(help="How many, newest first.")] = 20) -> None:
    """Training runs."""
    with _steps().database.transaction("emotion_report") as connection:
        found = training_runs.recent_runs(connection, limit)
    table = Table("run", "network", "preset", "weights", "status", "model", "started")
    for run in found:
        _add_row(
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


@app.command("models")
def list_models() -> None:
    """Model versions and which is champion."""
    with _steps().database.transaction("emotion_report") as connection:
        found = models.model_versions(connection)
    table = Table("model", "alias", "from run", "registered")
    for model in found:
        _add_row(
            table,
            model.name,
            " ".join(model.aliases),
            model.run_key,
            f"{model.registered_at:%Y-%m-%d %H:%M}",
        )
    console.print(table)


@app.command()
def promote(
    model: Annotated[str, typer.Argument(help="For example 'resnet50 v3'; see `emotion models`.")],
    reason: Annotated[str, typer.Option(help="Why; kept with the change.")],
) -> None:
    """Make a model the champion, which the nightly run scores with."""
    name = _steps().promote(model, reason=reason, changed_by=getpass.getuser())
    print(f"{name} is champion")


@app.command("batches")
def list_batches(limit: Annotated[int, typer.Option(help="How many, newest first.")] = 20) -> None:
    """Scoring runs and what became of their files."""
    with _steps().database.transaction("emotion_report") as connection:
        found = batches.batches(connection, limit)
    table = Table("batch", "model", "found", "done", "refused", "quarantined", "left", "opened")
    for batch in found:
        _add_row(
            table,
            batch.run_key,
            batch.model,
            str(batch.count_found),
            str(batch.count_done),
            str(batch.count_rejected),
            str(batch.count_quarantined),
            str(batch.count_left),
            f"{batch.opened_at:%Y-%m-%d %H:%M}",
        )
    console.print(table)


@app.command()
def refused(batch: Annotated[str, typer.Argument(help="See `emotion batches`.")]) -> None:
    """The refused files of a batch, and what to do about each."""
    with _steps().database.transaction("emotion_report") as connection:
        found = batches.refused_files(connection, batch)
    table = Table("file", "reason", "what it means", "detail", "what to do")
    for file in found:
        _add_row(table, file.file, file.reason, file.meaning, file.detail, file.advice)
    console.print(table)


@app.command()
def report(
    run: Annotated[str, typer.Argument(help="The Airflow run that trained; see `emotion runs`.")],
) -> None:
    """Render the comparison report of a run again; prints where it is."""
    print(_steps().compare(run))


def _add_row(table: Table, *cells: str) -> None:
    # As plain text: a file name may hold what the terminal library would read as markup.
    table.add_row(*(Text(cell) for cell in cells))


def _steps() -> Steps:
    return Steps(Settings.from_environment())


def main() -> None:
    """Entry point: what the system refuses on purpose is one sentence and exit code 1."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        app()
    except EmotionError as error:
        Console(stderr=True).print(f"error: {error}", style="red", markup=False)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
