"""A provisioned PostgreSQL that lives as long as a ``with`` block, for tests and benchmarks."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from emotion_core.local import provision
from emotion_core.local.credentials import load_or_create
from emotion_core.local.guardian import Guardian
from emotion_core.local.home import Home
from emotion_core.local.postgres import PostgresServer


@contextmanager
def temporary_server(
    *, durable: bool = False
) -> Iterator[tuple[PostgresServer, provision.Addresses]]:
    """A server with both databases, every role and all tables; gone afterwards, also after a kill.

    Args:
        durable: Whether it syncs to disk; without, it is quick.
    """
    with tempfile.TemporaryDirectory(prefix="emotion-") as folder:
        home = Home(Path(folder))
        home.make()
        credentials = load_or_create(home.secrets_path)
        server = PostgresServer(home, credentials.postgres, durable=durable)
        with Guardian(home, remove=True):
            try:
                server.start()
                provision.provision(server, credentials)
                yield server, provision.addresses(server, credentials)
            finally:
                server.remove()
