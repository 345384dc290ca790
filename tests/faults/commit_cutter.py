"""A door between a worker and PostgreSQL that lets COMMIT pass and loses the answer."""

import contextlib
import socket
import struct
import threading
from pathlib import Path


class CommitCutter:
    """Listens on a socket of its own. From :meth:`arm` on, the first COMMIT's answer is lost."""

    def __init__(self, folder: Path, server: Path) -> None:
        """``folder`` is to be named as the host; ``server`` is the real server's socket folder."""
        self.count_cut = 0
        self._server = server / ".s.PGSQL.5432"
        self._is_armed = False
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / ".s.PGSQL.5432"))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self) -> None:
        self._is_armed = True

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self._server))
                answers = threading.Event()
                answers.set()
                for talk in (self._ask, self._answer):
                    threading.Thread(
                        target=talk, args=(client, server, answers), daemon=True
                    ).start()

    def _ask(self, client: socket.socket, server: socket.socket, answers: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65_536):
                if self._is_armed and data == _message(b"COMMIT"):
                    self._is_armed = False
                    answers.clear()
                    self.count_cut += 1
                server.sendall(data)
        server.close()

    def _answer(
        self, client: socket.socket, server: socket.socket, answers: threading.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65_536):
                if not answers.is_set():
                    break  # the server has committed and said so; nobody will hear it
                client.sendall(data)
        for end in (client, server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def _message(statement: bytes) -> bytes:
    """A simple query in PostgreSQL's protocol."""
    return b"Q" + struct.pack("!i", len(statement) + 5) + statement + b"\0"
