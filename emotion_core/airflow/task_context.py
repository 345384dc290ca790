"""The task's side of the steps: its installation, and which failures a retry cannot fix.

Light to import, because DAG files do when they are parsed.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from emotion_core.errors import (
    EmotionError,
    NoChampionError,
    RunRefusedError,
    SettingsError,
    StoreError,
)
from emotion_core.settings import Settings

if TYPE_CHECKING:
    from emotion_core.steps.installation import Installation

CONNECTION_ID = "emotion_db"
"""The Airflow Connection to our database; without it ``EMOTION_DATABASE_URL`` serves."""


@contextmanager
def installation() -> Iterator["Installation"]:
    """The installation that one task works on.

    A run whose form has a field that its DAG does not know is refused before anything is done.
    Inside, what this system refuses on purpose fails the task without retries, which would only
    repeat the refusal. An unreachable database is worth its retries. Without a champion there
    is nothing to score with, and the task is skipped.

    Raises:
        AirflowFailException: A step refused; the message is the reason.
        AirflowSkipException: No model has been promoted yet.
    """
    from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

    from emotion_core.steps.installation import Installation

    try:
        _require_known_fields()
        kept = connection_url()
        named = "EMOTION_DATABASE_URL" if kept is None else f"the connection {CONNECTION_ID}"
        here = Installation(Settings.from_environment(), kept, named)
        try:
            yield here
        finally:
            here.database.close()
    except NoChampionError as nothing:
        raise AirflowSkipException(str(nothing)) from None
    except StoreError:
        raise
    except EmotionError as refusal:
        raise AirflowFailException(str(refusal)) from refusal


def triggered_by() -> str:
    """Who triggered the task's run; ``airflow`` where it was a schedule or an event."""
    from airflow.sdk import get_current_context

    return getattr(get_current_context()["dag_run"], "triggering_user_name", None) or "airflow"


def connection_url() -> str | None:
    """The database's address in Airflow's Connection; None where operators keep none.

    Raises:
        SettingsError: The connection is an address that Airflow cannot read.
    """
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        # Airflow writes the scheme as postgres://; Database puts it right.
        return str(BaseHook.get_connection(CONNECTION_ID).get_uri())
    except AirflowNotFoundException:
        # Airflow passes over a variable that it cannot read, as if there were none.
        if not os.environ.get(f"AIRFLOW_CONN_{CONNECTION_ID.upper()}"):
            return None
    except ValueError:
        pass  # its text repeats what may be a piece of the password
    raise SettingsError(
        f"Airflow cannot read the connection {CONNECTION_ID}; write "
        "postgresql://user:password@host/database, and @, :, / and # in a password as %40, %3A, "
        "%2F and %23"
    )


def _require_known_fields() -> None:
    """Refuse what was written for a form that has no such field; nothing outside of a task.

    Raises:
        RunRefusedError: Names the field, and those that there are.
    """
    from airflow.sdk import get_current_context

    try:
        context: Any = get_current_context()
    except RuntimeError:
        return
    given, known = context["dag_run"].conf or {}, sorted(context["dag"].params)
    if unknown := sorted(given.keys() - known):
        raise RunRefusedError(
            f"the form has no field {', '.join(unknown)}; it has: {', '.join(known) or 'none'}"
        )
