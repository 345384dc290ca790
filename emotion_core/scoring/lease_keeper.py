"""The claims that a worker holds: renewed while it works, released when it must stop."""

import logging
import threading
from collections.abc import Sequence

from emotion_core.errors import StoreError
from emotion_core.store.database import Database
from emotion_core.store.ledger import Claim, release_items, renew_leases

log = logging.getLogger(__name__)


class LeaseKeeper:
    """Claims between the ledger's promise and the published row. Safe to use from any thread."""

    def __init__(self, database: Database, lease_seconds: float) -> None:
        self._database = database
        self._lease_seconds = lease_seconds
        self._claims: dict[int, Claim] = {}
        self._changed = threading.Condition()
        self._is_over = threading.Event()
        self._renewing = threading.Thread(target=self._renew, name="renew leases", daemon=True)
        self._renewing.start()

    def add(self, claims: Sequence[Claim]) -> None:
        """These were just claimed."""
        with self._changed:
            self._claims.update((claim.item_id, claim) for claim in claims)

    def drop(self, claims: Sequence[Claim]) -> None:
        """These are published, or were found to be another worker's."""
        with self._changed:
            for claim in claims:
                self._claims.pop(claim.item_id, None)
            self._changed.notify_all()

    def wait_until_empty(self, stop: threading.Event) -> None:
        """Returns when everything claimed is published, or at ``stop``."""
        with self._changed:
            while self._claims and not stop.is_set():
                self._changed.wait(0.1)

    def release(self) -> int:
        """Let others claim what is still held, at once; returns how many items that were."""
        with self._changed:
            claims = list(self._claims.values())
        with self._database.transaction("emotion_score") as connection:
            count = release_items(connection, claims)
        self.drop(claims)
        return count

    def close(self) -> None:
        """Renew no lease any more."""
        self._is_over.set()
        self._renewing.join()

    def _renew(self) -> None:
        while not self._is_over.wait(self._lease_seconds / 3):
            with self._changed:
                claims = list(self._claims.values())
            try:
                with self._database.transaction("emotion_score") as connection:
                    renew_leases(connection, claims, self._lease_seconds)
            except Exception as error:  # the lease still has two thirds left, and fences guard it
                log.warning("leases could not be renewed, trying again: %s", _line(error))


def _line(error: Exception) -> str:
    if isinstance(error, StoreError):
        return str(error)
    return f"{type(error).__name__}: {error}".splitlines()[0]
