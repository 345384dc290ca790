"""Alarms by e-mail, through Airflow's own connection, to a real mail server on this machine."""

import json
import socketserver
import threading
from collections.abc import Iterator
from email import message_from_bytes

import pytest

from emotion_core.airflow.alerts import AlertNotifier
from emotion_core.settings import Settings


class MailServer(socketserver.ThreadingTCPServer):
    """Takes mail in (RFC 5321, as far as one client needs it) and remembers it."""

    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.mails: list[bytes] = []


class _Session(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            command = line[:4].upper().strip()
            if command == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                body = b""
                while (part := self.rfile.readline()) != b".\r\n":
                    body += part
                self.server.mails.append(body)
            if command == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            self.wfile.write(b"250 ok\r\n")


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    server = MailServer()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_crossed_limit_is_mailed_through_airflows_connection(
    mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_SMTP_DEFAULT",
        json.dumps(
            {
                "conn_type": "smtp",
                "host": "127.0.0.1",
                "port": mail_server.server_address[1],
                "extra": {
                    "disable_ssl": True,
                    "disable_tls": True,
                    "from_email": "system@example.org",
                },
            }
        ),
    )
    settings = Settings.from_environment(
        {"EMOTION_HOME": "/nowhere", "EMOTION_ALERT_EMAIL": "ops@example.org"}
    )

    AlertNotifier().tell(settings, "scheduled__1", ["Neutral is <b>65%</b> of the images."])

    assert len(mail_server.mails) == 1
    mail = message_from_bytes(mail_server.mails[0])
    text = b"".join(
        part.get_payload(decode=True) or b"" for part in mail.walk() if not part.is_multipart()
    ).decode()
    assert (mail["To"], mail["From"]) == ("ops@example.org", "system@example.org")
    assert mail["Subject"] == "Emotion Batch Scoring: 1 limit crossed"
    assert "&lt;b&gt;65%" in text and "scheduled__1" in text
