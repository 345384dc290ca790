"""A database's address: whatever is wrong with it is one sentence, which holds no piece of it."""

import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from asking import ask
from own_database import Own
from shells import emotion
from sqlalchemy.engine import make_url

from emotion_core.errors import StoreError
from emotion_core.local.postgres import PostgresServer
from emotion_core.store.address import psql_address, read_address
from emotion_core.store.database import Database
from emotion_core.store.migrations import migrate

SECRETS = ("hunter2", "swordfish")


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("postgresql://me:hunter2@h/db?schema=public", "has the option 'schema'"),
        ("postgresql://me:hunter2@h/db?sslmode=require&ssl=on", "has the option 'ssl'"),
        ("postgresql://me:hunter2@h/db?__extra__=%7B%7D", "has the option '__extra__'"),
        ("postgresql://me:hunter2@swordfish@h/db", "one @ too many"),
        ("postgresql://me:hunter2@sword/fish@h/db", "one @ too many"),
        ("postgresql://me:hunter2@swordfish:1@h/db", "a port that is no number"),
        ("postgresql://me:hunter2@sword?fish@h/db", "one @ too many"),
        ("postgresql://me:hunter2@h:swordfish/db", "a port that is no number"),
        ("postgresql://me:hunter2@::1/db", "a port that is no number"),
        ("postgresql://me:hunter2@[::1/db", "a port that is no number"),
        ("mysql://me:hunter2@h/db", "begins with 'mysql'"),
        ("sqlite:///hunter2.db", "begins with 'sqlite'"),
        ("me:hunter2@h/db", "is not a URL"),
        ("host=h password=hunter2", "is not a URL"),
        ("postgresql:/me:hunter2@h/db", "is not a URL"),
        ("postgresql://me:hunter2@h", "names no database"),
        ("postgresql://me:hunter2@h/", "names no database"),
        ("postgresql://", "names no database"),
        ("postgresql://me:hunter2%00@h/db", "a control character"),
        ("postgresql://me:hunter2@h/d\nb", "a control character"),
        ("postgresql://me:hunter2\udcff@h/db", "not UTF-8"),
    ],
)
def test_a_wrong_address_is_one_sentence_without_a_piece_of_it(address: str, sentence: str) -> None:
    with pytest.raises(StoreError, match="THE_SETTING ") as refused:
        Database(address, "THE_SETTING")

    told = "".join(traceback.format_exception(refused.value))
    assert sentence in str(refused.value)
    assert not any(secret in told for secret in SECRETS)


@pytest.mark.parametrize(
    ("address", "password"),
    [
        ("postgres://me:hunter2@h/db", "hunter2"),
        ("  postgresql://me:hunter2@h/db\n", "hunter2"),
        ("postgresql+psycopg://me:hunter2@h:5432/db?sslmode=require", "hunter2"),
        ("POSTGRESQL://me:hunter2@h/db", "hunter2"),
        ("postgresql://me:h#n/t?r:2%@h/db", "h#n/t?r:2%"),
        ("postgresql://me:h%40nter%232@[::1]:5432/db", "h@nter#2"),
        ("postgresql://me@corp:hunter2@h/db", "hunter2"),
        ("postgresql://me:hunter2@/db?host=/run/postgresql", "hunter2"),
        ("postgresql://h?dbname=db&user=me&password=hunter2", "hunter2"),
    ],
)
def test_any_spelling_of_a_good_address_is_taken(address: str, password: str) -> None:
    url = read_address(address, "THE_SETTING")
    shown, secret = psql_address(address, "THE_SETTING")

    assert url.drivername == "postgresql+psycopg2"
    assert secret == password
    assert password not in shown and "dbname=db" in shown


