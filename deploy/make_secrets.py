"""Write the .env that docker-compose.yaml asks for: every secret drawn, none ever defaulted.

Run by `make secrets`, with any Python 3.11 or newer. What is already set is kept: databases know
their passwords.
"""

import base64
import os
import secrets
import sys
from pathlib import Path

DRAWN = {
    "POSTGRES_PASSWORD": lambda: secrets.token_urlsafe(24),
    "AIRFLOW_DB_PASSWORD": lambda: secrets.token_urlsafe(24),
    "EMOTION_MIGRATE_PASSWORD": lambda: secrets.token_urlsafe(24),
    "EMOTION_APP_PASSWORD": lambda: secrets.token_urlsafe(24),
    "EMOTION_ANALYST_PASSWORD": lambda: secrets.token_urlsafe(24),
    "REDIS_PASSWORD": lambda: secrets.token_urlsafe(24),
    "AIRFLOW_ADMIN_PASSWORD": lambda: secrets.token_urlsafe(15),
    "EMOTION_ERASURE_KEY": lambda: secrets.token_urlsafe(48),
    "AIRFLOW_FERNET_KEY": lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    "AIRFLOW_JWT_SECRET": lambda: secrets.token_urlsafe(64),
    "AIRFLOW_SECRET_KEY": lambda: secrets.token_urlsafe(64),
}


def main(path: Path) -> None:
    """Add to ``path`` what it lacks, readable by its owner alone."""
    present = path.read_text(encoding="utf-8") if path.exists() else ""
    names = {line.partition("=")[0].strip() for line in present.splitlines()}
    missing = [name for name in DRAWN if name not in names]
    if not missing:
        sys.stdout.write(f"{path} holds every secret already\n")
        return
    lines = present.rstrip("\n").splitlines() + [f"{name}={DRAWN[name]()}" for name in missing]
    unfinished = path.with_name(path.name + ".tmp")
    unfinished.unlink(missing_ok=True)
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    unfinished.replace(path)
    sys.stdout.write(
        f"drew {len(missing)} secrets into {path}; log in as admin with the one there\n"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else ".env"))
