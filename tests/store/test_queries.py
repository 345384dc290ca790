"""SQL lies in files: each is used, each is one statement, and none takes text from outside."""

import ast
import re

from emotion_core.settings import PACKAGE_DIR, SQL_DIR
from emotion_core.store.queries import query

FILES = {path.stem for path in (SQL_DIR / "queries").glob("*.sql")}


def texts_of_the_store() -> set[str]:
    return {
        node.value
        for path in (PACKAGE_DIR / "store").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def queries_asked_for() -> set[str]:
    """The first constant of every call of :mod:`emotion_core.store.queries`."""
    asked = set()
    for path in (PACKAGE_DIR / "store").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("query", "execute", "rows", "row", "frame")
            ):
                names = [a.value for a in node.args if isinstance(a, ast.Constant)]
                asked.update(names[:1])
    return asked


def test_query_files_and_store_functions_match_both_ways() -> None:
    asked = queries_asked_for()

    assert len(asked) > 100
    assert asked <= FILES <= texts_of_the_store()


def test_each_file_holds_one_statement() -> None:
    for name in FILES:
        assert ";" not in query(name).text, name


def test_no_cast_swallows_a_parameter() -> None:
    # :x::jsonb binds nothing in SQLAlchemy's text; cast(:x AS jsonb) does.
    for name in FILES:
        assert not re.search(r":\w+::", query(name).text), name
