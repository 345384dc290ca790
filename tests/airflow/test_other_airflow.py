"""The steps of docs/airflow/your_own_airflow.md: a wheel, another Airflow, another folder.

Commands and configuration are taken from the page. Nothing of the source tree is on the path: what
the wheel lacks, fails here.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from own_database import Own

from emotion_core.local.postgres import PostgresServer

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "airflow" / "your_own_airflow.md"
BIN = Path(sys.executable).parent
DAGS = {path.stem for path in (ROOT / "dags").glob("*.py")}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As the page builds it, but without asking an index for the builder."""
    folder = tmp_path_factory.mktemp("dist")
    command = shlex.split(told("uv build")[0])
    command[command.index("dist")] = str(folder)
    run([BIN / command[0], *command[1:], "--offline", "--no-build-isolation"], ROOT, PATH=str(BIN))
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of its own that only the wheel is unpacked into."""
    folder = tmp_path_factory.mktemp("elsewhere") / "packages"
    command = [BIN / "uv", "pip", "install", "--quiet", "--no-deps", "--offline"]
    run([*command, "--python", sys.executable, "--target", folder, wheel], folder.parent)
    return folder


@pytest.fixture(scope="module")
def logins(server: PostgresServer, urls: dict[str, str]) -> Iterator[dict[str, str]]:
    """Of an empty database with its roles, as docs/store/your_own_postgres.md makes it."""
    own = Own(server, urls, "other_airflow")
    own.make_empty()
    yield own.urls
    own.drop()


@pytest.fixture(scope="module")
def joined(
    installed: Path, logins: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What the other Airflow knows once every step of the page was done."""
    place = tmp_path_factory.mktemp("airflow")
    environment = surroundings(installed, place)
    migrate = told("emotion db")[0]
    run(
        [installed / "bin" / "emotion", *shlex.split(migrate)[1:]],
        place,
        **environment,
        EMOTION_DATABASE_URL=logins["emotion_app"],
        EMOTION_MIGRATE_DATABASE_URL=logins["emotion_migrate"],
    )
    wanted = {
        "postgresql://emotion_app:…@host/emotion": logins["emotion_app"].replace("+psycopg2", ""),
        "https://git.example.org/emotion.git": make_repository(place / "emotion.git"),
        "deploy/pools.json": str(ROOT / "deploy" / "pools.json"),
    }
    commands = [
        [wanted.get(word, word) for word in shlex.split(line)]
        for line in (*told("airflow connections"), *told("airflow pools"), *told("airflow plugins"))
    ]
    [configured] = re.findall(
        r"dag_bundle_config_list = (\[.*?\]\n)", PAGE.read_text(encoding="utf-8"), re.DOTALL
    )
    script = Path(__file__).with_name("other_airflow.py")
    done = run(
        [sys.executable, script, json.dumps(commands)],
        place,
        **environment,
        AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST=configured,
    )
    found: dict[str, Any] = json.loads((place / "found.json").read_text(encoding="utf-8"))
    return {**found, "output": done}


def told(beginning: str) -> list[str]:
    """The page's commands that begin so."""
    lines = [line.strip() for line in PAGE.read_text(encoding="utf-8").splitlines()]
    found = [line for line in lines if line.startswith(beginning)]
    assert found, beginning
    return found


def surroundings(installed: Path, place: Path) -> dict[str, str]:
    """Of another machine: no word of this repository, a database and folders of its own."""
    return {
        "PATH": f"{installed / 'bin'}:{BIN}:{os.environ['PATH']}",
        "HOME": str(place),
        "PYTHONPATH": str(installed),
        "PYTHONWARNINGS": "ignore",
        "OMP_NUM_THREADS": "1",
        "AIRFLOW_HOME": str(place / "home"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{place}/airflow.db",
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(place / "bundles"),
        "NO_PROXY": "*",
    }


def make_repository(folder: Path) -> str:
    """What a git server would hold: the DAGs, committed."""
    work = folder.with_name("work")
    (work / "dags").mkdir(parents=True)
    for path in (ROOT / "dags").glob("*.py"):
        (work / "dags" / path.name).write_bytes(path.read_bytes())
    who = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org")
    for command in (
        ("init", "--quiet", "--initial-branch=main", "."),
        ("add", "dags"),
        (*who, "commit", "--quiet", "--message", "the release"),
        ("clone", "--quiet", "--bare", ".", str(folder)),
    ):
        run(["git", *command], work, PATH=os.environ["PATH"], HOME=str(work))
    return str(folder)


def run(command: list[Any], folder: Path, **environment: str) -> str:
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=environment or dict(os.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_the_wheel_carries_what_the_code_reads_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        names = [name for name in file.namelist() if ".dist-info/" not in name]

    def inside(folder: str) -> set[str]:
        start = f"emotion_core/resources/{folder}/"
        return {name.removeprefix(start) for name in names if name.startswith(start)}

    def beside(folder: Path) -> set[str]:
        found = (path for path in folder.rglob("*") if path.is_file())
        return {str(path.relative_to(folder)) for path in found if "__pycache__" not in path.parts}

    assert inside("sql") == beside(ROOT / "sql")
    assert inside("templates") == beside(ROOT / "reports" / "templates")
    assert inside("dags") == beside(ROOT / "dags")
    assert inside("plugins") == beside(ROOT / "plugins")
    assert {name.split("/")[0] for name in names} == {"emotion_core"}
    assert [name for name in names if name.endswith((".pyc", ".npy", ".jpg", ".safetensors"))] == []


def test_the_command_of_the_wheel_reads_the_migrated_tables(
    joined: dict[str, Any], installed: Path, logins: dict[str, str], tmp_path: Path
) -> None:
    shown = run(
        [installed / "bin" / "emotion", "models"],
        tmp_path,
        **surroundings(installed, tmp_path),
        EMOTION_DATABASE_URL=logins["emotion_app"],
    )

    assert "registered" in shown


def test_the_dags_come_from_git_and_stand_beside_those_that_were_there(
    joined: dict[str, Any],
) -> None:
    assert set(joined["bundles"]) == {"dags-folder", "emotion"}
    assert joined["import_errors"] == {}
    assert set(joined["dags"]) == DAGS
    assert joined["bundle_path"].startswith(joined["place"])
    assert joined["bundle_version"]


def test_the_wheels_own_copy_of_the_dags_is_where_the_page_says(
    installed: Path, tmp_path: Path
) -> None:
    [command] = told("python -c")

    shown = run(
        [sys.executable, *shlex.split(command)[1:]], tmp_path, **surroundings(installed, tmp_path)
    )

    assert {path.stem for path in Path(shown.strip()).glob("*.py")} == DAGS


def test_the_code_and_the_plugin_are_those_of_the_wheel(
    joined: dict[str, Any], installed: Path
) -> None:
    assert Path(joined["package"]).is_relative_to(installed)
    assert "emotion_pages" in joined["output"]
    assert joined["plugin_routes"] == ["/emotion"]
    assert joined["plugin_pages"] > 1


def test_every_pool_and_queue_of_the_dags_is_there(joined: dict[str, Any]) -> None:
    [worker] = told("airflow celery worker")
    listened = set(worker.split("--queues ")[1].split(","))

    assert set(joined["used_pools"]) <= set(joined["pools"])
    assert set(joined["used_queues"]) == listened


def test_a_task_reaches_the_database_through_the_connection(joined: dict[str, Any]) -> None:
    assert joined["health_run"] == "success"
    assert not Path(joined["place"], "home", ".emotion").exists()
