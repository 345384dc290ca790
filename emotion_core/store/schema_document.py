"""The page docs/store/schema.md, written from what the database says of itself."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from sqlalchemy import Connection

from emotion_core.store.queries import query

_OPENING = """\
# Tables and views

This page is written by `emotion db document` from the database itself; a test compares the two.
How to ask the views is in [Ask the database](sql.md), what each role may do in `sql/grants.sql`.
"""


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


@dataclass(frozen=True)
class _Reference:
    relation: str
    target: str
    columns: list[str]
    is_required: bool
    is_unique: bool


def schema_document(connection: Connection) -> str:
    """Markdown: a Mermaid diagram of the foreign keys, then each table and each view.

    Everything is in alphabetical order, so the same schema gives the same text whatever order it
    was made in.
    """
    columns = [_Column(**row._mapping) for row in connection.execute(query("schema_columns"))]
    references = [
        _Reference(**row._mapping) for row in connection.execute(query("schema_references"))
    ]
    tables = [column for column in columns if not column.is_view]
    views = [column for column in columns if column.is_view]
    blocks = [
        _OPENING,
        "## How the tables belong together\n",
        _diagram(sorted({column.relation for column in tables}), references),
        "## Tables\n",
        *_tables(tables, references),
        "## Views\n",
        *_views(views),
    ]
    return "\n".join(blocks)


def _diagram(tables: Sequence[str], references: Iterable[_Reference]) -> str:
    lines = ["```mermaid", "erDiagram"]
    lines += [f"    {table}" for table in tables]
    for reference in references:
        one = "||" if reference.is_required else "|o"
        many = "o|" if reference.is_unique else "o{"
        names = ", ".join(reference.columns)
        lines.append(f'    {reference.target} {one}--{many} {reference.relation} : "{names}"')
    return "\n".join([*lines, "```", ""])


def _tables(columns: Sequence[_Column], references: Sequence[_Reference]) -> Iterator[str]:
    for name, group in groupby(columns, attrgetter("relation")):
        members = list(group)
        targets = {
            column: reference.target
            for reference in references
            if reference.relation == name
            for column in reference.columns
        }
        yield _heading(name, members[0].relation_comment)
        lines = ["| column | type | may be empty | meaning |", "|---|---|---|---|"]
        for column in members:
            said = [
                "Primary key." if column.is_key else "",
                f"References `{targets[column.name]}`." if column.name in targets else "",
                _cell(column.comment),
            ]
            meaning = " ".join(part for part in said if part)
            empty = "no" if column.is_required else "yes"
            lines.append(f"| `{column.name}` | {_cell(column.type)} | {empty} | {meaning} |")
        yield "\n".join([*lines, ""])


def _views(columns: Sequence[_Column]) -> Iterator[str]:
    for name, group in groupby(columns, attrgetter("relation")):
        members = list(group)
        yield _heading(name, members[0].relation_comment)
        lines = ["| column | type | meaning |", "|---|---|---|"]
        lines += [f"| `{c.name}` | {_cell(c.type)} | {_cell(c.comment)} |" for c in members]
        yield "\n".join([*lines, ""])


def _heading(name: str, comment: str | None) -> str:
    return f"### {name}\n\n{_cell(comment)}\n" if comment else f"### {name}\n"


def _cell(words: str | None) -> str:
    """Text that ends no cell of a Markdown table and opens no HTML."""
    return " ".join((words or "").split()).replace("|", "\\|").replace("<", "&lt;")
