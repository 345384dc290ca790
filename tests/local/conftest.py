"""Homes and a PostgreSQL of their own for tests that start and stop things."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from emotion_core.local import provision
from emotion_core.local.credentials import Credentials, load_or_create
from emotion_core.local.guardian import end_everything
from emotion_core.local.home import Home
from emotion_core.local.postgres import PostgresServer


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A made home; whatever a test leaves running in it is ended."""
    made = Home(tmp_path / "home")
    made.make()
    yield made
    end_everything(made)


@pytest.fixture
def credentials(home: Home) -> Credentials:
    return load_or_create(home.secrets_path)


@pytest.fixture(scope="module")
def shared_home() -> Iterator[Home]:
    # A short path: a Unix socket lies in it.
    folder = Path(tempfile.mkdtemp(prefix="emotion-"))
    made = Home(folder)
    made.make()
    yield made
    end_everything(made)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def cluster(shared_home: Home) -> PostgresServer:
    """One provisioned cluster for the tests of a file: making one takes longer than they do."""
    drawn = load_or_create(shared_home.secrets_path)
    made = PostgresServer(shared_home, drawn.postgres, durable=False)
    made.start()
    assert provision.provision(made, drawn) != [], "migrations were applied"
    return made


@pytest.fixture
def server(cluster: PostgresServer) -> Iterator[PostgresServer]:
    """That cluster, running, with the settings that it was made with."""
    settings = cluster.data_dir / "postgresql.conf"
    before = settings.read_text()
    if not cluster.running()[0]:
        cluster.start()
    yield cluster
    settings.write_text(before)


@pytest.fixture
def drawn(shared_home: Home) -> Credentials:
    """The passwords of that cluster."""
    return load_or_create(shared_home.secrets_path)
