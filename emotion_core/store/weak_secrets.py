"""Passwords and keys that nobody should start with: defaults, words, repetitions.

As a program it checks the environment that it runs in, as ``deploy/init.sh`` does before anything
else: ``python -m emotion_core.store.weak_secrets``. It needs nothing but Python itself.
"""

import os
import re
import sys
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote, urlsplit

LEAST_LENGTH: Final = 16
LEAST_DISTINCT: Final = 8
# Beside words and digits in a row. Drawn secrets of 16 characters never fell below it.
LEAST_UNCOMMON: Final = 6

_COMMON = re.compile(
    "admin|airflow|change.?me|default|emotion|example|letmein|password|passwd|postgres"
    r"|qwerty|redis|secret|temporary|test|root|user|key|\d{4,}"
)
# Ours and Airflow's own. What opens other systems (a mail server, a bucket) is theirs to judge.
_SECRETS = re.compile(
    "EMOTION_(ERASURE_KEY|[A-Z]+_PASSWORD)|(POSTGRES|REDIS|AIRFLOW_DB|AIRFLOW_ADMIN)_PASSWORD"
    "|AIRFLOW__CORE__FERNET_KEY|AIRFLOW__API__SECRET_KEY|AIRFLOW__API_AUTH__JWT_SECRET"
)
_ADDRESSES = re.compile(
    "EMOTION_(MIGRATE_)?DATABASE_URL|AIRFLOW_CONN_EMOTION_DB|AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
    "|AIRFLOW__CELERY__(BROKER_URL|RESULT_BACKEND)"
)


def weakness(secret: str) -> str | None:
    """Why a password or key must not be used; None for one that may be.

    Not a measure of strength: it knows what people leave in files, and refuses it.
    """
    if len(secret) < LEAST_LENGTH:
        return f"is shorter than {LEAST_LENGTH} characters"
    if len(set(secret)) < LEAST_DISTINCT:
        return "repeats a few characters"
    rest = re.sub(r"[\W_]", "", _COMMON.sub("", secret.lower()))
    if len(rest) < LEAST_UNCOMMON:
        return "is made of words that everybody tries first"
    return None


def weak_variables(environment: Mapping[str, str]) -> list[str]:
    """A sentence for each variable that holds a weak secret, by itself or inside an address."""
    found = []
    for name, value in sorted(environment.items()):
        secret = _secret_of(name, value)
        why = weakness(secret) if secret is not None else None
        if why is not None:
            found.append(f"the secret in {name} {why}")
    return found


def _secret_of(name: str, value: str) -> str | None:
    """The secret that a variable is or whose value is an address with one; else None."""
    if not value:
        return None
    if _SECRETS.fullmatch(name):
        return value
    if not _ADDRESSES.fullmatch(name):
        return None
    try:
        password = urlsplit(value).password
    except ValueError:
        return None
    return None if password is None else unquote(password)


def main() -> None:
    """End with 1 and a sentence for each weak secret, never with the secret itself."""
    found = weak_variables(os.environ)
    for sentence in found:
        sys.stderr.write(f"error: {sentence}\n")
    if found:
        sys.stderr.write("draw new ones with `make secrets`; nothing was started\n")
        raise SystemExit(1)


if __name__ == "__main__":
    main()
