"""FAB's roles on our pages: its own permissions decide, as the simple auth manager's roles do."""

import json
import os
import subprocess
import sys
from pathlib import Path

from factories import make_model

from emotion_core.store import batches
from emotion_core.store.batches import ArrivedFile
from emotion_core.store.database import Database

HERE = Path(__file__).parent


def test_viewers_see_users_act_and_the_public_stays_outside(
    database: Database, urls: dict[str, str], tmp_path: Path
) -> None:
    with database.transaction("emotion_train") as connection:
        model = make_model(connection)
    with database.transaction("emotion_score") as connection:
        batch = batches.open_batch(
            connection, run_key="night", source="/fab", model_version_id=model.id
        )
        file = ArrivedFile(b"Jane.jpg", 1, 1, None, "unreadable_file", "d")
        batches.enter_files(connection, batch, [file])
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
