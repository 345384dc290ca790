"""Airflow's side of the steps: where the database is, and which failures a retry cannot mend.

With the other ``airflow_`` modules the only one besides ``dags/`` and ``plugins/`` that knows
Airflow.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from emotion_core.errors import EmotionError, NoChampionError, StoreError
from emotion_core.settings import Settings
from emotion_core.steps import Steps

CONNECTION_ID = "emotion_db"
"""Where operators keep an Airflow Connection under this id, it holds for tasks; the variable
``EMOTION_DATABASE_URL`` serves otherwise."""


@contextmanager
def steps() -> Iterator[Steps]:
    """The steps for one task.

    Inside, what this system refuses on purpose fails the task at once: trying again would only
    repeat the refusal. An unreachable database is worth its retries. With no champion yet there
    is nothing to score with, and the task is skipped.

    Raises:
        AirflowFailException: A step refused; the message is the reason.
        AirflowSkipException: No model has been promoted yet.
    """
    from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

    try:
        bound = Steps(Settings.from_environment(), connection_url())
        try:
            yield bound
        finally:
            bound.database.close()
    except NoChampionError as nothing:
        raise AirflowSkipException(str(nothing)) from None
    except StoreError:
        raise
    except EmotionError as refusal:
        raise AirflowFailException(str(refusal)) from refusal


def connection_url() -> str | None:
    """The database's address in Airflow's Connection; None where operators keep none."""
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        connection = BaseHook.get_connection(CONNECTION_ID)
    except AirflowNotFoundException:
        return None
    # Airflow writes the scheme as postgres://, which SQLAlchemy no longer knows;
    # Database puts it right.
    return str(connection.get_uri())
