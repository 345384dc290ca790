"""A light worker for processes that get killed: the ledger's functions, scores made of the hash.

What an image gets is a pure function of its SHA-256, so that every row can be checked afterwards.
"""

import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import event

from emotion_core.store import copying, ledger
from emotion_core.store.database import Database
from emotion_core.store.ledger import (
    Claim,
    Refusal,
    claim_items,
    claim_suspect,
    items_left,
    publish_items,
)


def scores_of(hashes: Sequence[bytes]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Probabilities [N, 8] and valence and arousal [N, 2] that belong to these contents."""
    digits = np.frombuffer(b"".join(hashes), np.uint8).reshape(-1, 32).astype(np.float32)
    weights = digits[:, :8] + 1
    return weights / weights.sum(axis=1, keepdims=True), digits[:, 8:10] / 127.5 - 1


def is_refused(sha256: bytes) -> bool:
    """One content in sixteen cannot be scored."""
    return sha256[31] % 16 == 0


def claim(
    database: Database, model_version_id: int, name: str, chunk: int, lease_seconds: float
) -> list[Claim]:
    with database.transaction("emotion_score") as connection:
        return claim_items(
            connection,
            model_version_id=model_version_id,
            worker=name,
            limit=chunk,
            lease_seconds=lease_seconds,
        ) or claim_suspect(
            connection, model_version_id=model_version_id, worker=name, lease_seconds=lease_seconds
        )


def publish(database: Database, claims: Sequence[Claim]) -> tuple[int, int]:
    good = [claimed for claimed in claims if not is_refused(claimed.sha256)]
    refusals = [
        Refusal(claimed, "truncated", claimed.sha256.hex())
        for claimed in claims
        if is_refused(claimed.sha256)
    ]
    with database.transaction("emotion_score") as connection:
        return publish_items(
            connection, good, *scores_of([claimed.sha256 for claimed in good]), refusals
        )


def work_on_ledger(
    database: Database,
    model_version_id: int,
    *,
    name: str = "heir",
    chunk: int = 100,
    lease_seconds: float = 60.0,
    infer_seconds: float = 0.0,
    poll_seconds: float = 0.02,
) -> int:
    """Claim and publish until nothing is left; returns how many ends were published."""
    count = 0
    while True:
        claims = claim(database, model_version_id, name, chunk, lease_seconds)
        if claims:
            time.sleep(infer_seconds * len(claims) / chunk)
            count += sum(publish(database, claims))
            continue
        with database.transaction("emotion_score") as connection:
            if not items_left(connection, model_version_id):
                return count
        time.sleep(poll_seconds)


def run(url: str, model_version_id: int, log_path: str, **options: Any) -> None:
    """A worker process's whole life; what ends it early is written down by its name."""
    database = Database(url)
    try:
        work_on_ledger(database, model_version_id, **options)
    except Exception as error:
        with Path(log_path).open("a") as log:
            log.write(f"{type(error).__name__}\n")
        os._exit(1)


def run_until_step(
    url: str, model_version_id: int, step: int, number: int, lease_seconds: float
) -> None:
    """Work on one chunk, and get a signal at the given step of the talk with the database.

    Args:
        step: Counted from 0 over every statement and COPY, before and after it, and over every
            commit, before and after it.
        number: The signal: SIGKILL or SIGSTOP.
    """
    ledger.IDLE_LIMIT_SECONDS = 1.5
    database = Database(url)
    passed = iter(range(1_000_000))

    def pass_step(*_: object) -> None:
        if next(passed) == step:
            os.kill(os.getpid(), number)

    for moment in ("before_cursor_execute", "after_cursor_execute", "commit"):
        event.listen(database.engine, moment, pass_step)
    # A connection goes back to its pool right after its commit.
    event.listen(database.engine, "checkin", pass_step)
    copying._copy = _around(copying._copy, pass_step)

    claims = claim(database, model_version_id, "victim", 100, lease_seconds)
    published = publish(database, claims)
    os._exit(50 + sum(published))


def _around(function: Callable[..., None], pass_step: Callable[[], None]) -> Callable[..., None]:
    def wrapped(*arguments: Any) -> None:
        pass_step()
        function(*arguments)
        pass_step()

    return wrapped


def stopped(pid: int) -> bool:
    """Whether a process stands still because of SIGSTOP."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"


SIGKILL, SIGSTOP = int(signal.SIGKILL), int(signal.SIGSTOP)
