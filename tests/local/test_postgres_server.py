"""The embedded PostgreSQL: whom it lets in, and how it comes back after a violent end."""

import os
import pwd
import shutil
import signal
import subprocess
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from emotion_core.errors import LocalSystemError
from emotion_core.local import postgres_place, processes, provision
from emotion_core.local.credentials import Credentials
from emotion_core.local.home import Home
from emotion_core.local.postgres import SUPERUSER, PostgresServer


def log_in(server: PostgresServer, user: str, password: str | None, database: str) -> None:
    """Log in over the socket and out again."""
    psycopg2.connect(
        host=str(server.place.socket_dir), user=user, password=password, dbname=database
    ).close()


def make_note(server: PostgresServer) -> None:
    with closing(server.connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE note AS SELECT 42 AS number")


def read_note(server: PostgresServer) -> int:
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT number FROM note")
        return int(cursor.fetchone()[0])


def test_wrong_and_missing_passwords_are_refused_to_our_own_user(
    server: PostgresServer, credentials: Credentials
) -> None:
    server.start()
    provision.provision_ours(server, credentials)
    provision.provision_airflow(server, credentials)

    for user in (SUPERUSER, "emotion_app", "emotion_migrate", "emotion_analyst", "airflow"):
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            log_in(server, user, "guessed", "emotion")
        with pytest.raises(psycopg2.OperationalError, match="no password supplied"):
            log_in(server, user, None, "emotion")


def test_each_login_reaches_its_own_database_and_no_other(
    server: PostgresServer, credentials: Credentials
) -> None:
    server.start()
    provision.provision_ours(server, credentials)
    provision.provision_airflow(server, credentials)

    log_in(server, "emotion_app", credentials.emotion_app, "emotion")
    log_in(server, "airflow", credentials.airflow, "airflow")

    for user, password, database in (
        ("emotion_app", credentials.emotion_app, "airflow"),
        ("emotion_app", credentials.emotion_app, "postgres"),
        ("airflow", credentials.airflow, "emotion"),
        ("airflow", credentials.airflow, "template1"),
    ):
        with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
            log_in(server, user, password, database)


def test_another_user_of_the_machine_cannot_reach_the_socket(server: PostgresServer) -> None:
    server.start()
    socket_path = server.place.socket_dir / ".s.PGSQL.5432"

    for folder in (server.place.socket_dir, server.place.directory, server.place.data_dir):
        assert folder.stat().st_mode & 0o077 == 0, folder
    if os.geteuid() == 0:  # only root can become somebody else
        nobody = pwd.getpwnam("nobody")
        attempt = subprocess.run(
            ["stat", str(socket_path)],
            user=nobody.pw_uid,
            group=nobody.pw_gid,
            extra_groups=[],
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Permission denied" in attempt.stderr


def test_no_network_port_is_opened(server: PostgresServer) -> None:
    server.start()
    leader, others = server.running()
    assert leader is not None

    listening = [
        connection
        for process in (leader, *others)
        for connection in process.net_connections("inet")
        if connection.status == "LISTEN"
    ]

    assert listening == []


def test_a_password_never_reaches_the_servers_log(
    server: PostgresServer, credentials: Credentials, home: Home
) -> None:
    server.start()
    with (server.place.data_dir / "postgresql.conf").open("a") as settings:
        settings.write("log_statement = all\n")
    server.stop()
    server.start()

    provision.provision_ours(server, credentials)

    log = (home.logs_dir / "postgres.log").read_text()
    assert "ALTER ROLE" in log
    assert credentials.emotion_app not in log


def test_data_outlives_a_kill_of_the_server(server: PostgresServer) -> None:
    child, _ = server.start()
    make_note(server)

    os.kill(child.popen.pid, signal.SIGKILL)
    server.start()

    assert read_note(server) == 42


def test_a_server_whose_owner_was_killed_is_replaced(
    server: PostgresServer, home: Home, credentials: Credentials
) -> None:
    abandoned, _ = server.start()
    make_note(server)

    successor = PostgresServer(home, credentials.postgres, durable=False)
    _, notes = successor.start()

    assert abandoned.popen.wait(timeout=10) == 0
    assert notes == ["stopped a PostgreSQL that an earlier start had left running"]
    assert read_note(successor) == 42
    successor.stop()


def test_a_lock_file_that_names_a_living_stranger_is_no_obstacle(server: PostgresServer) -> None:
    server.start()
    make_note(server)
    server.stop()

    lock = server.place.data_dir / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n{server.place.data_dir}\n")
    server.start()

    assert read_note(server) == 42


def test_an_interrupted_creation_of_the_cluster_leaves_no_trace(server: PostgresServer) -> None:
    place = postgres_place.prepare(server.home)
    unfinished = place.directory / "data.unfinished"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18\n")

    server.start()

    assert not unfinished.exists()


def test_a_cluster_of_a_removed_home_is_kept_aside(
    server: PostgresServer, home: Home, credentials: Credentials
) -> None:
    server.start()
    origin = server.place.directory / "origin.json"
    origin.write_text('{"home": "the one before", "token": "another"}')

    successor = PostgresServer(home, credentials.postgres, durable=False)
    _, notes = successor.start()

    kept = Path(notes[0].rpartition(" ")[2])
    assert (kept / "data" / "PG_VERSION").is_file()
    successor.stop()
    shutil.rmtree(kept)


def test_foreign_passwords_are_one_sentence(server: PostgresServer, home: Home) -> None:
    server.start()
    server.stop()

    stranger = PostgresServer(home, "not the password of this cluster", durable=False)

    with pytest.raises(LocalSystemError, match=r"secrets\.json are not those of the database"):
        stranger.start()
    assert stranger.running() == (None, [])


def test_a_start_that_fails_shows_the_end_of_the_log(server: PostgresServer) -> None:
    server.start()
    server.stop()
    with (server.place.data_dir / "postgresql.conf").open("a") as settings:
        settings.write("no_such_setting = on\n")

    with pytest.raises(LocalSystemError, match="no_such_setting"):
        server.start()


def test_provisioning_twice_changes_nothing_and_heals_a_changed_password(
    server: PostgresServer, credentials: Credentials
) -> None:
    server.start()
    assert provision.provision_ours(server, credentials) != []
    with closing(server.connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute("ALTER ROLE emotion_app PASSWORD 'changed'")

    applied = provision.provision_ours(server, credentials)

    assert applied == []
    log_in(server, "emotion_app", credentials.emotion_app, "emotion")


def test_the_analysts_password_file_lets_psql_in(
    server: PostgresServer, credentials: Credentials, home: Home
) -> None:
    server.start()
    provision.provision_ours(server, credentials)
    password_file = home.path / "pgpass"
    provision.write_password_file(password_file, server, credentials)

    query = ["-h", str(server.place.socket_dir), "-U", provision.ANALYST, "emotion", "-Atc"]
    done = subprocess.run(
        [str(server.program_psql), *query, "SELECT count(*) FROM current_prediction"],
        env={"PGPASSFILE": str(password_file)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert password_file.stat().st_mode & 0o777 == 0o600
    assert done.stdout == "0\n", done.stderr


def test_stopping_twice_is_fine(server: PostgresServer) -> None:
    server.start()

    assert server.stop()
    assert not server.stop()
    assert processes.of_home(server.home) == []
