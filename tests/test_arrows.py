"""The arrows of the house: what stands above may import what stands below, never the other way."""

import ast
import json
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

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

# What the room must do without: a bare GPU box has no database, a report server no torch.
FORBIDDEN = {
    "vision": {"sqlalchemy", "psycopg2", "airflow"},
    "training": {"sqlalchemy", "psycopg2", "airflow", "typer"},
    "pages": {"torch", "torchvision", "airflow"},
    "charts": {"torch", "torchvision", "airflow"},
    "comparison": {"torch", "torchvision", "airflow"},
    "store": {"torch", "torchvision", "PIL", "airflow"},
    "scoring": {"airflow", "torch", "torchvision"},
    "privacy": {"airflow", "torch", "torchvision"},
    "drawn_faces": {"torch", "sqlalchemy", "psycopg2", "airflow"},
    "statistics": {"torch", "torchvision", "sklearn", "sqlalchemy", "psycopg2", "airflow"},
    "steps": {"airflow", "torch", "sklearn"},
    "cli": {"airflow", "torch"},
}


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


IMPORT_EACH_ROOM = """
import importlib, json, os, sys, traceback
FORBIDDEN, MODULES = json.load(sys.stdin)

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in self.names:
            raise ImportError(f"{name} is blocked")

def import_in_a_child(room):
    if pid := os.fork():
        return os.waitpid(pid, 0)[1] == 0
    try:
        loaded = {name.split(".")[0] for name in sys.modules}
        assert not loaded & set(FORBIDDEN[room]), f"loaded before: {loaded}"
        Block.names = FORBIDDEN[room]
        sys.meta_path.insert(0, Block())
        for name in MODULES[room]:
            importlib.import_module(name)
    except BaseException:
        print("room", room, file=sys.stderr)
        traceback.print_exc()
        os._exit(1)
    os._exit(0)

with_torch = [room for room, names in FORBIDDEN.items() if "torch" not in names]
# What many rooms load is loaded once, before the children begin.
import numpy, pandas, scipy.stats
done = {room: import_in_a_child(room) for room in FORBIDDEN if room not in with_torch}
import torch, torchvision
done |= {room: import_in_a_child(room) for room in with_torch}
sys.exit(not all(done.values()))
"""


def test_a_room_can_be_imported_without_what_it_must_not_need() -> None:
    names: dict[str, list[str]] = {}
    for module in pkgutil.walk_packages([str(PACKAGE)], "emotion_core."):
        if not module.name.endswith("__main__"):
            names.setdefault(room(module.name), []).append(module.name)
    forbidden = {name: sorted(packages) for name, packages in FORBIDDEN.items()}

    result = subprocess.run(
        [sys.executable, "-c", IMPORT_EACH_ROOM],
        input=json.dumps([forbidden, names]),
        capture_output=True,
        text=True,
    )

    assert names.keys() >= forbidden.keys()
    assert result.returncode == 0, result.stderr[-2000:]
