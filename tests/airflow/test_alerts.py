"""Telling people: against a real web server on this machine, and against one that is broken."""

import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.utils.state import DagRunState
from watched_nights import make_champion, score_night

from emotion_core.airflow.alerts import AlertNotifier
from emotion_core.errors import SettingsError
from emotion_core.settings import Settings
from emotion_core.store.database import Database

DAGS = Path(__file__).parents[2] / "dags"
SENTENCE = "The newest prediction is 50.0 hours old (limit 36)."


@dataclass
class Receiver:
    """A web server that remembers what it was told."""

    address: str = ""
    answers: list[int] = field(default_factory=list)
    """Status codes to give, the first one first; 200 when there is none left."""
    told: list[Any] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.told.append(json.loads(body))
            self.send_response(made.answers.pop(0) if made.answers else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    made.address = f"http://127.0.0.1:{server.server_port}/secret-token"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


def telling(address: str | None = None, email: str = "") -> Settings:
    return Settings.from_environment(
        {
            "EMOTION_HOME": "/nowhere",
            "EMOTION_ALERT_WEBHOOK": address or "",
            "EMOTION_ALERT_EMAIL": email,
        }
    )


def test_a_webhook_is_told_every_sentence(receiver: Receiver) -> None:
    AlertNotifier().tell(telling(receiver.address), "scheduled__1", [SENTENCE])

    assert receiver.told == [
        {
            "text": f"Emotion Batch Scoring: {SENTENCE}",
            "alarms": [SENTENCE],
            "check": "scheduled__1",
        }
    ]


def test_a_server_that_stumbles_is_told_again(receiver: Receiver) -> None:
    receiver.answers = [503, 500]

    AlertNotifier().tell(telling(receiver.address), "k", [SENTENCE])

    assert len(receiver.told) == 3


def test_a_server_that_refuses_is_not_asked_again_and_harms_nothing(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers = [404] * 5

    AlertNotifier().tell(telling(receiver.address), "k", [SENTENCE])

    assert len(receiver.told) == 1


def test_a_server_that_is_not_there_and_a_mailbox_that_is_not_configured_harm_nothing() -> None:
    AlertNotifier().tell(telling("http://127.0.0.1:9/secret", "ops@example.org"), "k", [SENTENCE])


def test_the_secret_part_of_the_address_is_in_no_log_and_no_repr(
    receiver: Receiver, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers = [500] * 3
    settings = telling(receiver.address)

    with caplog.at_level(logging.INFO):
        AlertNotifier().tell(settings, "k", [SENTENCE])

    captured = capfd.readouterr()
    assert "secret-token" not in captured.out + captured.err + caplog.text + repr(settings)


def test_an_address_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(SettingsError, match="EMOTION_ALERT_WEBHOOK"):
        telling("chat.example.org/hook")


def test_the_dag_measures_a_night_tells_the_webhook_and_renders_the_page(
    database: Database,
    settings: Settings,
    urls: dict[str, str],
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    from airflow.utils.db import initdb

    initdb()
    assert settings.database_url
    monkeypatch.setenv("EMOTION_HOME", str(settings.home))
    monkeypatch.setenv("EMOTION_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("EMOTION_ALERT_WEBHOOK", receiver.address)
    model = make_champion(database, urls)
    score_night(database, settings, model, request.node.name, [130, 10, 10, 10, 10, 10, 10, 10])
    bag = DagBag(dag_folder=str(DAGS / "watch_health.py"))

    result = bag.dags["watch_health"].test(run_conf={})

    assert result.state == DagRunState.SUCCESS
    assert [message["check"] for message in receiver.told] == [result.run_id]
    assert any("differs from its validation" in line for line in receiver.told[0]["alarms"])
    (page,) = (settings.reports_dir / "nights").rglob("*.html")
    assert "differs from its validation" in page.read_text(encoding="utf-8")
