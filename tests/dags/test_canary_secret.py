"""Secrets of an installation go through a night, and are found nowhere afterwards."""

import logging
import os
import sqlite3
import subprocess
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.utils.state import DagRunState
from factories import make_jpeg
from promotions import forget_champion
from rivals import make_field, store_checked_model

from emotion_core.airflow.task_context import installation
from emotion_core.errors import StoreError
from emotion_core.local.credentials import Credentials
from emotion_core.local.postgres import PostgresServer
from emotion_core.local.provision import OUR_DATABASE
from emotion_core.settings import Settings
from emotion_core.steps import reports
from emotion_core.store.database import Database

HOOK = "canary-hook-5d1f0c8e7b"


@pytest.fixture
def night(
    settings: Settings,
    database: Database,
    urls: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Settings]:
    """An installation with every secret set, a champion, and a delivery."""
    monkeypatch.setenv("EMOTION_HOME", str(settings.home))
    monkeypatch.setenv("EMOTION_DATABASE_URL", settings.require_database_url())
    monkeypatch.setenv("EMOTION_DEVICE", "cpu")
    monkeypatch.setenv("EMOTION_ALERT_WEBHOOK", f"http://127.0.0.1:9/{HOOK}")
    (tmp_path / "stored").mkdir()
    make_field(settings, database, urls, store_checked_model(tmp_path / "stored"), tmp_path)
    delivery = settings.inbox_dir / "canary"
    delivery.mkdir(parents=True)
    (delivery / "a.jpg").write_bytes(make_jpeg((31, 41, 59)))
    (delivery / "_SUCCESS").touch()
    yield settings
    forget_champion(urls)


class Watcher(threading.Thread):
    """Looks at the command line of every process until it is stopped."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.is_over = threading.Event()
        self.seen: set[str] = set()

    def run(self) -> None:
        while not self.is_over.wait(0.2):
            for process in psutil.process_iter(["cmdline"]):
                self.seen.add(" ".join(process.info["cmdline"] or ()))


def test_a_nights_secrets_are_in_no_log_page_message_table_or_process_list(
    bag_to_run: DagBag,
    night: Settings,
    server: PostgresServer,
    credentials: Credentials,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    watcher = Watcher()
    watcher.start()
    with caplog.at_level(logging.DEBUG):
        scored = bag_to_run.dags["score_new_images"].test()
        watched = bag_to_run.dags["watch_health"].test(run_conf={"freshness_hours": 1})
        failed = bag_to_run.dags["train_and_compare"].test(
            run_conf={"preset": "quick", "data": "/nowhere"}
        )
        with installation() as step:
            reports.report_night(step, scored.run_id)
    watcher.is_over.set()
    watcher.join()

    captured = capfd.readouterr()
    texts = {
        "what was printed": captured.out + captured.err,
        "what was logged": caplog.text,
        "the process list": "\n".join(watcher.seen),
        "Airflow's tables": _airflow_tables(),
        "our tables": _our_tables(server, credentials),
        "reports": _files(night.reports_dir),
        "Airflow's logs": _files(Path(os.environ["AIRFLOW_HOME"]) / "logs"),
    }
    assert (scored.state, watched.state) == (DagRunState.SUCCESS, DagRunState.SUCCESS)
    assert failed.state == DagRunState.FAILED
    for place in texts.keys() - {"Airflow's logs", "what was printed"}:  # may go elsewhere
        assert len(texts[place]) > 200, f"{place} is empty: nothing would be found in it"
    for secret in (credentials.password("emotion_app"), credentials.postgres, HOOK):
        assert [place for place, text in texts.items() if secret in text] == []


def test_an_address_that_does_not_answer_is_told_without_its_password(
    night: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMOTION_DATABASE_URL", f"postgresql://app:{HOOK}@127.0.0.1:1/emotion")

    with pytest.raises(StoreError) as refused, installation():
        pass

    assert HOOK not in "".join(traceback.format_exception(refused.value))


def _airflow_tables() -> str:
    address = os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].removeprefix("sqlite:///")
    connection = sqlite3.connect(address)
    try:
        return "\n".join(connection.iterdump())
    finally:
        connection.close()


def _our_tables(server: PostgresServer, credentials: Credentials) -> str:
    done = subprocess.run(
        [str(server.programs / "pg_dump"), "--data-only", "--inserts", OUR_DATABASE],
        env={
            "LC_ALL": "C",
            "PGHOST": str(server.socket_dir),
            "PGUSER": "postgres",
            "PGPASSWORD": credentials.postgres,
        },
        capture_output=True,
        check=True,
    )
    return done.stdout.decode("utf-8", "replace")


def _files(folder: Path) -> str:
    return "\n".join(
        path.read_text(encoding="utf-8", errors="replace")
        for path in folder.rglob("*")
        if path.is_file()
    )
