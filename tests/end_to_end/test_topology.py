"""The deployment's topology as processes: every component by itself, two workers, one killed.

What docker-compose.yaml would start in containers is started here from the same file, with the same
commands, environment, logins and health checks: CeleryExecutor over Redis, FAB's users, a worker
that serves `cpu` and `gpu` and one that serves `gpu` alone.
"""

import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
import pytest
from composed import CONTROL, WORKERS, Composed, composed
from PIL import Image
from promotions import make_champion
from sqlalchemy import text
from waiting import wait_until

from emotion_core.drawn_faces.dataset import draw_dataset
from emotion_core.local.airflow_api import AirflowApi, TaskState
from emotion_core.settings import Settings
from emotion_core.steps.installation import Installation
from emotion_core.store import models
from emotion_core.store.batches import BatchSummary, batch_summary

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(900)]

TRAINING, SCORING = "train_and_compare", "score_new_images"
IMAGES, BROKEN = 3_000, 3
PATIENCE_S = 400.0


@dataclass(frozen=True)
class Told:
    """What a training and a night left behind."""

    unwell: dict[str, int]
    """Services whose own health check failed, with its exit code."""
    training: list[TaskState]
    night: list[TaskState]
    tried_again: int
    """Items that somebody held when the worker was killed."""
    predictions: int
    workers: set[str]
    """Who published."""
    summary: BatchSummary
    leaked: list[tuple[str, str]]
    """Names of secrets that stand somewhere in clear, and where."""
    searched: int
    """Characters that were looked through for them."""
    structured: dict[str, float]
    """Share of the lines of each Airflow process's log that are objects of JSON."""


@pytest.fixture(scope="module")
def told() -> Iterator[Told]:
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server here: sudo apt-get install redis-server")
    with tempfile.TemporaryDirectory(prefix="emotion-") as place:
        folder = Path(place)
        # One task at a time on each worker, so that of two scoring tasks each has one.
        variables = {"EMOTION_CPU_CONCURRENCY": "1", "EMOTION_LOST_TASK_SECONDS": "20"}
        with ThreadPoolExecutor(1) as aside:
            # While the databases are made.
            prepared = aside.submit(prepare, folder)
            with composed(folder, variables) as system:
                prepared.result()
                yield _live_through(system, folder)


def _live_through(system: Composed, folder: Path) -> Told:
    children = {name: system.start(name) for name in (*CONTROL, *WORKERS)}
    api = AirflowApi(
        f"http://127.0.0.1:{system.ports['api']}",
        "admin",
        system.variables["AIRFLOW_ADMIN_PASSWORD"],
    )
    settings = Settings.from_environment(system.environment("worker-cpu"))
    here = Installation(settings, settings.database_url)

    def ask(question: str) -> int:
        with here.database.transaction("emotion_report") as connection:
            return int(connection.execute(text(question)).scalar_one())

    try:
        wait_until(lambda: not api.unhealthy(), PATIENCE_S)
        wait_until(lambda: api.has_dag(TRAINING) and api.has_dag(SCORING), PATIENCE_S)
        for dag_id in (TRAINING, SCORING):
            api.unpause(dag_id)
        form = {
            "networks": ["efficientnet_b0"],
            "preset": "quick",
            "data": str(folder / "data" / "drawn"),
            "weights": "none",
            "epochs": 1,
        }
        api.trigger(TRAINING, "first", form, "")
        checks = {"worker-gpu": system.check_health("worker-gpu")}
        wait_until(lambda: api.run_state(TRAINING, "first") in ("success", "failed"), PATIENCE_S)
        training = api.tasks(TRAINING, "first")
        unlucky = [task for task in training if task.state == "failed"]
        assert not unlucky, api.log_lines(TRAINING, "first", unlucky[0])
        with here.database.transaction("emotion_train") as connection:
            make_champion(connection, models.model_versions(connection)[0])

        api.trigger(SCORING, "tonight", {"workers": 2, "settle_seconds": 0}, "")
        wait_until(
            lambda: (
                ask("SELECT count(DISTINCT worker) FROM scoring_item WHERE state = 'done'") == 2
            ),
            PATIENCE_S,
        )
        system.kill(children["worker-gpu"])
        # While Airflow waits for the worker that is no more.
        checks |= {name: system.check_health(name) for name in children if name != "worker-gpu"}
        wait_until(lambda: api.run_state(SCORING, "tonight") in ("success", "failed"), PATIENCE_S)
        with here.database.transaction("emotion_report") as connection:
            summary = batch_summary(connection, "tonight")
            workers = set(connection.execute(text("SELECT worker FROM scoring_item")).scalars())
        assert summary is not None
        said = [*_said(system)]
        return Told(
            leaked=[
                (name, where)
                for name, secret in system.variables.items()
                if len(secret) > 15
                for where, text_ in said
                if secret in text_
            ],
            searched=sum(len(text_) for _, text_ in said),
            structured={
                name.removesuffix(".log"): _share_of_objects(text_)
                for name, text_ in said
                if name.removesuffix(".log") in CONTROL
            },
            unwell={name: code for name, check in checks.items() if (code := check.wait()) != 0},
            training=training,
            night=api.tasks(SCORING, "tonight"),
            tried_again=ask("SELECT count(*) FROM scoring_item WHERE attempts > 1"),
            predictions=ask("SELECT count(*) FROM prediction"),
            workers=workers,
            summary=summary,
        )
    finally:
        api.close()
        here.database.close()


