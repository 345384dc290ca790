"""Redis and Celery workers as processes of their own, as on machines of their own."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from celery import Celery

ROOT = Path(__file__).parents[2]
QUEUE = "cpu"
PATIENCE_S = 90.0


def has_redis() -> bool:
    return shutil.which("redis-server") is not None


@dataclass
class Crew:
    """Workers that wait for scoring tasks."""

    folder: Path
    app: Celery
    environment: dict[str, str]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def hire(self, count: int) -> None:
        """Start workers and wait until they answer."""
        for _ in range(count):
            name = f"worker{len(self.workers)}@here"
            command = [
                *(sys.executable, "-m", "celery", "--app", "celery_app", "worker"),
                *("--pool", "solo", "--queues", QUEUE, "--hostname", name),
                *("--without-gossip", "--without-mingle", "--without-heartbeat"),
            ]
            with (self.folder / f"{name}.log").open("wb") as log:
                self.workers.append(
                    subprocess.Popen(
                        command,
                        cwd=ROOT,
                        env=self.environment,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                        start_new_session=True,
                    )
                )
        deadline = time.monotonic() + PATIENCE_S
        while len(self.app.control.ping(timeout=0.5)) < len(self.workers):
            assert time.monotonic() < deadline, (self.folder / f"{name}.log").read_text()[-2000:]

    def score(
        self,
        url: str,
        model_version_id: int,
        *,
        tasks: int,
        seconds: float,
        lease_seconds: float = 60.0,
    ) -> None:
        """Send as many scoring tasks; each works until nothing of this model is left."""
        for number in range(tasks):
            self.app.send_task(
                "score",
                (url, model_version_id, f"task {number}", seconds, lease_seconds),
                queue=QUEUE,
            )

    def kill(self, number: int) -> None:
        """As when its machine loses power."""
        os.killpg(self.workers[number].pid, signal.SIGKILL)
        self.workers[number].wait()


@contextmanager
def celery_crew(folder: Path) -> Iterator[Crew]:
    """Redis on a socket in ``folder``, and no workers yet."""
    socket = folder / "redis.sock"
    redis = subprocess.Popen(
        [
            *("redis-server", "--port", "0", "--unixsocket", str(socket)),
            *("--save", "", "--dir", str(folder)),
        ],
        stdout=subprocess.DEVNULL,
    )
    crew = None
    try:
        while not socket.exists():
            assert redis.poll() is None
            time.sleep(0.02)
        environment = {
            **os.environ,
            "EMOTION_TEST_BROKER": f"redis+socket://{socket}",
            "PYTHONPATH": os.pathsep.join(
                [str(ROOT), str(ROOT / "tests"), str(Path(__file__).parent)]
            ),
        }
        app = Celery("scoring", broker=environment["EMOTION_TEST_BROKER"])
        crew = Crew(folder, app, environment)
        yield crew
    finally:
        for worker in crew.workers if crew else ():
            if worker.poll() is None:
                os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
        if crew:
            crew.app.close()
        redis.terminate()
        redis.wait()
