"""The page docs/store/schema.md, written from the database's own catalogue."""

from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import Connection

from emotion_core.settings import SQL_DIR
from emotion_core.store.queries import rows


@dataclass(frozen=True)
class _Column:
    relation: str
    is_view: bool
    relation_comment: str | None
    name: str
    type: str
    is_required: bool
    is_key: bool
    comment: str | None
    target: str | None
    """The table that it refers to."""


@dataclass(frozen=True)
class _Reference:
    relation: str
    target: str
    columns: tuple[str, ...]
    is_required: bool
    is_unique: bool


def schema_document(connection: Connection) -> str:
    """Markdown: a Mermaid diagram of the foreign keys, then each table and each view.

    Everything is in alphabetical order, so the same schema gives the same text whatever order it
    was made in.
    """
    columns = rows(connection, "schema_columns", _Column)
    relations = [(name, list(of)) for name, of in groupby(columns, attrgetter("relation"))]
    environment = Environment(
        loader=FileSystemLoader(SQL_DIR),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  - Markdown, whose cells the filter escapes
    )
    environment.filters["cell"] = _cell
    return environment.get_template("schema.md.jinja").render(
        tables=[(name, of) for name, of in relations if not of[0].is_view],
        views=[(name, of) for name, of in relations if of[0].is_view],
        references=rows(connection, "schema_references", _Reference),
    )


def _cell(words: str | None) -> str:
    """Text that ends no cell of a Markdown table and opens no HTML."""
    return " ".join((words or "").split()).replace("|", "\\|").replace("<", "&lt;")
