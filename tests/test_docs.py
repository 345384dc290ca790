"""The documents: their links lead somewhere, their references are fresh, their commands exist."""

import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
DOCUMENTS = [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_BLOCK = re.compile(r"^[ ]*```(\w*)\n(.*?)^[ ]*```", re.MULTILINE | re.DOTALL)

RUN_BY = {
    "make demo": "end_to_end/test_local_system.py",
    "make up": "end_to_end/test_local_system.py",
    "make emotion": "cli/test_cli.py",
    "make secrets": "test_deployment.py",
    "make psql": "local/test_postgres_server.py",
    "make test": "test_docs.py",
    "emotion db": "airflow/test_other_airflow.py",
    "createdb": "store/test_backup.py",
    "psql -f sql": "store/test_backup.py",
    "pg_dump": "store/test_backup.py",
    "pg_restore": "store/test_backup.py",
    "python3 deploy/kubernetes/secrets.py": "test_kubernetes.py",
    "uv build": "airflow/test_other_airflow.py",
    "airflow connections": "airflow/test_other_airflow.py",
    "airflow plugins": "airflow/test_other_airflow.py",
    "airflow pools": "airflow/test_other_airflow.py",
    'python -c "from importlib': "airflow/test_other_airflow.py",
    "emotion train": "training/test_experiments.py",
    "emotion runs": "training/test_experiments.py",
    "emotion register": "training/test_shell_training.py",
    "emotion health": "cli/test_cli.py",
    "emotion report": "cli/test_cli.py",
    "emotion erase": "privacy/test_privacy_shell.py",
    "emotion erasures": "privacy/test_privacy_shell.py",
    "emotion retention": "privacy/test_privacy_shell.py",
    "emotion hold": "privacy/test_privacy_shell.py",
    "emotion source": "privacy/test_privacy_shell.py",
    "python -m emotion_core.training": "training/test_training_cli.py",
    "torchrun": "training/test_distributed.py",
}
"""The beginning of a command, and the test that runs it or what it calls."""

NEEDS = {
    "make lint": "run by contributors and before each commit",
    "python experiments/ablation.py": "an hour of training on the real faces",
    "python -c": "internet, for pretrained weights",
    "docker compose": "a container engine",
    "psql": "an administrator of a PostgreSQL",
    "helm": "a Kubernetes cluster",
    "kubectl": "a Kubernetes cluster",
    "docker build": "a container engine",
    "export": "a PostgreSQL of the reader's own",
    "pip install": "an Airflow of the reader's own",
    "airflow celery worker": "an Airflow of the reader's own",
    "mkdir": "files of the reader's own",
    "cp": "files of the reader's own",
    "touch": "files of the reader's own",
}
"""The beginning of a command that no test can run, and what it lacks."""


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    targets = [
        target.partition("#")[0]
        for target in _LINK.findall(path.read_text(encoding="utf-8"))
        if not target.startswith(("http", "#", "mailto:"))
    ]

    assert [target for target in targets if not (path.parent / target).exists()] == []


def test_every_page_is_in_the_sites_contents() -> None:
    contents = (ROOT / "zensical.toml").read_text(encoding="utf-8")

    named = set(re.findall(r'"([\w/.-]+\.md)"', contents))

    assert named == {str(page.relative_to(DOCS)) for page in PAGES}


def rooms() -> set[str]:
    return {path.parent.name for path in (ROOT / "emotion_core").glob("*/__init__.py")}


def test_a_page_lies_in_a_folder_named_as_the_room_that_it_is_about() -> None:
    folders = {page.parent.name for page in PAGES if page.parent != DOCS}

    assert len(folders) > 8
    assert folders <= rooms() | {"deploy", "decisions"}


def test_the_first_page_leads_from_each_room_to_its_pages() -> None:
    text = (DOCS / "index.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("| `")]

    named = [name for line in lines for name in re.findall(r"`(\w+)`", line.split("|")[1])]

    assert sorted(named) == sorted(rooms())
    assert all(_LINK.search(line) for line in lines)


def test_the_readmes_tour_names_each_room_and_nothing_else() -> None:
    (tour,) = re.findall(r"```\n(dags/ .*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    package = re.findall(r"^  (\w+)/ ", tour, re.MULTILINE)
    modules = re.findall(r"\w+", re.findall(r"^  (settings.*)$", tour, re.MULTILINE)[0])
    folders = re.findall(r"^([\w/]+)/", tour, re.MULTILINE)

    assert sorted(package) == sorted(rooms())
    loose = {path.stem for path in (ROOT / "emotion_core").glob("*.py")} - {"__init__"}
    assert set(modules) == loose
    assert [name for name in folders if not (ROOT / name).is_dir()] == []


@pytest.mark.parametrize(
    "name", ["settings.md", "training/presets.md", "cli/commands.md", "airflow/dags.md"]
)
def test_the_reference_says_what_the_code_says(name: str) -> None:
    written = (DOCS / name).read_text(encoding="utf-8")

    assert written == _script("reference").pages()[name], "run `make docs`"


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    config = (ROOT / "zensical.toml").read_text(encoding="utf-8")
    (tmp_path / "zensical.toml").write_text(config, encoding="utf-8")
    shutil.copytree(DOCS, tmp_path / "docs")

    built = subprocess.run(
        [Path(sys.executable).with_name("zensical"), "build", "--strict", "--clean"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "http_proxy": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
    )

    assert built.returncode == 0, built.stdout + built.stderr
    assert (tmp_path / "site" / "tutorial.html").is_file()
    pages = [page.read_text(encoding="utf-8") for page in (tmp_path / "site").rglob("*.html")]
    loaded = re.findall(r'(?:src|<link[^>]+href)="(https?://[^"]+)', "".join(pages))
    assert loaded == []


def test_every_command_in_the_documents_is_run_by_a_test_or_says_what_it_needs() -> None:
    known = (*RUN_BY, *NEEDS)
    found = [(path.name, line) for path in DOCUMENTS for line in _commands(path)]

    assert len(found) > 20
    assert [(where, line) for where, line in found if not line.startswith(known)] == []
    assert [test for test in RUN_BY.values() if not (ROOT / "tests" / test).is_file()] == []


def _commands(path: Path) -> Iterator[str]:
    """Lines of the blocks without a language; continued lines and comments left out."""
    for language, block in _BLOCK.findall(path.read_text(encoding="utf-8")):
        if language:
            continue
        continued = False
        for line in block.splitlines():
            line = line.strip()
            if line and not continued and not line.startswith("#") and not _is_drawing(block):
                yield line.removeprefix(".venv/bin/")
            continued = line.endswith("\\")


def _is_drawing(block: str) -> bool:
    return "├" in block or "──" in block or "/   " in block or "→" in block


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_picture_of_the_house_is_drawn_from_what_its_rooms_import() -> None:
    house = _script("house")

    assert house.PICTURE.read_text(encoding="utf-8") == house.drawn(house.rooms())
