"""The schema's versions: numbered files, each applied once, in one transaction with its record."""

import hashlib
import logging
import re
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, text

from emotion_core.errors import StoreError
from emotion_core.settings import SQL_DIR
from emotion_core.store.database import Database

log = logging.getLogger(__name__)

# Any number that no other program on the server uses: two migrators wait for each other on it.
_LOCK = 7_203_114_901

_GROUP_ROLES = (
    "emotion_train",
    "emotion_score",
    "emotion_report",
    "emotion_erase",
    "emotion_app",
    "emotion_analyst",
)

# Before release 0.1.0 the schema was numbered otherwise; its newest version is carried over.
_FORMER_FIRST = "vocabulary"
_FORMER_NEWEST = 16
_FORMER_REVISION = "7ba6ebc"

# A comment or a function as the baseline has it: both can be stated again over what there is.
_RESTATED = re.compile(
    r"^COMMENT ON .*?';$|^CREATE OR REPLACE FUNCTION .*?^\$\$;$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Migration:
    """One file ``sql/migrations/NNN_name.sql``."""

    version: int
    name: str
    path: Path

    @property
    def script(self) -> str:
        """The file's text."""
        return self.path.read_text(encoding="utf-8")

    @property
    def sha256(self) -> str:
        """Of the file's text: an applied migration must never be edited."""
        return hashlib.sha256(self.script.encode()).hexdigest()


def migrations() -> list[Migration]:
    """All migrations of this code, in order; a test holds them to numbers without a gap."""
    files = sorted((SQL_DIR / "migrations").glob("*.sql"))
    return [Migration(int(file.stem[:3]), file.stem[4:], file) for file in files]


def migrate(database: Database) -> list[str]:
    """Bring the schema to this code's version; returns the names of what was applied.

    Safe to call at any time and by two at once: the second waits, then finds nothing to do.

    Raises:
        StoreError: The database is newer than this code, too old for it, or an applied file was
            edited since.
    """
    applied: list[str] = []
    wanted = migrations()
    # As the owner: who may only read must not be able to hold the lock (sql/roles.sql).
    with database.transaction("emotion_owner") as guard:
        guard.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        with database.transaction("emotion_owner") as connection:
            _run(connection, (SQL_DIR / "schema_version.sql").read_text(encoding="utf-8"))
            if (former := _former_version(connection)) is not None:
                _carry_over(connection, former, wanted[0])
                applied.append(f"former version {former} carried over")
            done = {
                row.version: row.sha256
                for row in connection.execute(text("SELECT version, sha256 FROM schema_version"))
            }
        _refuse_other_history(wanted, done)
        for migration in wanted:
            if migration.version in done:
                continue
            with database.transaction("emotion_owner") as connection:
                _run(connection, migration.script)
                _record(connection, migration.version, migration.name, migration.sha256)
            applied.append(f"{migration.version:03d}_{migration.name}")
            log.info("applied migration %03d %s", migration.version, migration.name)
        if _refresh_views(database, done.get(0), force=bool(applied)):
            applied.append("views and grants")
    return applied


def require_current_schema(connection: Connection) -> None:
    """Stop before touching anything when the tables are not the ones this code expects.

    Raises:
        StoreError: The database is older or newer; names both versions.
    """
    code = migrations()[-1].version
    exists = connection.execute(text("SELECT to_regclass('schema_version')")).scalar()
    if exists is None:
        raise StoreError("the database has no tables yet: run `emotion db migrate`")
    if (former := _former_version(connection)) is not None:
        raise StoreError(
            f"the database is at version {former} of before release 0.1.0: run `emotion db migrate`"
        )
    found = connection.execute(text("SELECT max(version) FROM schema_version")).scalar() or 0
    if found < code:
        raise StoreError(
            f"the database is at schema version {found}, this code needs {code}: "
            "run `emotion db migrate`"
        )
    _refuse_newer(found, code)


def _former_version(connection: Connection) -> int | None:
    """The version by the numbers of before release 0.1.0; None where the schema has today's."""
    former: int | None = connection.execute(
        text(
            "SELECT max(version) FROM schema_version HAVING bool_or(version = 1 AND name = :first)"
        ),
        {"first": _FORMER_FIRST},
    ).scalar()
    return former


def _carry_over(connection: Connection, former: int, baseline: Migration) -> None:
    """Turn the newest schema of before release 0.1.0 into the baseline, rows and all."""
    if former < _FORMER_NEWEST:
        raise StoreError(
            f"the database is at version {former} of before release 0.1.0, and only version "
            f"{_FORMER_NEWEST} is carried over: run `emotion db migrate` of revision "
            f"{_FORMER_REVISION} first, then this one's"
        )
    _run(connection, (SQL_DIR / "carry_over.sql").read_text(encoding="utf-8"))
    _run(connection, "\n".join(_RESTATED.findall(baseline.script)))
    connection.execute(text("DELETE FROM schema_version"))
    _record(connection, baseline.version, baseline.name, baseline.sha256)


def _refuse_newer(found: int, code: int) -> None:
    if found > code:
        raise StoreError(
            f"the database is at schema version {found}, this code knows only {code}: "
            "install the newer release"
        )


def _refuse_other_history(wanted: list[Migration], done: dict[int, str]) -> None:
    _refuse_newer(max(done, default=0), len(wanted))
    for migration in wanted:
        if done.get(migration.version, migration.sha256) != migration.sha256:
            raise StoreError(
                f"sql/migrations/{migration.path.name} was edited after it had been applied; "
                "restore it and write the change as a new migration"
            )


def _refresh_views(database: Database, known: str | None, *, force: bool) -> bool:
    """Views and grants are their files: dropped and made anew in one transaction when changed."""
    views = sorted((SQL_DIR / "views").glob("*.sql"))
    grants = SQL_DIR / "grants.sql"
    digest = hashlib.sha256()
    for path in [*views, grants]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    if digest.hexdigest() == known and not force:
        return False
    with database.transaction("emotion_owner") as connection:
        stale = connection.execute(
            text("SELECT viewname FROM pg_views WHERE schemaname = current_schema()")
        ).scalars()
        for name in list(stale):
            connection.execute(text(f'DROP VIEW IF EXISTS "{name}" CASCADE'))
        for path in views:
            _run(connection, path.read_text(encoding="utf-8"))
        if _has_group_roles(connection):
            _run(connection, grants.read_text(encoding="utf-8"))
        else:
            log.warning(
                "the roles of sql/roles.sql do not exist on this server: "
                "everything is done by the one login"
            )
        _record(connection, 0, "views and grants", digest.hexdigest())
    return True


def _has_group_roles(connection: Connection) -> bool:
    """Whether the server has the roles of ``sql/roles.sql``; False where it has none of them.

    Raises:
        StoreError: Some are missing: a release may bring a new one.
    """
    found = set(
        connection.execute(
            text("SELECT rolname FROM pg_roles WHERE rolname = ANY (:names)"),
            {"names": list(_GROUP_ROLES)},
        ).scalars()
    )
    missing = [name for name in _GROUP_ROLES if name not in found]
    if found and missing:
        raise StoreError(
            f"the server lacks {', '.join(missing)}: run `psql -f sql/roles.sql` on this database "
            "as an administrator, then migrate again"
        )
    return bool(found)


def _record(connection: Connection, version: int, name: str, sha256: str) -> None:
    connection.execute(
        text(
            "INSERT INTO schema_version (version, name, sha256) VALUES (:version, :name, :sha256) "
            "ON CONFLICT (version) DO UPDATE SET sha256 = excluded.sha256, applied_at = now()"
        ),
        {"version": version, "name": name, "sha256": sha256},
    )


def _run(connection: Connection, script: str) -> None:
    """Run a whole file: no parameters, so that ``%`` and ``:`` mean what they say."""
    connection.execution_options(no_parameters=True).exec_driver_sql(script)
