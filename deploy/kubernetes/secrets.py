"""The secrets that values.yaml names, from the .env of `make secrets`, as manifests on stdout.

    python3 deploy/kubernetes/secrets.py --postgres HOST | kubectl apply -f -

Any Python 3.11 or newer. Nothing is written to disk and no secret stands on a command line.
"""

import argparse
import json
import sys
from pathlib import Path
from urllib.parse import quote


def main() -> None:
    """Print one List of Secret manifests; JSON is YAML."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--postgres", required=True, help="host of PostgreSQL, or host:port")
    parser.add_argument("--redis", default="emotion-redis", help="host of the chart's Redis")
    parser.add_argument("--env", type=Path, default=Path(".env"), help="what `make secrets` wrote")
    asked = parser.parse_args()
    lines = asked.env.read_text(encoding="utf-8").splitlines()
    drawn = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    items = [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name},
            "type": "Opaque",
            "stringData": data,
        }
        for name, data in secrets(drawn, asked.postgres, asked.redis).items()
    ]
    json.dump({"apiVersion": "v1", "kind": "List", "items": items}, sys.stdout, indent=2)
    sys.stdout.write("\n")


def secrets(drawn: dict[str, str], postgres: str, redis: str) -> dict[str, dict[str, str]]:
    """Name of each Secret, and its keys as the chart or values.yaml asks for them."""

    def login(name: str, variable: str, database: str) -> str:
        return f"postgresql://{name}:{quote(drawn[variable], safe='')}@{postgres}/{database}"

    airflow = login("airflow", "AIRFLOW_DB_PASSWORD", "airflow")
    return {
        "emotion-airflow-database": {
            "connection": airflow.replace("postgresql:", "postgresql+psycopg2:", 1)
        },
        "emotion-celery-results": {"connection": f"db+{airflow}"},
        "emotion-celery-broker": {
            "connection": f"redis://:{quote(drawn['REDIS_PASSWORD'], safe='')}@{redis}:6379/0"
        },
        "emotion-redis": {"password": drawn["REDIS_PASSWORD"]},
        "emotion-fernet-key": {"fernet-key": drawn["AIRFLOW_FERNET_KEY"]},
        "emotion-api-key": {"api-secret-key": drawn["AIRFLOW_SECRET_KEY"]},
        "emotion-jwt": {"jwt-secret": drawn["AIRFLOW_JWT_SECRET"]},
        "emotion-app": {
            "database-url": login("emotion_app", "EMOTION_APP_PASSWORD", "emotion"),
            "erasure-key": drawn["EMOTION_ERASURE_KEY"],
        },
        "emotion-init": {
            "migrate-database-url": login("emotion_migrate", "EMOTION_MIGRATE_PASSWORD", "emotion"),
            "admin-password": drawn["AIRFLOW_ADMIN_PASSWORD"],
        },
    }


if __name__ == "__main__":
    main()
