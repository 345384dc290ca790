"""The command itself, and what its parts share: how to ask the tables and how to print them."""

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from operator import attrgetter
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from emotion_core.settings import Settings
from emotion_core.steps.installation import Installation
from emotion_core.store.database import Role

P = ParamSpec("P")
T = TypeVar("T")

app = typer.Typer(
    help="Train, compare and run facial-emotion networks; all results are in PostgreSQL.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
db = typer.Typer(help="The database's tables.", no_args_is_help=True)
app.add_typer(db, name="db")
runs_app = typer.Typer(help="Training runs and their metrics.")
app.add_typer(runs_app, name="runs")
_PIPED_WIDTH = 200
# Into a pipe or a file no terminal sets a width, and eighty columns would cut reasons and paths.
console = Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else _PIPED_WIDTH)


Limit = Annotated[int, typer.Option(min=1, max=100_000, help="How many, newest first.")]


def installation() -> Installation:
    """The installation that the environment names."""
    return Installation(Settings.from_environment())


def ask(
    role: Role, query: Callable[Concatenate[Any, P], T], *arguments: P.args, **named: P.kwargs
) -> T:
    """The answer of one of the store's functions, which work on a connection, in a role."""
    with installation().database.transaction(role) as connection:
        return query(connection, *arguments, **named)


def shell_key() -> str:
    """A run key for what is started from a shell now."""
    return f"shell__{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"


def table(rows: Iterable[T], *columns: str | tuple[str, Callable[[T], object]]) -> Table:
    """A table with one line per row, for the terminal.

    Args:
        columns: ``attribute`` of the rows, ``heading: attribute``, or a heading and a function
            of the row.
    """
    named = [_column(column) if isinstance(column, str) else column for column in columns]
    made = Table(*(heading for heading, _ in named))
    for row in rows:
        add_row(made, *(_text(cell(row)) for _, cell in named))
    return made


def show(rows: Iterable[T], *columns: str | tuple[str, Callable[[T], object]]) -> None:
    """Print a :func:`table`."""
    console.print(table(rows, *columns))


def show_facts(kind: str, key: str, facts: Mapping[str, object]) -> None:
    """Print what is known of one thing: a line per fact; facts without a value are left out."""
    filled = {name: value for name, value in facts.items() if _text(value)}
    show(filled.items(), (kind, lambda fact: fact[0]), (key, lambda fact: fact[1]))


def add_row(table: Table, *cells: str) -> None:
    """Add a row as plain text: a file name may hold what the terminal library reads as markup."""
    table.add_row(*(Text(cell) for cell in cells))


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return f"{value:%Y-%m-%d %H:%M}"
        case float():
            return f"{value:.3f}"
        case tuple() | list():
            return " ".join(map(str, value))
    return str(value)


def _column(text: str) -> tuple[str, Callable[[object], object]]:
    heading, _, attribute = text.rpartition(": ")
    heading = heading or attribute.removeprefix("count_").removesuffix("_at").replace("_", " ")
    return heading, attrgetter(attribute)
