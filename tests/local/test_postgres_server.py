"""The embedded PostgreSQL: whom it lets in, and how it comes back after a violent end."""

import os
import pwd
import secrets
import signal
import subprocess
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from emotion_core.errors import LocalSystemError
from emotion_core.local import processes, provision
from emotion_core.local.credentials import Credentials, load_or_create
from emotion_core.local.home import Home, read_json, write_private_json
from emotion_core.local.postgres import SUPERUSER, PostgresServer
from emotion_core.settings import SQL_DIR

ROOT = Path(__file__).parents[2]
DATABASES = {
    "airflow": "airflow",
    "emotion_migrate": "emotion",
    "emotion_app": "emotion",
    "emotion_analyst": "emotion",
    SUPERUSER: "postgres",
}


def refusal(
    server: PostgresServer, user: str, password: str | None, database: str | None = None
) -> str | None:
    """What the server says to a login over its socket; None where it lets it in."""
    try:
        psycopg2.connect(
            host=str(server.socket_dir),
            user=user,
            password=password,
            dbname=database or DATABASES[user],
        ).close()
    except psycopg2.OperationalError as error:
        return str(error)
    return None


def admin(server: PostgresServer, statement: str) -> None:
    with closing(server.connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)


def note(server: PostgresServer) -> int:
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT number FROM note")
        return int(cursor.fetchone()[0])


@pytest.fixture
def noted(server: PostgresServer) -> PostgresServer:
    """The server, with a table that was committed."""
    admin(server, "DROP TABLE IF EXISTS note; CREATE TABLE note AS SELECT 42 AS number")
    return server


@pytest.mark.parametrize("user", DATABASES)
def test_only_the_right_password_lets_even_our_own_user_in(
    server: PostgresServer, drawn: Credentials, user: str
) -> None:
    assert refusal(server, user, drawn.password(user)) is None
    assert "password authentication failed" in str(refusal(server, user, "guessed"))
    assert "no password supplied" in str(refusal(server, user, None))


@pytest.mark.parametrize(
    ("user", "database"),
    [
        ("emotion_app", "airflow"),
        ("emotion_app", "postgres"),
        ("airflow", "emotion"),
        ("airflow", "template1"),
    ],
)
def test_a_login_reaches_no_database_but_its_own(
    server: PostgresServer, drawn: Credentials, user: str, database: str
) -> None:
    said = refusal(server, user, drawn.password(user), database)

    assert "permission denied for database" in str(said)


def test_another_user_of_the_machine_cannot_reach_the_socket(server: PostgresServer) -> None:
    socket_path = server.socket_dir / ".s.PGSQL.5432"

    assert socket_path.exists()
    for folder in (server.home.path, server.socket_dir, server.directory, server.data_dir):
        assert folder.stat().st_mode & 0o077 == 0, folder
    if os.geteuid() == 0:  # only root can become somebody else; the server runs as nobody, too
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


def test_the_server_never_runs_as_root_and_opens_no_network_port(server: PostgresServer) -> None:
    (leader,), others = server.running()

    assert others
    for process in (leader, *others):
        assert process.uids().effective != 0
        assert [c for c in process.net_connections("inet") if c.status == "LISTEN"] == []


def test_a_password_never_reaches_the_servers_log(
    server: PostgresServer, drawn: Credentials
) -> None:
    with (server.data_dir / "postgresql.conf").open("a") as settings:
        settings.write("log_statement = all\n")
    (leader,), _ = server.running()
    leader.send_signal(signal.SIGHUP)

    def log() -> str:
        return (server.home.logs_dir / "postgres.log").read_text()

    while 'parameter "log_statement" changed' not in log():
        pass
    provision.provision(server, drawn)

    assert "ALTER ROLE emotion_app LOGIN PASSWORD 'SCRAM-SHA-256" in log()
    assert drawn.emotion_app not in log()


def test_data_outlives_a_kill_of_the_server(noted: PostgresServer) -> None:
    (leader,), _ = noted.running()

    leader.kill()
    noted.start()

    assert note(noted) == 42


def test_a_server_whose_owner_was_killed_is_replaced(
    noted: PostgresServer, drawn: Credentials
) -> None:
    (abandoned,), _ = noted.running()

    PostgresServer(noted.home, drawn.postgres, durable=False).start()

    assert processes.wait_for_end([abandoned], 0.0) == []
    assert note(noted) == 42


def test_a_lock_file_that_names_a_living_stranger_is_no_obstacle(noted: PostgresServer) -> None:
    noted.stop()

    (noted.data_dir / "postmaster.pid").write_text(f"{os.getpid()}\n{noted.data_dir}\n")
    noted.start()

    assert note(noted) == 42


