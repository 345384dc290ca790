"""A PostgreSQL that tests may restart, batches on it, and worker processes that start at once."""

import multiprocessing
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import night_worker
import pytest
from factories import make_model
from nights import Inbox, MakeNight, Night, Restartable, plan_night

from emotion_core.local.temporary import temporary_server
from emotion_core.store.database import Database


@pytest.fixture(scope="session")
def restartable() -> Iterator[Restartable]:
    # A test run that is killed leaves nothing running.
    with temporary_server() as (server, found):
        yield Restartable(server, found.app, Database(found.app))


@pytest.fixture
def make_night(restartable: Restartable, request: pytest.FixtureRequest) -> MakeNight:
    def make(count: int = 12, name: str = "", **options: Any) -> Night:
        run_key = f"{request.node.name} {name}"
        return plan_night(restartable.database, restartable.url, run_key, count, **options)

    return make


@pytest.fixture
def inbox(restartable: Restartable, tmp_path: Path) -> Inbox:
    with restartable.database.transaction("emotion_train") as connection:
        model = make_model(connection)
    return Inbox(tmp_path, restartable.url, restartable.database, model.id)


_CONTEXT = multiprocessing.get_context("forkserver")


@pytest.fixture
def start_process() -> Iterator[Callable[..., ForkServerProcess]]:
    """Start a function in a process of its own; forked from one that has imported everything."""
    _CONTEXT.set_forkserver_preload(
        ["__main__", "emotion_core.store.ledger", "emotion_core.scoring.worker"]
    )
    started: list[ForkServerProcess] = []

    def start(function: Callable[..., None], *arguments: Any, **options: Any) -> ForkServerProcess:
        process = _CONTEXT.Process(target=function, args=arguments, kwargs=options)
        process.start()
        started.append(process)
        return process

    yield start
    for process in started:
        if process.is_alive():
            process.kill()
        process.join()


@pytest.fixture
def start_worker(
    inbox: Inbox, start_process: Callable[..., ForkServerProcess]
) -> Callable[..., ForkServerProcess]:
    """Start the real worker on the inbox, in a process of its own."""

    def start(worker: str = "w", **options: Any) -> ForkServerProcess:
        return start_process(night_worker.run, inbox.url, inbox.model_version_id, worker, **options)

    return start


# --- figures for people, at the end of the run ----------------------------------------------


@pytest.fixture
def say(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Print a line among the figures of the test run."""
    return lambda line: record_property("figure", line)
