#!/bin/sh
# One-shot container: Airflow's tables, our tables, pools, the administrator. Safe to run again.
set -eu
cd "$(dirname "$0")/.."

# Before anything is made with them.
python -m emotion_core.store.weak_secrets

airflow db migrate
python -m emotion_core.cli db migrate
airflow pools import deploy/pools.json
# The password goes through the environment into Python, not onto a command line.
python - <<'PYTHON'
import os

from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

with get_application_builder() as builder:
    manager = builder.sm
    password = os.environ["AIRFLOW_ADMIN_PASSWORD"]
    user = manager.find_user(username="admin")
    if user is None:
        role = manager.find_role("Admin")
        manager.add_user("admin", "Admin", "", "admin@localhost", role, password=password)
    else:
        manager.reset_password(user.id, password)
PYTHON
