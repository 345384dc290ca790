"""The schema: every table says what a row is, and other code than expected is refused."""

import pytest
from sqlalchemy import text

from emotion_core.errors import StoreError
from emotion_core.store.database import Database
from emotion_core.store.migrations import migrate, migrations, require_current_schema


@pytest.fixture
def owner(urls: dict[str, str]) -> Database:
    return Database(urls["emotion_migrate"])


def test_migrating_again_changes_nothing(owner: Database) -> None:
    assert migrate(owner) == []


def test_every_table_and_view_says_what_one_row_is(owner: Database) -> None:
    with owner.transaction("emotion_owner") as connection:
        comments = connection.execute(
            text(
                "SELECT relname, obj_description(oid) FROM pg_class "
                "WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')"
            )
        ).all()

    assert len(comments) >= 20
    for name, comment in comments:
        assert comment and comment.startswith("One row per "), name


def test_a_database_newer_than_the_code_is_refused_with_both_versions(owner: Database) -> None:
    code = len(migrations())

    with owner.connect() as connection:
        transaction = connection.begin()
        connection.execute(text("SET LOCAL ROLE emotion_owner"))
        connection.execute(
            text("INSERT INTO schema_version (version, name, sha256) VALUES (999, 'later', '')")
        )
        with pytest.raises(StoreError, match=rf"version 999, this code knows only {code}"):
            require_current_schema(connection)
        transaction.rollback()


def test_a_database_older_than_the_code_is_refused_with_both_versions(owner: Database) -> None:
    code = len(migrations())

    with owner.connect() as connection:
        transaction = connection.begin()
        connection.execute(text("SET LOCAL ROLE emotion_owner"))
        connection.execute(text("DELETE FROM schema_version WHERE version = :v"), {"v": code})
        with pytest.raises(StoreError, match=rf"version {code - 1}, this code needs {code}"):
            require_current_schema(connection)
        transaction.rollback()


def test_the_expressions_are_in_affectnets_order(database: Database) -> None:
    from emotion_core.emotions import EXPRESSIONS

    with database.transaction("emotion_report") as connection:
        names = connection.execute(text("SELECT name FROM expression ORDER BY id")).scalars().all()

    assert tuple(names) == EXPRESSIONS


@pytest.mark.parametrize(
    ("statement", "login"),
    [
        ("SELECT * FROM prediction", "emotion_analyst"),
        ("SELECT * FROM inbox_file", "emotion_analyst"),
        ("SELECT * FROM refused_file", "emotion_analyst"),
        ("CREATE TABLE mine (a int)", "emotion_analyst"),
        ("SELECT * FROM prediction", "emotion_app"),
        ("DROP TABLE prediction", "emotion_app"),
    ],
)
def test_a_login_cannot_do_what_it_need_not(
    urls: dict[str, str], statement: str, login: str
) -> None:
    from sqlalchemy.exc import ProgrammingError

    with (
        Database(urls[login]).connect() as connection,
        pytest.raises(
            ProgrammingError,
            match=r"permission denied|must be owner|cannot delete|not automatically",
        ),
    ):
        connection.execute(text(statement))


def test_an_analyst_reads_the_views(urls: dict[str, str]) -> None:
    with Database(urls["emotion_analyst"]).connect() as connection:
        for view in ("current_prediction", "refused_image", "batch_summary", "model_leaderboard"):
            connection.execute(text(f"SELECT * FROM {view} LIMIT 1")).all()


@pytest.mark.parametrize("role", ["emotion_train", "emotion_score"])
def test_no_working_role_may_delete_a_prediction(database: Database, role: str) -> None:
    from sqlalchemy.exc import ProgrammingError

    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        database.transaction(role) as connection,  # type: ignore[arg-type]
    ):
        connection.execute(text("DELETE FROM prediction"))


def test_an_unreachable_server_is_a_sentence_without_the_password() -> None:
    database = Database("postgresql://me:hunter2@127.0.0.1:1/emotion")

    with (
        pytest.raises(
            StoreError, match=r"cannot reach the database emotion at 127\.0\.0\.1"
        ) as error,
        database.transaction("emotion_train"),
    ):
        pass

    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize("url", ["sqlite:///x.db", "mysql://a@b/c", "nonsense"])
def test_an_address_that_is_not_postgresql_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="postgresql://"):
        Database(url)
