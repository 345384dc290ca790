"""Homes of their own for tests that start and stop things."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from emotion_core.local import postgres_place, processes
from emotion_core.local.credentials import Credentials, load_or_create
from emotion_core.local.home import Home
from emotion_core.local.postgres import PostgresServer


@pytest.fixture
def home() -> Iterator[Home]:
    """A made home; whatever a test leaves running in it is ended."""
    # A short path: a Unix socket lies in it.
    folder = Path(tempfile.mkdtemp(prefix="emotion-"))
    made = Home(folder)
    made.make()
    yield made
    PostgresServer(made, "").stop()
    processes.kill(processes.of_home(made))
    postgres_place.remove(made)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def credentials(home: Home) -> Credentials:
    return load_or_create(home.secrets_path)


@pytest.fixture
def server(home: Home, credentials: Credentials) -> Iterator[PostgresServer]:
    """A server of that home, not started yet."""
    made = PostgresServer(home, credentials.postgres, durable=False)
    yield made
    made.stop()
