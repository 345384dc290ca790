"""Alerts by webhook and e-mail: to real servers on this machine, and to broken ones."""

import json
import logging
import socketserver
import threading
from collections.abc import Callable, Iterator
from email import message_from_bytes
from typing import Any

import pytest
from airflow.utils.state import DagRunState
from receiver import Receiver
from watched_nights import make_champion, score_night

from emotion_core.airflow.alerts import TRIES, send_alert
from emotion_core.errors import SettingsError
from emotion_core.settings import Settings
from emotion_core.store.database import Database

SENTENCE = "The newest prediction is <b>50.0</b> hours old (limit 36)."


@pytest.fixture(autouse=True)
def webhook(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTION_ALERT_WEBHOOK", f"{receiver.address}/secret-token")


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
    with MailServer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_a_webhook_gets_every_sentence(receiver: Receiver) -> None:
    send_alert("1 limit crossed", "scheduled__1", [SENTENCE])

    text = f"Emotion Batch Scoring: {SENTENCE}"
    assert receiver.messages == [{"text": text, "alarms": [SENTENCE], "check": "scheduled__1"}]


@pytest.mark.parametrize(
    ("answers", "tries"),
    [([503, 500], 3), ([500] * 9, TRIES), ([404] * 9, 1)],
    ids=["an error that passes", "an error that stays", "a refusal"],
)
def test_only_a_servers_own_error_is_worth_another_try(
    receiver: Receiver, caplog: pytest.LogCaptureFixture, answers: list[int], tries: int
) -> None:
    receiver.answers = [*answers]

    send_alert("1 limit crossed", "k", [SENTENCE])

    assert len(receiver.messages) == tries
    assert ("did not accept the alert" in caplog.text) == (len(answers) == 9)


def test_a_server_and_a_mailbox_that_are_not_there_harm_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("EMOTION_ALERT_WEBHOOK", "http://127.0.0.1:9/secret")
    monkeypatch.setenv("EMOTION_ALERT_EMAIL", "ops@example.org")

    send_alert("1 limit crossed", "k", [SENTENCE])

    assert "the webhook at 127.0.0.1 did not accept the alert: ConnectError" in caplog.text
    assert "the e-mail to ops@example.org could not be sent" in caplog.text


def test_the_secret_part_of_the_address_is_in_no_log_and_no_repr(
    receiver: Receiver, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers = [500] * TRIES

    with caplog.at_level(logging.INFO):
        send_alert("1 limit crossed", "k", [SENTENCE])

    captured = capfd.readouterr()
    said = captured.out + captured.err + caplog.text + repr(Settings.from_environment())
    assert "secret-token" not in said


def test_an_address_that_is_none_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTION_ALERT_WEBHOOK", "chat.example.org/hook")

    with pytest.raises(SettingsError, match="EMOTION_ALERT_WEBHOOK"):
        send_alert("1 limit crossed", "k", [SENTENCE])


def test_an_alert_is_mailed_through_airflows_connection(
    mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = {
        "conn_type": "smtp",
        "host": "127.0.0.1",
        "port": mail_server.server_address[1],
        "extra": {"disable_ssl": True, "disable_tls": True, "from_email": "system@example.org"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(connection))
    monkeypatch.setenv("EMOTION_ALERT_EMAIL", "ops@example.org")

    send_alert("1 limit crossed", "scheduled__1", [SENTENCE])

    (mail,) = map(message_from_bytes, mail_server.mails)
    parts = [part for part in mail.walk() if not part.is_multipart()]
    text = b"".join(part.get_payload(decode=True) or b"" for part in parts).decode()
    assert (mail["To"], mail["From"]) == ("ops@example.org", "system@example.org")
    assert mail["Subject"] == "Emotion Batch Scoring: 1 limit crossed"
    assert "&lt;b&gt;50.0" in text and "scheduled__1" in text


def test_the_dag_measures_a_night_alerts_and_renders_the_page(
    database: Database,
    configured: Settings,
    urls: dict[str, str],
    receiver: Receiver,
    run_dag: Callable[..., Any],
    request: pytest.FixtureRequest,
) -> None:
    model = make_champion(database, urls)
    score_night(database, configured, model, request.node.name, [130, 10, 10, 10, 10, 10, 10, 10])

    result = run_dag("watch_health")

    (message,) = receiver.messages
    assert result.state == DagRunState.SUCCESS
    assert message["check"] == result.run_id
    assert any("differs from its validation" in line for line in message["alarms"])
    (page,) = (configured.reports_dir / "nights").rglob("*.html")
    assert "differs from its validation" in page.read_text(encoding="utf-8")
