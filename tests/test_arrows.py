"""The arrows of the house: what stands above may import what stands below, never the other way."""

import ast
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import emotion_core

PACKAGE = Path(emotion_core.__file__).parent

# From the top down. A room may import from its own floor and from every floor below.
FLOORS = [
    {"cli", "local"},
    {"airflow", "steps"},
    {"pages"},
    {"charts", "comparison"},
    {"scoring", "training", "privacy"},
    {"drawn_faces", "store", "vision"},
    {"statistics"},
    {"settings", "errors", "emotions", "files"},
]

# What rooms must do without: a bare GPU box has no database, a report server no torch. Rooms that
# may share a process do: each process imports torch, pandas or scipy anew.
DATABASE, TORCH = {"sqlalchemy", "psycopg2"}, {"torch", "torchvision"}
FORBIDDEN = [
    ({"vision", "training"}, DATABASE | {"airflow", "typer"}),
    ({"statistics", "drawn_faces"}, DATABASE | TORCH | {"sklearn", "airflow"}),
    ({"store"}, TORCH | {"PIL", "airflow"}),
    (
        {"pages", "charts", "comparison", "scoring", "privacy", "steps", "cli"},
        TORCH | {"sklearn", "airflow"},
    ),
]


@cache
def imports() -> dict[str, set[str]]:
    """Each module of ours and the modules of ours that it imports, wherever in the file."""
    paths = {name(path): path for path in PACKAGE.rglob("*.py")}
    return {module: set(_imported(path, set(paths))) for module, path in paths.items()}


def name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(("emotion_core", *(part for part in parts if part != "__init__")))


def _imported(path: Path, known: set[str]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path} uses a relative import"
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            found = [one if one in known else node.module for one in whole]
        else:
            continue
        yield from (one for one in found if one in known and one != "emotion_core")


def room(module: str) -> str:
    return module.split(".")[1]


def floor(module: str) -> int:
    return next(level for level, rooms in enumerate(FLOORS) if room(module) in rooms)


def test_every_room_stands_on_one_floor() -> None:
    rooms = {room(module) for module in imports() if "." in module}

    assert sorted(rooms) == sorted(one for rooms_of in FLOORS for one in rooms_of)


def test_no_module_imports_from_above() -> None:
    upward = [
        f"{module} imports {other}"
        for module, others in imports().items()
        if "." in module
        for other in others
        if floor(other) < floor(module)
    ]

    assert not upward


def test_no_modules_and_no_rooms_import_each_other_in_a_circle() -> None:
    modules = {m: others - {m} for m, others in imports().items()}
    rooms: dict[str, set[str]] = {}
    for module, others in modules.items():
        if "." in module:
            rooms.setdefault(room(module), set()).update(map(room, others))

    # Raises CycleError, which names the circle.
    order = list(TopologicalSorter(modules).static_order())
    list(TopologicalSorter({r: others - {r} for r, others in rooms.items()}).static_order())

    assert len(order) > 100


def test_only_the_store_imports_sqlalchemy() -> None:
    importers = {
        name(path)
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for module in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
        )
        if module.split(".")[0] == "sqlalchemy"
    }

    assert {room(module) for module in importers} == {"store"}


@pytest.mark.parametrize(("rooms", "forbidden"), FORBIDDEN)
def test_rooms_can_be_imported_without_what_they_must_not_need(
    rooms: set[str], forbidden: set[str]
) -> None:
    names = [
        module.name
        for module in pkgutil.walk_packages([str(PACKAGE)], "emotion_core.")
        if room(module.name) in rooms and not module.name.endswith("__main__")
    ]
    script = (
        "import sys, importlib\n"
        "class Block:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.split('.')[0] in {sorted(forbidden)!r}:\n"
        "            raise ImportError(f'{name} is blocked')\n"
        "sys.meta_path.insert(0, Block())\n"
        f"for name in {names!r}:\n"
        "    importlib.import_module(name)\n"
    )

    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert {room(one) for one in names} == rooms
    assert result.returncode == 0, result.stderr[-2000:]
