"""Where the tasks find the database, and what becomes of a refusal."""

import traceback

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from emotion_core.airflow.task_context import installation
from emotion_core.errors import DataError, NoChampionError, StoreError
from emotion_core.settings import Settings


def test_without_a_connection_the_variable_serves(configured: Settings) -> None:
    with installation() as here:
        assert "emotion_app" in str(here.database.url)


def test_a_connection_kept_by_the_operators_is_used_before_the_variable(
    configured: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = configured.require_database_url().replace("postgresql+psycopg2://", "postgres://")
    monkeypatch.setenv("AIRFLOW_CONN_EMOTION_DB", uri)
    monkeypatch.setenv("EMOTION_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")

    with installation() as here:
        assert here.database.url.drivername == "postgresql+psycopg2"
        assert here.database.url.database == "emotion"


@pytest.mark.parametrize(
    ("kept", "sentence"),
    [
        ("postgres://me:hunter2@h/db?schema=public", "connection emotion_db has the option"),
        ("postgres://me:hunter2@sword/fish@h/db", "connection emotion_db holds one @ too many"),
        ("mysql://me:hunter2@h/db", "connection emotion_db begins with 'mysql'"),
        ("postgres://me:hunter2@h", "connection emotion_db names no database"),
        ("postgres://me:hunter2@h:swordfish/db", "cannot read the connection emotion_db"),
        ("postgres://me:hunter2#@h/db", "cannot read the connection emotion_db"),
        ('{"conn_type": "postgres", "password": "hunter2"', "cannot read the connection"),
    ],
)
def test_a_connection_that_cannot_be_used_is_a_sentence_without_a_piece_of_it(
    configured: Settings, monkeypatch: pytest.MonkeyPatch, kept: str, sentence: str
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_EMOTION_DB", kept)

    with (
        pytest.raises((StoreError, AirflowFailException), match=sentence) as refused,
        installation(),
    ):
        pass

    told = "".join(traceback.format_exception(refused.value))
    assert not any(secret in told for secret in ("hunter2", "swordfish", "fish@"))


def test_a_refusal_fails_the_task_without_another_try(configured: Settings) -> None:
    with pytest.raises(AirflowFailException, match=r"9\.jpg is cut off"), installation():
        raise DataError("9.jpg is cut off")


def test_an_unreachable_database_is_worth_another_try_and_named_without_its_password(
    configured: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMOTION_DATABASE_URL", "postgresql://app:hunter2@127.0.0.1:1/emotion")

    with pytest.raises(StoreError, match="cannot reach the database") as refused, installation():
        pass

    assert "hunter2" not in "".join(traceback.format_exception(refused.value))


def test_nothing_to_score_with_skips_the_task(configured: Settings) -> None:
    with pytest.raises(AirflowSkipException, match="no model is champion"), installation():
        raise NoChampionError("no model is champion yet")
