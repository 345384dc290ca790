"""Scoring on several machines: Celery workers in processes of their own, meeting in the ledger."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery_crew import Crew, celery_crew, has_redis
from nights import Inbox, Restartable
from waiting import wait_until


@pytest.fixture
def crew() -> Iterator[Crew]:
    if not has_redis():
        pytest.skip("no redis-server here: sudo apt-get install redis-server")
    with (
        tempfile.TemporaryDirectory(prefix="emotion-") as folder,
        celery_crew(Path(folder)) as made,
    ):
        yield made


def test_nothing_is_lost_when_one_of_two_celery_workers_is_killed(
    inbox: Inbox, crew: Crew, restartable: Restartable
) -> None:
    inbox.deliver(300)
    batch = inbox.ingest()
    crew.hire(2)

    crew.score(restartable.url, inbox.model_version_id, tasks=2, seconds=0.01, lease_seconds=2.0)
    wait_until(
        lambda: (
            inbox.ask(
                "SELECT count(DISTINCT worker) FROM scoring_item "
                "WHERE model_version_id = :m AND state = 'done'"
            )
            == 2
        )
    )
    crew.kill(0)
    wait_until(lambda: inbox.count_ended() == 300)

    summary = inbox.close(batch)
    assert (
        inbox.ask("SELECT count(*) FROM scoring_item WHERE model_version_id = :m AND attempts > 1")
        > 0
    )
    assert summary.is_closed and summary.count_done == inbox.count_ended() == 300
