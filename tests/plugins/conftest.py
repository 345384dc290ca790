"""Airflow as its API server has it (its tables, our DAGs, its auth manager), and people in it."""

import importlib.util
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType

import pytest
from factories import make_model
from fastapi.testclient import TestClient

from emotion_core.settings import Settings
from emotion_core.store import batches
from emotion_core.store.batches import ArrivedFile
from emotion_core.store.database import Database
from emotion_core.store.models import ModelVersion

ROOT = Path(__file__).parents[2]

Visit = Callable[[str | None], TestClient]
"""From a role of Airflow's simple auth manager to somebody who has it."""


@pytest.fixture(scope="session")
def plugin(stored_dags: None) -> ModuleType:
    from airflow.api_fastapi.app import create_auth_manager

    create_auth_manager().init()
    spec = importlib.util.spec_from_file_location(
        "emotion_pages", ROOT / "plugins" / "emotion_pages.py"
    )
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def visit(plugin: ModuleType, configured: Settings, monkeypatch: pytest.MonkeyPatch) -> Visit:
    """Who has logged in; the login itself is Airflow's."""
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    def as_role(role: str | None) -> TestClient:
        user = SimpleAuthManagerUser(username=f"the {role}", role=role)
        monkeypatch.setitem(plugin.app.dependency_overrides, plugin.get_user, lambda: user)
        return TestClient(plugin.app, follow_redirects=False)

    return as_role


@pytest.fixture
def visitor(visit: Visit) -> TestClient:
    """Somebody who may look."""
    return visit("viewer")


@pytest.fixture
def operator(visit: Visit) -> TestClient:
    """Somebody who may act."""
    return visit("op")


@pytest.fixture
def open_batch(database: Database) -> Callable[[str, Iterable[ArrivedFile]], ModelVersion]:
    """Opens a batch of these files, planned for a model of its own, which is returned."""

    def open_(run_key: str, files: Iterable[ArrivedFile]) -> ModelVersion:
        with database.transaction("emotion_train") as connection:
            model = make_model(connection)
        with database.transaction("emotion_score") as connection:
            batch = batches.open_batch(
                connection, run_key=run_key, source=f"/in/{run_key}", model_version_id=model.id
            )
            batches.enter_files(connection, batch, [*files])
            batches.plan_items(connection, batch.id)
        return model

    return open_


@pytest.fixture
def refused() -> ArrivedFile:
    """A file that could not be read."""
    return ArrivedFile(b"Jane.jpg", 1, 1, None, "unreadable_file", "d")
