"""Airflow as its API server has it (its tables, our DAGs, its auth manager), and people in it."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from fastapi.testclient import TestClient

from emotion_core.settings import Settings

ROOT = Path(__file__).parents[2]

Visit = Callable[[str | None], TestClient]
"""From a role of Airflow's simple auth manager to somebody who has it."""


@pytest.fixture(scope="session")
def plugin() -> ModuleType:
    from airflow.api_fastapi.app import create_auth_manager
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
    from airflow.models.dag import DagModel
    from airflow.utils.db import initdb
    from airflow.utils.session import create_session

    initdb()
    create_auth_manager().init()
    DagBundlesManager().sync_bundles_to_db()
    sync_bag_to_db(DagBag(dag_folder=str(ROOT / "dags")), "dags-folder", None)
    with create_session() as session:
        session.query(DagModel).update({"is_paused": False})
    spec = importlib.util.spec_from_file_location(
        "emotion_pages", ROOT / "plugins" / "emotion_pages.py"
    )
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def visit(plugin: ModuleType, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Visit:
    """Who has logged in; the login itself is Airflow's."""
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    assert settings.database_url
    monkeypatch.setenv("EMOTION_HOME", str(settings.home))
    monkeypatch.setenv("EMOTION_DATABASE_URL", settings.database_url)

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
