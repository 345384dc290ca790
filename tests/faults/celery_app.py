"""What the Celery workers of these tests serve: the real scoring worker, a model that sleeps."""

import os

import night_worker
from celery import Celery

app = Celery("scoring", broker=os.environ["EMOTION_TEST_BROKER"])
app.conf.update(
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
)


@app.task(name="score", ignore_result=True)
def score(url: str, model_version_id: int, name: str, seconds: float, lease_seconds: float) -> None:
    night_worker.run(url, model_version_id, name, seconds=seconds, lease_seconds=lease_seconds)
