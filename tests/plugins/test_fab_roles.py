"""FAB's roles on our pages: its own permissions decide, as the simple auth manager's roles do."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from emotion_core.store.batches import ArrivedFile

HERE = Path(__file__).parent


def test_viewers_see_users_act_and_the_public_stays_outside(
    open_batch: Callable[..., object],
    refused: ArrivedFile,
    stored_dags: None,
    urls: dict[str, str],
    tmp_path: Path,
) -> None:
    open_batch("night", [refused])
    address = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].removeprefix("sqlite:///")
    with closing(sqlite3.connect(address)) as airflow:
        airflow.execute("VACUUM INTO ?", (f"{tmp_path}/airflow.db",))
    told = tmp_path / "told.json"

    done = subprocess.run(
        [sys.executable, HERE / "fab_roles.py", told],
        env={
            **os.environ,
            "AIRFLOW_HOME": str(tmp_path),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/airflow.db",
            "AIRFLOW__CORE__AUTH_MANAGER": (
                "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
            ),
            "EMOTION_HOME": str(tmp_path),
            "EMOTION_DATABASE_URL": urls["emotion_app"],
        },
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr[-3000:]
    # The page's status, whether it names the file, and the status of pressing the button.
    assert json.loads(told.read_text()) == {
        "Public": [403, False, 403],
        "Viewer": [200, False, 403],
        "User": [200, True, 303],
        "Op": [200, True, 303],
        "Admin": [200, True, 303],
    }
