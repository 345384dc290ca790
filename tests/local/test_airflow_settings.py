"""What Airflow's processes are told, and where their pages are."""

import json
import socket
from contextlib import closing
from pathlib import Path

import pytest

from emotion_core.errors import LocalSystemError
from emotion_core.local import airflow
from emotion_core.local.credentials import Credentials
from emotion_core.local.home import Home
from emotion_core.settings import Settings


def environment(base: dict[str, str], home: Home, credentials: Credentials) -> dict[str, str]:
    settings = Settings.from_environment({"EMOTION_HOME": str(home.path), **base})
    return airflow.environment(
        base,
        settings,
        home,
        credentials,
        port=8123,
        airflow_url="postgresql+psycopg2://airflow:a@/airflow",
        app_url="postgresql+psycopg2://emotion_app:b@/emotion",
    )


def test_tasks_get_their_own_login_and_no_stronger_one(
    home: Home, credentials: Credentials
) -> None:
    base = {"EMOTION_MIGRATE_DATABASE_URL": "postgresql://emotion_migrate:c@/emotion"}

    told = environment(base, home, credentials)

    assert told["EMOTION_DATABASE_URL"] == "postgresql+psycopg2://emotion_app:b@/emotion"
    assert "EMOTION_MIGRATE_DATABASE_URL" not in told
    for strong in (credentials.emotion_migrate, credentials.postgres, credentials.admin):
        assert strong not in told.values()


def test_another_airflow_of_the_user_does_not_leak_in(home: Home, credentials: Credentials) -> None:
    base = {
        "AIRFLOW_HOME": "/elsewhere",
        "AIRFLOW__CORE__DAGS_FOLDER": "/elsewhere/dags",
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW__API__PORT": "1",
        "AIRFLOW__CORE__PARALLELISM": "16",
    }

    told = environment(base, home, credentials)

    assert told["AIRFLOW_HOME"] == str(home.airflow_dir)
    assert not told["AIRFLOW__CORE__DAGS_FOLDER"].startswith("/elsewhere")
    assert told["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert told["AIRFLOW__API__PORT"] == "8123"
    assert told["AIRFLOW__CORE__PARALLELISM"] == "16", "tuning is the user's"


def test_folders_given_from_elsewhere_are_absolute(
    home: Home, credentials: Credentials, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)

    told = environment({"EMOTION_INBOX_DIR": "arriving"}, home, credentials)

    assert told["EMOTION_INBOX_DIR"] == str(tmp_path / "arriving")


def test_a_proxy_for_the_internet_does_not_catch_our_own_calls(
    home: Home, credentials: Credentials
) -> None:
    told = environment({"NO_PROXY": "intranet"}, home, credentials)

    assert told["NO_PROXY"].split(",") == ["intranet", "127.0.0.1", "localhost"]


def test_titles_do_not_hide_the_marker_of_our_processes(
    home: Home, credentials: Credentials
) -> None:
    assert environment({}, home, credentials)["SPT_NOENV"] == "1"


def test_the_logins_of_the_pages_are_in_a_private_file(
    home: Home, credentials: Credentials
) -> None:
    told = environment({}, home, credentials)

    path = Path(told["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
    users = told["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["viewer"] == credentials.viewer
    assert users == "admin:admin,operator:op,viewer:viewer"


def test_a_taken_port_that_was_asked_for_is_one_sentence() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]

        with pytest.raises(LocalSystemError, match=f"port {port} is taken by another program"):
            airflow.choose_port(port)


def test_a_taken_default_port_gives_way_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        taken = other.getsockname()[1]
        monkeypatch.setattr(airflow, "DEFAULT_PORT", taken)

        chosen = airflow.choose_port(None)

    assert taken < chosen < taken + 200


@pytest.mark.parametrize("port", [0, 65536])
def test_a_port_that_cannot_be_is_one_sentence(port: int) -> None:
    with pytest.raises(LocalSystemError, match="from 1 to 65535"):
        airflow.choose_port(port)


def test_every_pool_that_a_dag_names_is_made() -> None:
    dags = Path(__file__).parents[2] / "dags"
    named = {
        part.split('"')[1]
        for path in dags.glob("*.py")
        for part in path.read_text().split("pool=")[1:]
    }

    assert named
    assert named <= airflow.POOLS.keys()
