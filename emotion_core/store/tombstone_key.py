"""The installation's own key: with it a tombstone recognises bytes that it does not name.

A plain SHA-256 of an image can be tried out by anybody who has the image. An HMAC under a key that
lies outside of the database tells nothing to those who see the tables or a backup of them.
"""

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from emotion_core.errors import SettingsError
from emotion_core.settings import Settings
from emotion_core.store.weak_secrets import weakness

KEY_FILE = "erasure.key"


@dataclass(frozen=True)
class TombstoneKey:
    """HMAC-SHA-256 (RFC 2104) under one installation's key."""

    _key: bytes = field(repr=False)

    def content(self, sha256: bytes) -> bytes:
        """32 bytes that stand for a content, by its SHA-256."""
        return self._mark(b"content", sha256)

    def subject(self, subject: str) -> bytes:
        """32 bytes that stand for a subject, by the key that its senders use."""
        return self._mark(b"subject", subject.strip().encode("utf-8", "surrogateescape"))

    @property
    def fingerprint(self) -> bytes:
        """32 bytes by which the same key is known again."""
        return self._mark(b"fingerprint", b"")

    def _mark(self, kind: bytes, value: bytes) -> bytes:
        return hmac.new(self._key, kind + b"\0" + value, hashlib.sha256).digest()


def tombstone_key(settings: Settings) -> TombstoneKey:
    """The key of ``EMOTION_ERASURE_KEY``, else of the home's own file, drawn at first use.

    Raises:
        SettingsError: The key is a weak one; or the file cannot be read, written, or holds no key.
    """
    if settings.erasure_key:
        if (why := weakness(settings.erasure_key)) is not None:
            raise SettingsError(f"EMOTION_ERASURE_KEY {why}; draw 32 characters or more at random")
        return TombstoneKey(settings.erasure_key.encode())
    path = settings.home / KEY_FILE
    try:
        if not path.exists():
            _draw(path)
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"the erasure key in {path} cannot be read or written ({error}); restore the file, or "
            "set EMOTION_ERASURE_KEY"
        ) from error
    if len(key) < 32:
        raise SettingsError(f"{path} holds no key; restore the file, or set EMOTION_ERASURE_KEY")
    return TombstoneKey(key.encode())


def _draw(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32) + "\n")
        file.flush()
        os.fsync(file.fileno())
    # Of two who draw at once the first one's key stays.
    with suppress(FileExistsError):
        os.link(unfinished, path)
    unfinished.unlink()
