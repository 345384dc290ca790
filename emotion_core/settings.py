"""The only reader of the environment. Everything else is handed a :class:`Settings`."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from emotion_core.errors import PlaceError, SettingsError
from emotion_core.files import is_address, place_named

PACKAGE_DIR = Path(__file__).resolve().parent


_IN_WHEEL = PACKAGE_DIR / "resources"
# What lies beside an installed package belongs to other packages.
_IS_INSTALLED = _IN_WHEEL.is_dir()

SQL_DIR = _IN_WHEEL / "sql" if _IS_INSTALLED else PACKAGE_DIR.parent / "sql"
TEMPLATES_DIR = (
    _IN_WHEEL / "templates" if _IS_INSTALLED else PACKAGE_DIR.parent / "reports" / "templates"
)


def _beside() -> Path:
    """The folder that the state lies in where nobody says which."""
    if not _IS_INSTALLED:
        return PACKAGE_DIR.parent
    try:
        return Path.home()
    except RuntimeError:
        raise SettingsError(
            "this user has no home folder: set EMOTION_HOME to a folder that may be written to"
        ) from None


def _webhook(env: Mapping[str, str]) -> str | None:
    address = env.get("EMOTION_ALERT_WEBHOOK") or None
    if address is not None and not address.startswith(("http://", "https://")):
        raise SettingsError("EMOTION_ALERT_WEBHOOK is no address; use https://…")
    return address


def _erasure_key(env: Mapping[str, str]) -> str | None:
    key = env.get("EMOTION_ERASURE_KEY") or None
    if key is not None and len(key) < 32:
        raise SettingsError(
            "EMOTION_ERASURE_KEY is too short; draw 32 characters or more at random"
        )
    return key


def _place(env: Mapping[str, str], variable: str, default: Path) -> str:
    """The place that a variable names; the default where it is not set, or empty."""
    written = env.get(variable)
    if not written:
        return str(default)
    try:
        return place_named(written)
    except PlaceError as error:
        raise SettingsError(f"{variable}: {error}") from None


@dataclass(frozen=True)
class Settings:
    """Where things are. A folder in the home is made by whoever first needs it; every other one
    has to be there: see :meth:`folder`."""

    home: Path
    """State of this installation (``EMOTION_HOME``). Default ``.emotion``: in the project's folder,
    or, where the package was installed from a wheel, in the home of the user."""
    runs_dir: Path
    """One folder per training run (``EMOTION_RUNS_DIR``)."""
    reports_dir: Path
    """Rendered reports (``EMOTION_REPORTS_DIR``)."""
    inbox_dir: Path
    """Where image batches arrive (``EMOTION_INBOX_DIR``)."""
    inbox: str
    """The same as text; or, where ``EMOTION_INBOX_DIR`` is an address such as
    ``s3://bucket/folder``, that address."""
    data_dir: Path
    """Data sets that the system made or was given (``EMOTION_DATA_DIR``)."""
    weights_dir: Path | None
    """Pretrained weight files for machines without internet (``EMOTION_WEIGHTS_DIR``)."""
    database_url: str | None = field(repr=False)
    """Our database, ``postgresql+psycopg2://…`` (``EMOTION_DATABASE_URL``)."""
    migrate_database_url: str | None = field(repr=False)
    """A login that may change tables (``EMOTION_MIGRATE_DATABASE_URL``); default: the one above."""
    device: str
    """``auto``, ``cpu`` or ``cuda`` (``EMOTION_DEVICE``)."""
    alert_webhook: str | None = field(repr=False)
    """Address that alerts are sent to (``EMOTION_ALERT_WEBHOOK``); often a secret itself."""
    alert_email: str | None
    """Who is written to, through Airflow's SMTP connection (``EMOTION_ALERT_EMAIL``)."""
    erasure_key: str | None = field(repr=False)
    """Keys the tombstones (``EMOTION_ERASURE_KEY``); without it a file in the home does."""
    erasures_path: Path
    """Where tombstones are kept beside the database (``EMOTION_ERASURES_FILE``)."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read the settings.

        Raises:
            SettingsError: A variable holds a value that cannot be used; names the variable.
        """
        env = os.environ if environment is None else environment

        def path(variable: str, default: Path) -> Path:
            place = _place(env, variable, default)
            if is_address(place):
                raise SettingsError(f"{variable} is {place!r}: only the inbox may be an address")
            return Path(place)

        # Who has no home folder may still name one.
        home = path("EMOTION_HOME", Path() if env.get("EMOTION_HOME") else _beside() / ".emotion")

        device = env.get("EMOTION_DEVICE") or "auto"
        if device not in ("auto", "cpu", "cuda"):
            raise SettingsError(f"EMOTION_DEVICE is {device!r}; use auto, cpu or cuda")
        weights = env.get("EMOTION_WEIGHTS_DIR")
        url = env.get("EMOTION_DATABASE_URL", "").strip() or None
        inbox = _place(env, "EMOTION_INBOX_DIR", home / "inbox")
        return cls(
            home=home,
            runs_dir=path("EMOTION_RUNS_DIR", home / "runs"),
            reports_dir=path("EMOTION_REPORTS_DIR", home / "reports"),
            inbox_dir=home / "inbox" if is_address(inbox) else Path(inbox),
            inbox=inbox,
            data_dir=path("EMOTION_DATA_DIR", home / "data"),
            weights_dir=path("EMOTION_WEIGHTS_DIR", home) if weights else None,
            database_url=url,
            migrate_database_url=env.get("EMOTION_MIGRATE_DATABASE_URL", "").strip() or url,
            device=device,
            alert_webhook=_webhook(env),
            alert_email=env.get("EMOTION_ALERT_EMAIL") or None,
            erasure_key=_erasure_key(env),
            erasures_path=path("EMOTION_ERASURES_FILE", home / "erasures.jsonl"),
        )

    @property
    def migrate_setting(self) -> str:
        """The variable that :attr:`migrate_database_url` stands in."""
        is_own = self.migrate_database_url != self.database_url
        return "EMOTION_MIGRATE_DATABASE_URL" if is_own else "EMOTION_DATABASE_URL"

    def folder(
        self, name: Literal["runs_dir", "reports_dir", "inbox_dir", "data_dir", "weights_dir"]
    ) -> Path:
        """A folder that is there: made where it lies in the home.

        Raises:
            SettingsError: A variable names another one, and that is not there.
        """
        place: Path = getattr(self, name)
        if place.is_relative_to(self.home):
            place.mkdir(parents=True, exist_ok=True)
        elif not place.is_dir():
            raise SettingsError(
                f"EMOTION_{name.upper()} is {str(place)!r}, which is no folder; create it or set "
                "the variable right"
            )
        return place

    @property
    def weights_folder(self) -> Path | None:
        """As :attr:`weights_dir`, once it is there; see :meth:`folder`."""
        return None if self.weights_dir is None else self.folder("weights_dir")

    def require_database_url(self) -> str:
        """The database's address.

        Raises:
            SettingsError: No address is set.
        """
        if not self.database_url:
            raise SettingsError(
                "EMOTION_DATABASE_URL is not set: beside `make up` or `make demo` write "
                "`make emotion ARGS='…'`, elsewhere set it to "
                "postgresql://user:password@host/database"
            )
        return self.database_url
