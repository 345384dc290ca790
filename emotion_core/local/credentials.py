"""Every password and key of one installation, drawn once, in one file that only we can read."""

import base64
import secrets
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from emotion_core.errors import LocalSystemError
from emotion_core.local.home import read_json, write_private_json
from emotion_core.store.weak_secrets import weakness

UI_USERS = ("admin", "operator", "viewer")
"""Logins of Airflow's pages."""


@dataclass(frozen=True)
class Credentials:
    """What :func:`load_or_create` keeps; its text form shows no value."""

    postgres: str
    """The embedded server's superuser."""
    emotion_migrate: str
    emotion_app: str
    emotion_analyst: str
    airflow: str
    """Login of Airflow's own database."""
    admin: str
    operator: str
    viewer: str
    jwt_secret: str
    """Signs the tokens between Airflow's processes; 64 characters or more."""
    api_secret_key: str
    fernet_key: str
    """Encrypts connections and variables in Airflow's tables."""

    def __repr__(self) -> str:
        return "Credentials(…)"

    def password(self, name: str) -> str:
        """The password of one login, by its name."""
        return str(getattr(self, name))


def load_or_create(path: Path) -> Credentials:
    """The installation's credentials; what is missing in the file is drawn and added.

    Raises:
        LocalSystemError: The file exists but is damaged. It is never replaced: the databases know
            the passwords in it. Or somebody wrote a weak one into it.
    """
    stored = read_json(path)
    if stored is None:
        if path.exists():
            raise LocalSystemError(
                f"{path} cannot be read as JSON; restore it, or run `make clean` to start afresh"
            )
        stored = {}
    values = {field.name: str(stored.get(field.name) or "") for field in fields(Credentials)}
    for name, value in values.items():
        if not value:
            values[name] = _draw(name)
        elif (why := weakness(value)) is not None:
            raise LocalSystemError(
                f"{name} in {path} {why}; take its line out while nothing runs, and the next start "
                "draws another"
            )
    credentials = Credentials(**values)
    if values != stored:
        write_private_json(path, asdict(credentials))
    elif path.stat().st_mode & 0o077:
        path.chmod(0o600)
    return credentials


def _draw(name: str) -> str:
    if name == "fernet_key":
        return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    if name in ("jwt_secret", "api_secret_key"):
        return secrets.token_urlsafe(64)
    if name in UI_USERS:
        # Typed by hand into a login page.
        return secrets.token_urlsafe(12).replace("_", "x").replace("-", "y")
    return secrets.token_urlsafe(24)
