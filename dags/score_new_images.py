"""### Score new images

Every night at 02:00 UTC, and whenever triggered: ingests what has arrived in the inbox and scores it with the
champion.

| task | does | on a retry |
|---|---|---|
| `ingest` | pins the champion, enters every new file, plans one ledger item per content | enters only what is new |
| `score` | workers that claim, decode, infer and publish until nothing waits | goes on; nothing is scored twice |
| `close` | closes the batch once found = done + rejected + quarantined; fails when too much was refused | counts again |
| `shadow` | scores the same images with the challenger, if there is one; current predictions stay, and its failure does not fail the night | goes on; nothing is scored twice |

**This DAG is idempotent**: what is left to do is a query on the ledger, never a date. A missed night needs no
backfill: the next run scores everything that waits, also what a stopped run has left.

**Skipped** means that no model is champion yet.

**If the log says …**
- *files still wait for a worker*: all workers of this run died; clear `score`.
- *refused …*: that file became a row with its reason (view `refused_file`); the others went on.
- *held back …*: the folder lacks files that its `manifest.csv` lists, or the name of a marker is misspelt; nothing
  in it is lost or refused.
- *… were refused, mostly …*: all good images are published, but the share of refused files is over the limit. Fix
  the delivery; `emotion retry --reason CODE` marks refused files for the next run.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import Asset, dag, get_current_context, task

from emotion_core.airflow.alerts import deadline
from emotion_core.airflow.dag_defaults import DAG_DEFAULTS, TASK_DEFAULTS, daily_at
from emotion_core.airflow.form_fields import number_field, refused_share_field
from emotion_core.airflow.task_context import installation

PARAMS = {
    "workers": number_field(
        "Workers", "Scoring tasks in parallel. One uses two cores fully.", 1, 1, 64
    ),
    "settle_seconds": number_field(
        "Settle time (seconds)",
        "A file in a folder without manifest.csv or _SUCCESS is complete once it is unchanged for so long.",
        60,
        0,
        86_400,
        kind="number",
    ),
    "refused_share_limit": refused_share_field(
        "With a larger share the run fails after publishing all good images; 1 never fails."
    ),
    "refused_minimum": number_field(
        "Least number of refused files (count)",
        "With fewer refused files the run does not fail, whatever their share.",
        10,
        1,
        1_000_000,
    ),
}


@dag(
    **DAG_DEFAULTS,
    dag_display_name="Score new images",
    doc_md=__doc__,
    tags=["emotion", "scoring"],
    schedule=daily_at(2),
    deadline=deadline("Score new images", hours=5),
    params=PARAMS,
    default_args={**TASK_DEFAULTS, "execution_timeout": timedelta(hours=6)},
)
def score_new_images() -> None:
    @task(task_display_name="Ingest")
    def ingest(run_id: str, params: dict[str, Any]) -> list[str]:
        from emotion_core.steps import scoring

        with installation() as here:
            scoring.open_batch(here, run_id, settle_seconds=params["settle_seconds"])
        return [f"worker {number + 1}" for number in range(params["workers"])]

    @task(
        pool="scoring",
        queue="gpu",
        task_display_name="Score",
        map_index_template="{{ worker_label | default(task.op_kwargs['worker']) }}",
    )
    def score(worker: str, run_id: str) -> dict[str, float]:
        from emotion_core.airflow.metrics import send_gauges
        from emotion_core.steps import scoring

        with installation() as here:
            tally = scoring.score(here, run_id, f"{run_id} {worker}")
        send_gauges({"images_per_second": tally["images_per_second"]})
        label = f"{worker} · {tally['count_scored']:.0f} images"
        get_current_context()["worker_label"] = label
        return tally

    # Also when a worker died: another may have done its share, and only the counts can tell.
    # watch_health waits for the event.
    @task(
        task_display_name="Close",
        trigger_rule="all_done_min_one_success",
        outlets=[Asset("emotion_night_scored")],
    )
    def close(
        tallies: list[dict[str, float]], run_id: str, params: dict[str, Any]
    ) -> dict[str, int | str]:
        from emotion_core.steps import scoring

        limits = {name: params[name] for name in ("refused_share_limit", "refused_minimum")}
        with installation() as here:
            return scoring.close_batch(here, run_id, **limits)

    # A teardown: its outcome does not change the run's.
    @task(
        pool="scoring",
        queue="gpu",
        task_display_name="Score with the challenger",
        retries=1,
        execution_timeout=timedelta(hours=3),
    )
    def shadow(run_id: str) -> dict[str, float]:
        from emotion_core.steps import rescoring

        with installation() as here:
            return rescoring.score_shadow(here, run_id, f"{run_id} shadow")

    close(score.expand(worker=ingest())) >> shadow().as_teardown()


score_new_images()
