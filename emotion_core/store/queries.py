"""SQL statements from ``sql/queries``: one statement a file, bound parameters only.

Everything that reads or writes rows by such a file goes through the functions below. A parameter
``:name`` takes the keyword of that name; keywords that a statement does not name are left out, so
that a whole record can be given.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

import pandas as pd
from psycopg2.extras import Json
from sqlalchemy import Connection, CursorResult, TextClause, text

from emotion_core.settings import SQL_DIR

Row = TypeVar("Row")


@cache
def query(name: str) -> TextClause:
    """The statement in ``sql/queries/<name>.sql``.

    Comment lines are dropped first: a colon inside a comment would become a parameter.
    """
    lines = (SQL_DIR / "queries" / f"{name}.sql").read_text(encoding="utf-8").splitlines()
    return text("\n".join(line for line in lines if not line.lstrip().startswith("--")))


def execute(
    connection: Connection, statement: str, /, **values: Any
) -> CursorResult[*tuple[Any, ...]]:
    """Run a statement. Mappings are bound as JSON, tuples as arrays."""
    return connection.execute(
        query(statement), {key: _bound(value) for key, value in values.items()}
    )


def rows(
    connection: Connection, statement: str, shape: Callable[..., Row], /, **values: Any
) -> list[Row]:
    """The rows of a statement as ``shape``, whose fields are its columns; arrays become tuples."""
    found = execute(connection, statement, **values).mappings()
    return [shape(**{key: _cell(value) for key, value in row.items()}) for row in found]


def row(
    connection: Connection, statement: str, shape: Callable[..., Row], /, **values: Any
) -> Row | None:
    """As :func:`rows`, the first of them; None where there is none."""
    return next(iter(rows(connection, statement, shape, **values)), None)


def frame(connection: Connection, statement: str, /, **values: Any) -> pd.DataFrame:
    """The rows of a statement as a frame."""
    return pd.read_sql_query(query(statement), connection, params=values)


def _bound(value: Any) -> Any:
    if isinstance(value, Mapping):
        return Json(dict(value))
    return list(value) if isinstance(value, tuple) else value


def _cell(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