def test_an_interrupted_creation_of_the_cluster_leaves_no_trace(
    home: Home, credentials: Credentials
) -> None:
    server = PostgresServer(home, credentials.postgres, durable=False)
    unfinished = server.directory / "data.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")

    server.start()

    assert not unfinished.exists()


def test_a_socket_whose_path_would_be_too_long_lies_in_a_folder_of_our_own(home: Home) -> None:
    server = PostgresServer(Home(home.path / ("long " * 20)), "")

    assert server.socket_dir.parent == Path("/tmp")  # noqa: S108
    server.socket_dir.symlink_to(home.path)
    server.home.path.mkdir()
    try:
        with pytest.raises(LocalSystemError, match="is in the way"):
            server.start()
    finally:
        server.socket_dir.unlink()


def test_foreign_passwords_are_one_sentence(server: PostgresServer) -> None:
    stranger = PostgresServer(server.home, "not the password of this cluster", durable=False)

    with pytest.raises(LocalSystemError, match=r"secrets\.json are not those of the database"):
        stranger.start()
    assert stranger.running() == ([], [])


def test_a_start_that_fails_shows_the_end_of_the_log(server: PostgresServer) -> None:
    server.stop()
    with (server.data_dir / "postgresql.conf").open("a") as settings:
        settings.write("no_such_setting = on\n")

    with pytest.raises(LocalSystemError, match="no_such_setting"):
        server.start()


def test_provisioning_again_migrates_nothing_and_heals_a_changed_password(
    server: PostgresServer, drawn: Credentials
) -> None:
    admin(server, "ALTER ROLE emotion_app PASSWORD 'changed'")

    assert provision.provision(server, drawn) == []

    assert refusal(server, "emotion_app", drawn.emotion_app) is None


def test_lines_taken_out_of_the_local_file_are_drawn_anew_and_set(
    server: PostgresServer, drawn: Credentials
) -> None:
    path = server.home.secrets_path
    stored = read_json(path) or {}
    write_private_json(path, {name: stored[name] for name in ("postgres", "fernet_key")})

    changed = load_or_create(path)
    provision.provision(server, changed)

    assert changed.jwt_secret != drawn.jwt_secret
    for login in DATABASES.keys() - {SUPERUSER}:
        assert refusal(server, login, changed.password(login)) is None
        assert refusal(server, login, drawn.password(login)) is not None


def test_the_composed_databases_take_the_passwords_of_a_new_env_file(
    server: PostgresServer, drawn: Credentials
) -> None:
    variables = provision.PASSWORDS
    first, second = ({login: secrets.token_urlsafe(24) for login in variables} for _ in range(2))

    for new, superusers in ((first, drawn.postgres), (second, first[SUPERUSER])):
        done = subprocess.run(
            ["sh", ROOT / "deploy" / "databases.sh"],
            env={
                **server.client_environment(),
                **{variable: new[login] for login, variable in variables.items()},
                "PGPASSWORD": superusers,
                "EMOTION_SQL_DIR": str(SQL_DIR),
            },
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr

    for login in variables:
        assert refusal(server, login, second[login]) is None, login
        assert refusal(server, login, first[login]) is not None, login
    admin_again = f"ALTER ROLE postgres PASSWORD '{drawn.postgres}'"
    admin(PostgresServer(server.home, second[SUPERUSER]), admin_again)


@pytest.mark.parametrize("variable", ["POSTGRES_PASSWORD", "AIRFLOW_JWT_SECRET"])
def test_a_line_taken_out_of_the_env_file_is_drawn_anew_and_the_others_stay(
    tmp_path: Path, variable: str
) -> None:
    env_file = tmp_path / ".env"

    def drawn_there() -> dict[str, str]:
        subprocess.run(
            ["python3", ROOT / "deploy" / "make_secrets.py", env_file],
            check=True,
            capture_output=True,
        )
        return dict(line.split("=", 1) for line in env_file.read_text().splitlines())

    before = drawn_there()
    lines = [f"{name}={value}" for name, value in before.items() if name != variable]
    env_file.write_text("\n".join(lines) + "\n")
    after = drawn_there()

    assert {name for name in before if before[name] != after[name]} == {variable}


def test_the_analysts_password_file_lets_psql_in(
    server: PostgresServer, drawn: Credentials
) -> None:
    provision.provision(server, drawn)
    password_file = server.home.path / "pgpass"
    conninfo = provision.write_password_file(password_file, server, drawn)

    query = ["-Atc", "SELECT count(*) FROM current_prediction"]
    done = subprocess.run(
        [str(server.programs / "psql"), conninfo, *query],
        capture_output=True,
        text=True,
        check=False,
    )

    assert password_file.stat().st_mode & 0o777 == 0o600
    assert done.stdout == "0\n", done.stderr


def test_stopping_twice_is_fine(server: PostgresServer) -> None:
    assert server.stop()
    assert not server.stop()
