"""SQL statements from ``sql/queries``: one statement a file, bound parameters only."""

from functools import cache

from sqlalchemy import TextClause, text

from emotion_core.settings import SQL_DIR


@cache
def query(name: str) -> TextClause:
    """The statement in ``sql/queries/<name>.sql``; parameters are written ``:name``.

    Comment lines are dropped first: a colon inside a comment would become a parameter.
    """
    lines = (SQL_DIR / "queries" / f"{name}.sql").read_text(encoding="utf-8").splitlines()
    return text("\n".join(line for line in lines if not line.lstrip().startswith("--")))
