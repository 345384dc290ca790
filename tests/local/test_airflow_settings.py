"""What Airflow's processes are told, and where their pages are."""

import json
import os
import socket
from contextlib import closing
from pathlib import Path
from unittest.mock import patch

import httpx
import pytest

from emotion_core.errors import LocalSystemError
from emotion_core.local import airflow
from emotion_core.local.credentials import Credentials
from emotion_core.local.home import Home
from emotion_core.local.proxies import unusable
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


OURS = ["127.0.0.1", "localhost", "::1"]


@pytest.mark.parametrize(
    ("base", "excepted"),
    [
        ({}, OURS),
        ({"NO_PROXY": "intranet"}, ["intranet", *OURS]),
        ({"no_proxy": "localhost,.corp"}, ["localhost", ".corp", "127.0.0.1", "::1"]),
        ({"NO_PROXY": "a, b", "no_proxy": "b,c"}, ["a", "b", "c", *OURS]),
        ({"no_proxy": "*"}, ["*", *OURS]),
        ({"no_proxy": "", "NO_PROXY": ","}, OURS),
        (
            {"no_proxy": "fd00::/8,[::1],::1,10.0.0.0/8,h:80"},
            ["::1", "10.0.0.0/8", "h:80", *OURS[:2]],
        ),
    ],
)
@pytest.mark.parametrize(
    "proxies",
    [
        {},
        {"http_proxy": "http://proxy:3128", "HTTPS_PROXY": "proxy:3128"},
        {"all_proxy": "socks5://proxy:1080"},
        {"ALL_PROXY": "socks4://proxy:1080", "http_proxy": "http://proxy:port"},
        {"https_proxy": "://", "HTTP_PROXY": "http://me:pass@proxy"},
    ],
)
def test_a_proxy_for_the_internet_does_not_catch_our_own_calls(
    home: Home,
    credentials: Credentials,
    base: dict[str, str],
    excepted: list[str],
    proxies: dict[str, str],
) -> None:
    told = environment({**base, **proxies}, home, credentials)

    assert told["NO_PROXY"] == told["no_proxy"]
    assert told["NO_PROXY"].split(",") == excepted
    with patch.dict(os.environ, told, clear=True), httpx.Client() as client:  # as Airflow's tasks
        for host in ("127.0.0.1", "localhost", "[::1]"):
            way = client._transport_for_url(httpx.URL(f"http://{host}:8080/execution/"))
            assert way is client._transport, host


@pytest.mark.parametrize(
    ("name", "value", "is_kept"),
    [
        ("http_proxy", "http://proxy:3128", True),
        ("HTTPS_PROXY", "proxy:3128", True),
        ("all_proxy", "", True),
        ("all_proxy", "socks5://proxy:1080", False),
        ("HTTPS_PROXY", "socks5h://proxy:1080", False),
        ("http_proxy", "http://proxy:port", False),
    ],
)
def test_a_proxy_that_airflow_cannot_use_is_left_out_and_said(
    home: Home, credentials: Credentials, name: str, value: str, is_kept: bool
) -> None:
    told = environment({name: value}, home, credentials)

    assert (name in told) == is_kept
    assert unusable({name: value}) == ([] if is_kept else [name])


def test_what_a_user_sets_for_postgresql_elsewhere_does_not_reach_ours(
    home: Home, credentials: Credentials
) -> None:
    base = {"PGOPTIONS": "-c search_path=x", "PGCLIENTENCODING": "LATIN1", "PGSSLMODE": "require"}

    told = environment(base, home, credentials)

    assert {name for name in told if name.startswith("PG")} == {"PGSSLMODE"}


def test_airflow_gets_a_name_for_a_user_that_the_machine_has_none_for(
    home: Home, credentials: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54_321)

    assert environment({}, home, credentials)["LOGNAME"] == "54321"
    assert environment({"LOGNAME": "mia"}, home, credentials)["LOGNAME"] == "mia"


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
