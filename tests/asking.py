"""One statement asked of a database, for tests."""

from typing import Any, cast

from sqlalchemy import text

from emotion_core.store.database import Database, Role


def ask(
    database: Database, statement: str, *, role: str | None = "emotion_report", **values: Any
) -> list[tuple[Any, ...]]:
    """The rows of a statement in a transaction of its own; ``role=None`` is the login itself."""
    with database.connect() as connection, connection.begin():
        if role is not None:
            database.become(connection, cast(Role, role))
        found = connection.execute(text(statement), values)
        return [tuple(row) for row in found] if found.returns_rows else []


def ask_one(database: Database, statement: str, **values: Any) -> Any:
    """The only value of the only row, as :func:`ask` asks for it."""
    ((value,),) = ask(database, statement, **values)
    return value
