"""An installation with a database of its own: tombstones belong to one key."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from deliveries import Site
from own_database import Own

from emotion_core.local.postgres import PostgresServer
from emotion_core.settings import Settings
from emotion_core.store.database import Database

_number = itertools.count(1)


@pytest.fixture(scope="module")
def own(server: PostgresServer, urls: dict[str, str]) -> Iterator[Own]:
    made = Own(server, urls, f"privacy_{next(_number)}")
    made.make()
    yield made
    made.admin(f'DROP DATABASE "{made.name}" WITH (FORCE)', database="postgres")


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home that holds the key: one for a module, as its database is."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def settings(own: Own, shared_home: Path, tmp_path: Path) -> Settings:
    """An inbox of this test's own."""
    (tmp_path / "inbox").mkdir()
    return Settings.from_environment(
        {
            "EMOTION_HOME": str(shared_home),
            "EMOTION_INBOX_DIR": str(tmp_path / "inbox"),
            "EMOTION_ERASURES_FILE": str(shared_home / "erasures.jsonl"),
            "EMOTION_DATABASE_URL": own.urls["emotion_app"],
            "EMOTION_DEVICE": "cpu",
        }
    )


@pytest.fixture
def database(own: Own) -> Iterator[Database]:
    opened = Database(own.urls["emotion_app"])
    yield opened
    opened.close()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return str(request.node.name)


@pytest.fixture
def site(database: Database, settings: Settings, own: Own, name: str) -> Site:
    return Site(database, settings, own, name)
