"""What every test may ask for: a real PostgreSQL with roles and checked passwords, and folders."""

import os
import tempfile
from pathlib import Path

# Airflow reads its settings once, when it is first imported: a home of the tests' own, no network.
_AIRFLOW_HOME = tempfile.mkdtemp(prefix="emotion-airflow-")
_ROOT = Path(__file__).parents[1]
os.environ |= {
    "AIRFLOW_HOME": _AIRFLOW_HOME,
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__DAGS_FOLDER": str(_ROOT / "dags"),
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(_ROOT / "plugins"),
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    # A test that stores DAGs must find its own stored, not another's of half a minute before.
    "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "0",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{_AIRFLOW_HOME}/airflow.db",
    "PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")])),
}
# Threads that wait by spinning starve each other when anything else runs: ten times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# A variable of the person who runs the tests must not send them to that person's database.
for _variable in ("EMOTION_DATABASE_URL", "EMOTION_MIGRATE_DATABASE_URL", "EMOTION_HOME"):
    os.environ.pop(_variable, None)
# pytest-xdist gives its workers eighty columns; tables are as in a pipe, where nobody sets a width.
os.environ.pop("COLUMNS", None)

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from own_database import BLANK
from receiver import Receiver, receiving
from xdist.scheduler import LoadFileScheduling

from emotion_core.local.credentials import Credentials, load_or_create
from emotion_core.local.home import Home
from emotion_core.local.postgres import PostgresServer
from emotion_core.local.provision import OUR_DATABASE, addresses, provision
from emotion_core.settings import Settings
from emotion_core.store.database import Database
from emotion_core.store.models import ModelVersion

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag
    from playwright.sync_api import Browser

RunDag = Callable[..., Any]
"""From a DAG's id and its form's fields to its run, which has ended."""


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    made = Home(tmp_path_factory.mktemp("home") / "emotion")
    made.make()
    return made


@pytest.fixture(scope="session")
def credentials(home: Home) -> Credentials:
    return load_or_create(home.secrets_path)


@pytest.fixture(scope="session")
def server(home: Home, credentials: Credentials) -> Iterator[PostgresServer]:
    """A PostgreSQL of the tests' own, migrated; a crash of this machine may lose its data."""
    started = PostgresServer(home, credentials.postgres, durable=False)
    started.start()
    try:
        provision(started, credentials)
        with closing(started.connect()) as superuser:
            superuser.autocommit = True
            superuser.cursor().execute(f"CREATE DATABASE {BLANK} TEMPLATE {OUR_DATABASE}")
        yield started
    finally:
        started.remove()


@pytest.fixture(scope="session")
def urls(server: PostgresServer, credentials: Credentials) -> dict[str, str]:
    """The address of the test database for each login."""
    found = addresses(server, credentials)
    return {
        "emotion_app": found.app,
        "emotion_migrate": found.migrate,
        "emotion_analyst": found.analyst,
    }


@pytest.fixture
def database(urls: dict[str, str]) -> Iterator[Database]:
    """The test database through the login that Airflow's tasks have."""
    opened = Database(urls["emotion_app"])
    yield opened
    opened.close()


@pytest.fixture
def owner(urls: dict[str, str]) -> Iterator[Database]:
    """The test database through the login that may become the owner."""
    opened = Database(urls["emotion_migrate"])
    yield opened
    opened.close()


@pytest.fixture
def analyst(urls: dict[str, str]) -> Iterator[Database]:
    """The test database through the login that reads the views."""
    opened = Database(urls["emotion_analyst"])
    yield opened
    opened.close()


@pytest.fixture
def settings(tmp_path: Path, urls: dict[str, str]) -> Settings:
    """An installation of this test's own; the database is shared."""
    return Settings.from_environment(
        {
            "EMOTION_HOME": str(tmp_path / "home"),
            "EMOTION_DATABASE_URL": urls["emotion_app"],
            "EMOTION_DEVICE": "cpu",
        }
    )