def _said(system: Composed) -> Iterator[tuple[str, str]]:
    """What logs, tables (XCom and rendered fields among them), REST and our pages hold."""
    yield from system.logs()
    for database in ("airflow", "emotion"):
        yield f"database {database}", system.dump(database)
    login = {"username": "admin", "password": system.variables["AIRFLOW_ADMIN_PASSWORD"]}
    address = f"http://127.0.0.1:{system.ports['api']}"
    with httpx.Client(base_url=address, trust_env=False, timeout=60.0) as browser:
        token = browser.post("/auth/token", json=login).json()["access_token"]
        browser.headers["Authorization"] = f"Bearer {token}"
        for page in (
            f"/api/v2/dags/{TRAINING}/dagRuns/first",
            f"/api/v2/dags/{TRAINING}/dagRuns/first/taskInstances",
            "/emotion/reports",
            f"/emotion/runs/{TRAINING}/first",
            f"/emotion/runs/{SCORING}/tonight",
        ):
            answer = browser.get(page, follow_redirects=True)
            assert answer.is_success, (page, answer.status_code)
            yield page, answer.text


def _share_of_objects(log: str) -> float:
    lines = log.splitlines()
    return sum(line.startswith("{") for line in lines) / max(1, len(lines))


def prepare(folder: Path) -> None:
    """A data set to train on, and a night's delivery."""
    draw_dataset(folder / "data" / "drawn", per_expression=8, seed=1)
    deliver(folder / "inbox" / "evening")


def deliver(folder: Path) -> None:
    """Distinct small pictures, one of them under two names, and a few that are none."""
    folder.mkdir(parents=True)
    noise = np.random.default_rng(1)
    for number in range(IMAGES):
        pixels = noise.integers(0, 255, (40, 40, 3), np.uint8)
        written = BytesIO()
        Image.fromarray(pixels).save(written, "JPEG", quality=80)
        (folder / f"{number}.jpg").write_bytes(written.getvalue())
    shutil.copy(folder / "0.jpg", folder / "the same again.jpg")
    for number in range(BROKEN):
        (folder / f"broken {number}.jpg").write_bytes(b"no image %d" % number)


def test_every_service_passes_the_health_check_of_its_container(told: Told) -> None:
    assert told.unwell == {}


def test_a_training_goes_through_celery(told: Told) -> None:
    assert {task.task_id for task in told.training} == {
        *("prepare", "train", "register", "compare", "clean_up")
    }
    assert {task.state for task in told.training} == {"success"}


def test_a_night_survives_the_kill_of_a_worker(told: Told) -> None:
    assert {task.state for task in told.night} == {"success"}
    tries = sorted(task.try_number for task in told.night if task.task_id == "score")
    assert tries == [1, 2]
    assert told.workers == {"tonight worker 1", "tonight worker 2"}
    assert told.tried_again > 0


def test_nothing_is_lost_and_nothing_is_scored_twice(told: Told) -> None:
    summary = told.summary

    assert summary.is_closed
    assert summary.count_found == IMAGES + 1 + BROKEN
    assert told.predictions == IMAGES
    assert summary.count_found == (
        summary.count_done + summary.count_rejected + summary.count_quarantined
    )
    assert summary.count_quarantined == 0


def test_no_secret_stands_in_a_log_a_table_or_a_page(told: Told) -> None:
    assert told.searched > 1_000_000
    assert told.leaked == []


def test_airflows_processes_log_objects_and_not_lines_for_people(told: Told) -> None:
    assert set(told.structured) == set(CONTROL)  # Celery's own lines stay as they are
    assert min(told.structured.values()) > 0.9, told.structured
