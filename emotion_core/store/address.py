"""The address of a database: read once, and refused in a sentence that repeats no part of it.

Whatever of it is wrong may be a piece of the password that ended up in the wrong place.
"""

import re

from psycopg2 import ProgrammingError
from psycopg2.extensions import make_dsn
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from emotion_core.errors import StoreError

_FORM = "postgresql://user:password@host/database"
# SQLAlchemy takes the password to end at the first @ behind it.
_LOGIN = re.compile(r"^[^:/]*(:[^@]*)?@")


def read_address(text: str, name: str) -> URL:
    """The address of a PostgreSQL database, for the driver that is installed here.

    Args:
        text: ``postgresql://user:password@host:port/database?option=value``; the scheme may be
            ``postgres`` and may name a driver; options are those of PostgreSQL's client.
        name: The setting that holds it, for messages.

    Raises:
        StoreError: It is none; names the setting and what to write.
    """
    try:
        text.encode()
        url = make_url(text.strip())
    except UnicodeEncodeError:
        raise StoreError(f"{name} holds bytes that are not UTF-8; write {_FORM}") from None
    except ArgumentError:
        raise StoreError(f"{name} is not a URL; write {_FORM}") from None
    except ValueError:
        raise StoreError(
            f"{name} has a port that is no number: write @, : and / in a password as %40, %3A and "
            "%2F, and an IPv6 address in brackets, as [::1]"
        ) from None
    scheme = url.drivername.lower()
    if scheme.split("+")[0] not in ("postgres", "postgresql"):
        raise StoreError(f"{name} begins with {scheme!r}; this system needs PostgreSQL: {_FORM}")
    behind_login = _LOGIN.sub("", text.strip().partition("://")[2])
    if any("@" in part for part in (behind_login, url.host or "", url.database or "")):
        raise StoreError(f"{name} holds one @ too many: write those of a password as %40")
    parts = (url.username, url.password, url.host, url.database, *map(str, url.query.values()))
    if any(ord(sign) < ord(" ") for part in parts for sign in part or ""):
        raise StoreError(f"{name} holds a control character; write {_FORM}")
    if unknown := [option for option in url.query if not _is_option(option)]:
        raise StoreError(
            f"{name} has the option {unknown[0]!r}, which PostgreSQL's client does not know: take "
            "it out"
        )
    if not url.database and not {"dbname", "service"} & url.query.keys():
        raise StoreError(f"{name} names no database; write {_FORM}")
    return url.set(drivername="postgresql+psycopg2")


def psql_address(text: str, name: str) -> tuple[str, str | None]:
    """The same for ``psql``: without the password, for its command line, and the password.

    Raises:
        StoreError: As :func:`read_address`.
    """
    url = read_address(text, name)
    _, options = url.get_dialect()().create_connect_args(url)
    password = options.pop("password", None)
    return make_dsn(**options), password


def _is_option(name: str) -> bool:
    try:
        make_dsn(**{name: "x"})
    except ProgrammingError:
        return False
    return True
