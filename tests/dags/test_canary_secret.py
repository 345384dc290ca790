"""Secrets of an installation go through a night, and are found nowhere afterwards."""

import logging
import os
import sqlite3
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from airflow.utils.state import DagRunState
from dag_runs import deliver
from rivals import Field

from emotion_core.airflow.task_context import installation
from emotion_core.local.credentials import Credentials
from emotion_core.local.postgres import PostgresServer
from emotion_core.local.provision import OUR_DATABASE
from emotion_core.settings import Settings
from emotion_core.steps import reports

HOOK = "canary-hook-5d1f0c8e7b"


class Watcher(threading.Thread):
    """Looks at the command line of every process while the block runs."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.is_over = threading.Event()
        self.seen: set[str] = set()

    def run(self) -> None:
        while not self.is_over.wait(0.2):
            for process in psutil.process_iter(["cmdline"]):
                self.seen.add(" ".join(process.info["cmdline"] or ()))

    def __enter__(self) -> "Watcher":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_over.set()
        self.join()


def test_a_nights_secrets_are_in_no_log_page_message_table_or_process_list(
    run_dag: Callable[..., Any],
    configured: Settings,
    field: Field,
    server: PostgresServer,
    credentials: Credentials,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EMOTION_ALERT_WEBHOOK", f"http://127.0.0.1:9/{HOOK}")
    deliver(configured, "canary", (31, 41, 59))

    with Watcher() as watcher, caplog.at_level(logging.DEBUG):
        scored = run_dag("score_new_images")
        watched = run_dag("watch_health", freshness_hours=1)
        failed = run_dag("train_and_compare", preset="quick", data="/nowhere")
        with installation() as here:
            reports.report_night(here, scored.run_id)

    captured = capfd.readouterr()
    texts = {
        "what was printed": captured.out + captured.err,
        "what was logged": caplog.text,
        "the process list": "\n".join(watcher.seen),
        "Airflow's tables": _airflow_tables(),
        "our tables": _our_tables(server, credentials),
        "reports": _files(configured.reports_dir),
        "Airflow's logs": _files(Path(os.environ["AIRFLOW_HOME"]) / "logs"),
    }
    assert (scored.state, watched.state) == (DagRunState.SUCCESS, DagRunState.SUCCESS)
    assert failed.state == DagRunState.FAILED
    for place in texts.keys() - {"Airflow's logs", "what was printed"}:  # may go elsewhere
        assert len(texts[place]) > 200, f"{place} is empty: nothing would be found in it"
    for secret in (credentials.password("emotion_app"), credentials.postgres, HOOK):
        assert [place for place, text in texts.items() if secret in text] == []


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
    paths = (path for path in folder.rglob("*") if path.is_file())
    return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in paths)
