"""The environment of Airflow's processes, and where their pages are."""

import json
import os
import socket
from collections.abc import Callable
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

Environment = Callable[..., dict[str, str]]
OURS = ["127.0.0.1", "localhost", "::1"]


@pytest.fixture
def environment(home: Home, credentials: Credentials) -> Environment:
    """The environment of Airflow's processes, from the user's own."""

    def made(**base: str) -> dict[str, str]:
        return airflow.environment(
            base,
            Settings.from_environment({"EMOTION_HOME": str(home.path), **base}),
            home,
            credentials,
            port=8123,
            airflow_url="postgresql+psycopg2://airflow:a@/airflow",
            app_url="postgresql+psycopg2://emotion_app:b@/emotion",
        )

    return made


def test_tasks_get_their_own_login_and_no_stronger_one(
    environment: Environment, credentials: Credentials
) -> None:
    found = environment(EMOTION_MIGRATE_DATABASE_URL="postgresql://emotion_migrate:c@/emotion")

    assert found["EMOTION_DATABASE_URL"] == "postgresql+psycopg2://emotion_app:b@/emotion"
    assert "EMOTION_MIGRATE_DATABASE_URL" not in found
    for strong in (credentials.emotion_migrate, credentials.postgres, credentials.admin):
        assert strong not in found.values()


def test_what_a_user_sets_for_other_systems_does_not_reach_ours(
    environment: Environment, home: Home
) -> None:
    found = environment(
        AIRFLOW_HOME="/elsewhere",
        AIRFLOW__CORE__DAGS_FOLDER="/elsewhere/dags",
        AIRFLOW__CORE__EXECUTOR="CeleryExecutor",
        AIRFLOW__API__PORT="1",
        AIRFLOW__CORE__PARALLELISM="16",
        PGOPTIONS="-c search_path=x",
        PGCLIENTENCODING="LATIN1",
        PGSSLMODE="require",
    )

    assert found["AIRFLOW_HOME"] == str(home.airflow_dir)
    assert not found["AIRFLOW__CORE__DAGS_FOLDER"].startswith("/elsewhere")
    assert found["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert found["AIRFLOW__API__PORT"] == "8123"
    assert found["AIRFLOW__CORE__PARALLELISM"] == "16", "tuning is the user's"
    assert {name for name in found if name.startswith("PG")} == {"PGSSLMODE"}


def test_folders_given_from_elsewhere_are_absolute(
    environment: Environment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)

    assert environment(EMOTION_INBOX_DIR="in")["EMOTION_INBOX_DIR"] == str(tmp_path / "in")


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
    environment: Environment, base: dict[str, str], excepted: list[str], proxies: dict[str, str]
) -> None:
    found = environment(**base, **proxies)

    assert found["NO_PROXY"] == found["no_proxy"]
    assert found["NO_PROXY"].split(",") == excepted
    with patch.dict(os.environ, found, clear=True), httpx.Client() as client:  # as Airflow's tasks
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
def test_a_proxy_that_airflow_cannot_use_is_left_out_and_named(
    environment: Environment, name: str, value: str, is_kept: bool
) -> None:
    assert (name in environment(**{name: value})) == is_kept
    assert unusable({name: value}) == ([] if is_kept else [name])


def test_airflow_gets_a_name_for_a_user_that_the_machine_has_none_for(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54_321)

    assert environment()["LOGNAME"] == "54321"
    assert environment(LOGNAME="mia")["LOGNAME"] == "mia"


def test_every_process_carries_the_mark_of_its_home_and_no_title_hides_it(
    environment: Environment, home: Home
) -> None:
    found = environment()

    assert (found["EMOTION_INSTANCE"], found["SPT_NOENV"]) == (home.id, "1")


def test_the_logins_of_the_pages_are_in_a_private_file(
    environment: Environment, credentials: Credentials
) -> None:
    found = environment()

    path = Path(found["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
    users = found["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["viewer"] == credentials.viewer
    assert users == "admin:admin,operator:op,viewer:viewer"


def test_a_taken_port_gives_way_to_the_next_unless_it_was_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        taken = other.getsockname()[1]
        monkeypatch.setattr(airflow, "DEFAULT_PORT", taken)

        with pytest.raises(LocalSystemError, match=f"port {taken} is taken by another program"):
            airflow.choose_port(taken)
        assert taken < airflow.choose_port(None) < taken + 200


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
