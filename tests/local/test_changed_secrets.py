"""Changed secrets, as docs/deploy/operations.md says: the old ones let nobody in any more."""

import os
import secrets
import subprocess
from pathlib import Path

import psycopg2
import pytest

from emotion_core.local import provision
from emotion_core.local.credentials import Credentials, load_or_create
from emotion_core.local.home import Home, read_json, write_private_json
from emotion_core.local.postgres import PostgresServer
from emotion_core.settings import SQL_DIR

ROOT = Path(__file__).parents[2]
DATABASES = {
    "airflow": "airflow",
    "emotion_migrate": "emotion",
    "emotion_app": "emotion",
    "emotion_analyst": "emotion",
}


def may_log_in(server: PostgresServer, login: str, password: str) -> bool:
    try:
        psycopg2.connect(
            host=str(server.place.socket_dir),
            user=login,
            password=password,
            dbname=DATABASES.get(login, "postgres"),
        ).close()
    except psycopg2.OperationalError as error:
        assert "password authentication failed" in str(error)
        return False
    return True


def test_lines_taken_out_of_the_local_file_are_drawn_anew_and_set(
    server: PostgresServer, home: Home, credentials: Credentials
) -> None:
    server.start()
    provision.provision_ours(server, credentials)
    provision.provision_airflow(server, credentials)
    server.stop()
    stored = read_json(home.secrets_path) or {}
    kept = {name: stored[name] for name in ("postgres", "fernet_key")}
    write_private_json(home.secrets_path, kept)

    changed = load_or_create(home.secrets_path)
    server.start()
    provision.provision_ours(server, changed)
    provision.provision_airflow(server, changed)

    assert changed.jwt_secret != credentials.jwt_secret
    for login in DATABASES:
        assert may_log_in(server, login, changed.password(login))
        assert not may_log_in(server, login, credentials.password(login))


def test_the_composed_databases_take_the_passwords_of_a_new_env_file(
    server: PostgresServer, credentials: Credentials
) -> None:
    variables = {
        "postgres": "POSTGRES_PASSWORD",
        "airflow": "AIRFLOW_DB_PASSWORD",
        "emotion_migrate": "EMOTION_MIGRATE_PASSWORD",
        "emotion_app": "EMOTION_APP_PASSWORD",
        "emotion_analyst": "EMOTION_ANALYST_PASSWORD",
    }
    first, second = ({login: secrets.token_urlsafe(24) for login in variables} for _ in range(2))
    server.start()

    for drawn, superusers in ((first, credentials.postgres), (second, first["postgres"])):
        done = subprocess.run(
            ["sh", ROOT / "deploy" / "databases.sh"],
            env={
                **{variable: drawn[login] for login, variable in variables.items()},
                "PATH": f"{server.program_psql.parent}:{os.environ['PATH']}",
                "PGHOST": str(server.place.socket_dir),
                "PGPASSWORD": superusers,
                "EMOTION_SQL_DIR": str(SQL_DIR),
            },
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr

    for login in variables:
        assert may_log_in(server, login, second[login]), login
        assert not may_log_in(server, login, first[login]), login


@pytest.mark.parametrize("variable", ["POSTGRES_PASSWORD", "AIRFLOW_JWT_SECRET"])
def test_a_line_taken_out_of_the_env_file_is_drawn_anew_and_the_others_stay(
    tmp_path: Path, variable: str
) -> None:
    env_file = tmp_path / ".env"

    def drawn() -> dict[str, str]:
        subprocess.run(
            ["python3", ROOT / "deploy" / "make_secrets.py", env_file],
            check=True,
            capture_output=True,
        )
        return dict(line.split("=", 1) for line in env_file.read_text().splitlines())

    before = drawn()
    lines = [f"{name}={value}" for name, value in before.items() if name != variable]
    env_file.write_text("\n".join(lines) + "\n")
    after = drawn()

    assert {name for name in before if before[name] != after[name]} == {variable}
