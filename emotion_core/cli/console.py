"""The command itself, and what its parts share: tables, and the way to the steps."""

import os
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from emotion_core.settings import Settings
from emotion_core.steps.installation import Installation

app = typer.Typer(
    help="Train, compare and apply facial-emotion networks; everything is in Postgres.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
db = typer.Typer(help="The database's tables.", no_args_is_help=True)
app.add_typer(db, name="db")
runs_app = typer.Typer(help="Training runs and what they reached.")
app.add_typer(runs_app, name="runs")
batches_app = typer.Typer(help="Scoring runs and what became of their files.")
app.add_typer(batches_app, name="batches")
_PIPED_WIDTH = 200
# Into a pipe or a file no terminal sets a width, and eighty columns would cut reasons and paths.
console = Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else _PIPED_WIDTH)


Limit = Annotated[int, typer.Option(min=1, max=100_000, help="How many, newest first.")]


def add_row(table: Table, *cells: str) -> None:
    """Add a row as plain text: a file name may hold what the terminal library reads as markup."""
    table.add_row(*(Text(cell) for cell in cells))


def installation() -> Installation:
    """The steps of the installation that the environment names."""
    return Installation(Settings.from_environment())