@pytest.fixture
def configured(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The same settings in the environment, where tasks and pages in Airflow look for them."""
    monkeypatch.setenv("EMOTION_HOME", str(settings.home))
    monkeypatch.setenv("EMOTION_DATABASE_URL", settings.require_database_url())
    monkeypatch.setenv("EMOTION_DEVICE", "cpu")
    return settings


@pytest.fixture(scope="session")
def airflow_tables() -> None:
    """Airflow's own tables, where runs and DAGs are stored."""
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture(scope="session")
def bag(airflow_tables: None) -> "DagBag":
    """Every DAG, as a scheduler has it; read once, because reading takes seconds."""
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(dag_folder=str(_ROOT / "dags"))


@pytest.fixture(scope="session")
def stored_dags(bag: "DagBag") -> None:
    """Every DAG in Airflow's tables, unpaused."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import sync_bag_to_db
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session

    DagBundlesManager().sync_bundles_to_db()
    sync_bag_to_db(bag, "dags-folder", None)
    with create_session() as session:
        session.query(DagModel).update({"is_paused": False})


@pytest.fixture
def run_dag(bag: "DagBag", configured: Settings, monkeypatch: pytest.MonkeyPatch) -> RunDag:
    """Runs a DAG from its first task to its last, in this process."""

    def run(dag_id: str, **form: Any) -> Any:
        # Airflow's test() looks for deadlines that it never stored; test_deadlines is about them.
        monkeypatch.setattr(bag.dags[dag_id], "deadline", None)
        return bag.dags[dag_id].test(run_conf=form)

    return run


# Not for the whole session: while Playwright runs, no later test of this process can run asyncio.
@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """A machine's own Chromium where there is one; else the one that Playwright brings."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        yield opened
        opened.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A web server on this machine."""
    with receiving() as started:
        yield started


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a small trained network with its golden outputs."""
    from rivals import store_checked_model  # torch is slow to import

    return store_checked_model(tmp_path_factory.mktemp("stored"))


@pytest.fixture
def models(database: Database, urls: dict[str, str], stored: Path) -> Iterator[list[ModelVersion]]:
    """A champion and another model that can score."""
    from factories import make_model
    from promotions import forget_champion, make_champion

    forget_champion(urls)
    with database.transaction("emotion_train") as connection:
        made = [make_model(connection, folder=stored) for _ in range(2)]
        make_champion(connection, made[0])
    yield made
    forget_champion(urls)


def pytest_sessionfinish() -> None:
    shutil.rmtree(_AIRFLOW_HOME, ignore_errors=True)


# --- what cannot run here is counted and named ---------------------------------------------


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("real_data") and not os.environ.get("EMOTION_REAL_DATA"):
            item.add_marker(pytest.mark.skip(reason="set EMOTION_REAL_DATA to the real data set"))
        if item.get_closest_marker("gpu") and not _has_gpu():
            item.add_marker(pytest.mark.skip(reason="no CUDA device here"))
    # What takes minutes first, then the largest files: at the end no worker waits for another.
    sizes = Counter(item.path for item in items)
    items.sort(key=lambda item: (not item.get_closest_marker("end_to_end"), -sizes[item.path]))


class OneSystemAtATime(LoadFileScheduling):
    """Files go whole to one worker or another, and all that start a system to the same one.

    Two systems at a time slow each other down.
    """

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return "end_to_end" if "/end_to_end/" in file else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadFileScheduling | None:
    return OneSystemAtATime(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    # What a test measured and recorded by `record_property("figure", sentence)`.
    figures = [
        sentence
        for report in terminalreporter.stats.get("passed", [])
        for name, sentence in report.user_properties
        if name == "figure"
    ]
    if figures:
        terminalreporter.section("figures")
        for sentence in figures:
            terminalreporter.line(str(sentence))
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped:
        terminalreporter.section(f"{len(skipped)} tests not run here")
        for report in skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
            terminalreporter.line(f"{report.nodeid}: {str(reason).removeprefix('Skipped: ')}")


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()
