"""The arrows of the house: what stands above may import what stands below, never the other way."""

import ast
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import emotion_core

PACKAGE = Path(emotion_core.__file__).parent

# A module may import from its own room and from the rooms named here.
GROUND = {
    "calibration",
    "metrics",
    "settings",
    "errors",
    "emotions",
    "names",
    "place",
    "durable",
    "proportion",
    "tombstone_key",
    "weak_secrets",
    "machine",
}
MAY_IMPORT = {
    "emotions": set(),
    "errors": set(),
    "names": set(),
    "durable": {"errors"},
    "weak_secrets": set(),
    "place": {"errors"},
    "settings": {"errors", "place", "weak_secrets"},
    "tombstone_key": {"errors", "settings"},
    "machine": {"settings"},
    "metrics": {"emotions", "errors"},
    "calibration": set(),
    "proportion": set(),
    "store": GROUND,
    "vision": GROUND,
    "training": GROUND | {"vision"},
    "scoring": GROUND | {"vision", "store"},
    "reporting": GROUND | {"store", "vision"},
    "monitoring": GROUND,
    "steps": GROUND | {"vision", "store", "training", "scoring", "reporting", "monitoring"},
    "airflow_tasks": GROUND | {"steps"},
    "airflow_alerts": GROUND | {"airflow_tasks"},
    "airflow_offers": GROUND,
    "airflow_metrics": set(),
    "airflow_access": GROUND,
    "airflow_runs": GROUND,
    "cli": GROUND | {"steps", "store", "vision", "local"},
    "local": GROUND | {"steps", "store", "training", "vision", "reporting", "scoring"},
}

# What the room must do without: a bare GPU box has no database, a report server no torch.
FORBIDDEN = {
    "vision": {"sqlalchemy", "psycopg2", "airflow"},
    "training": {"sqlalchemy", "psycopg2", "airflow", "typer"},
    "reporting": {"torch", "torchvision", "airflow"},
    "store": {"torch", "torchvision", "PIL", "airflow"},
    "scoring": {"airflow", "torch", "torchvision"},
    "monitoring": {"torch", "torchvision", "pandas", "sqlalchemy", "psycopg2", "airflow"},
    "calibration": {"torch", "pandas", "sklearn", "scipy", "sqlalchemy", "airflow"},
    "metrics": {"torch", "pandas", "sklearn", "scipy", "sqlalchemy", "airflow"},
    "steps": {"airflow", "torch", "sklearn"},
    "cli": {"airflow", "torch"},
}


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        relative = path.relative_to(PACKAGE)
        if relative.name == "__init__.py" and len(relative.parts) == 1:
            continue
        yield relative.with_suffix("").parts[0], path


def imported_rooms(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path} uses a relative import"
            names = [node.module]
            if node.module == "emotion_core":
                names = [f"emotion_core.{alias.name}" for alias in node.names]
        for name in names:
            if name.startswith("emotion_core."):
                yield name.split(".")[1]


def test_every_room_is_known_here() -> None:
    assert {room for room, _ in modules()} == set(MAY_IMPORT)


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_a_room_imports_only_from_below(room: str) -> None:
    paths = [path for other, path in modules() if other == room]

    assert paths
    for path in paths:
        outside = {name for name in imported_rooms(path) if name != room}
        allowed = MAY_IMPORT[room] | {"__version__"}
        assert outside <= allowed, f"{path.relative_to(PACKAGE)} imports {outside - allowed}"


def test_only_the_store_imports_sqlalchemy() -> None:
    for room, path in modules():
        if room == "store":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            else:
                continue
            assert not any(name.split(".")[0] == "sqlalchemy" for name in names), path


@pytest.mark.parametrize("room", sorted(FORBIDDEN))
def test_a_room_can_be_imported_without_what_it_must_not_need(room: str) -> None:
    names = [
        module.name
        for module in pkgutil.walk_packages([str(PACKAGE)], "emotion_core.")
        if module.name.split(".")[1] == room and not module.name.endswith("__main__")
    ]
    script = (
        "import sys, importlib\n"
        "class Block:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.split('.')[0] in {sorted(FORBIDDEN[room])!r}:\n"
        "            raise ImportError(f'{name} is blocked')\n"
        "sys.meta_path.insert(0, Block())\n"
        f"for name in {names!r}:\n"
        "    importlib.import_module(name)\n"
    )

    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert names
    assert result.returncode == 0, result.stderr[-2000:]