@pytest.mark.parametrize(
    ("part", "value", "sentence"),
    [
        ("host", "no.such.host.invalid", "could not translate host name"),
        ("password", "swordfish", "password authentication failed"),
        ("database", "no such db", 'database "no such db" does not exist'),
        ("username", "nobody", "password authentication failed"),
        ("port", 99_999, "invalid port number"),
    ],
)
@pytest.mark.parametrize("setting", ["EMOTION_DATABASE_URL", "EMOTION_MIGRATE_DATABASE_URL"])
def test_a_server_that_is_not_there_or_says_no_is_one_sentence_in_the_shell(
    urls: dict[str, str], tmp_path: Path, part: str, value: object, sentence: str, setting: str
) -> None:
    url = make_url(urls["emotion_migrate"])
    given = url.set(query={}) if part == "host" else url
    wrong = given.set(**{part: value}).render_as_string(hide_password=False)

    said = emotion("db", "migrate", **{setting: wrong, "EMOTION_HOME": str(tmp_path)})

    assert said.returncode == 1
    assert "error: cannot reach the database" in said.stderr
    assert sentence in said.stderr.replace("\n", " ")
    assert str(url.password) not in said.stderr and "swordfish" not in said.stderr


@pytest.mark.parametrize("setting", ["EMOTION_DATABASE_URL", "EMOTION_MIGRATE_DATABASE_URL"])
def test_the_shell_names_the_variable_that_is_wrong(tmp_path: Path, setting: str) -> None:
    told = emotion(
        *("db", "migrate"),
        **{setting: "postgresql://me:hunter2@h/db?schema=public", "EMOTION_HOME": str(tmp_path)},
    )

    assert told.returncode == 1
    assert told.stderr.startswith(f"error: {setting} has the option 'schema'")
    assert "hunter2" not in told.stderr


@pytest.fixture
def odd(server: PostgresServer, urls: dict[str, str]) -> Iterator[Own]:
    """A database that another program's administrator made."""
    made = Own(server, urls, "odd")
    yield made
    made.drop()


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_in_another_encoding_is_refused_before_anything_is_made(
    odd: Own, encoding: str
) -> None:
    odd.admin(
        f"CREATE DATABASE odd ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0 "
        "LOCALE_PROVIDER libc",
        database="postgres",
    )
    odd.admin("GRANT CONNECT ON DATABASE odd TO emotion_migrate", database="postgres")

    with pytest.raises(StoreError, match=f"odd at .* is encoded in {encoding}.* needs UTF8"):
        migrate(Database(odd.urls["emotion_migrate"]))


def test_what_a_role_and_the_environment_set_for_others_does_not_reach_us(
    odd: Own, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd.make_empty()
    for setting in (
        "DateStyle = 'SQL, DMY'",
        "IntervalStyle = 'iso_8601'",
        "TimeZone = 'Asia/Tokyo'",
        "standard_conforming_strings = off",
        "default_transaction_isolation = 'serializable'",
        "search_path = 'nowhere'",
        "statement_timeout = '20ms'",
        "bytea_output = 'escape'",
        "client_encoding = 'LATIN1'",
    ):
        for login in ("emotion_migrate", "emotion_app"):
            odd.admin(f"ALTER ROLE {login} IN DATABASE odd SET {setting}")
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    monkeypatch.setenv("PGOPTIONS", "-c search_path=elsewhere -c TimeZone=America/Lima")

    applied = migrate(Database(odd.urls["emotion_migrate"]))

    database = Database(odd.urls["emotion_app"])
    ((at, said, wait, content, isolation),) = ask(
        database,
        "SELECT cast('2026-03-04 23:00Z' AS timestamptz), 'ü\\n€', interval '36 hours', "
        "cast('\\xff00' AS bytea), current_setting('transaction_isolation')",
    )
    database.close()
    assert "views and grants" in applied
    assert at.isoformat() == "2026-03-04T23:00:00+00:00"
    assert (said, content, isolation) == ("ü\\n€", b"\xff\0", "read committed")
    assert wait.total_seconds() == 36 * 3600
