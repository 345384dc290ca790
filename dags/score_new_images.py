"""### Score new images

Every night at 02:00 UTC, and whenever triggered: takes in what has arrived in the inbox and scores
it with the champion.

| task | does | on a retry |
|---|---|---|
| `take_in` | pins the champion, enters every new file, plans one ledger item per content | enters only what is new |
| `score` | workers that claim, decode, infer and publish until nothing waits | goes on; nothing is scored twice |
| `close` | closes the batch once found = done + rejected + quarantined; fails when too much was refused | counts again |
| `shadow` | scores the same images with the challenger, if there is one; what is current stays, and its failure is not the night's | goes on; nothing is scored twice |

**This DAG is idempotent**: what is left to do is a query on the ledger, never a date. A missed
night needs no backfill, the next run takes everything that waits, and what a stopped run has left.

**Skipped** means that no model is champion yet.

**If the log says …**
- *files still wait for a worker*: all workers of this run died; clear `score`.
- *refused …*: that file became a row with its reason (view `refused_file`); the others went on.
- *held back …*: the folder's `manifest.csv` is not met yet, or a marker's name is misspelt; nothing
  of it is lost or refused.
- *… were refused, mostly …*: all that is good is published, but the share of refused files is over the
  limit. Mend the delivery; `emotion retry --reason CODE` puts refused files back for the next run.
"""

from datetime import timedelta

from airflow.sdk import (
    Asset,
    CronTriggerTimetable,
    Param,
    dag,
    get_current_context,
    task,
)

from emotion_core.airflow.alerts import FailureNotifier, deadline

PARAMS = {
    "workers": Param(
        1,
        type="integer",
        minimum=1,
        maximum=64,
        title="Workers",
        description="Scoring tasks side by side, 1 to 64. One fills a machine of two cores.",
    ),
    "settle_seconds": Param(
        60,
        type="number",
        minimum=0,
        maximum=86_400,
        title="Settle time (seconds)",
        description="A file whose folder has neither a manifest.csv nor a _SUCCESS marker counts "
        "as whole when it was not written to for this long, 0 to 86,400.",
    ),
    "refused_share_limit": Param(
        0.2,
        type="number",
        minimum=0,
        maximum=1,
        title="Limit on refused files (share)",
        description="With a larger share of refused files the run fails, after publishing all "
        "that is good; 0 to 1, where 1 never fails.",
    ),
    "refused_minimum": Param(
        10,
        type="integer",
        minimum=1,
        maximum=1_000_000,
        title="Refused files that matter (count)",
        description="With fewer refused files than this the run does not fail, whatever their "
        "share; 1 to 1,000,000.",
    ),
}


@dag(
    # With zero tolerance the first run after unpausing is the next 02:00, not the one just missed.
    schedule=CronTriggerTimetable("0 2 * * *", timezone="UTC", run_immediately=timedelta(0)),
    catchup=False,
    max_active_runs=1,
    params=PARAMS,
    tags=["emotion", "scoring"],
    doc_md=__doc__,
    on_failure_callback=FailureNotifier(),
    deadline=deadline("Score new images", hours=5),
    dag_display_name="Score new images",
    default_args={
        "owner": "emotion",
        "retries": 3,
        "retry_delay": timedelta(seconds=20),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=10),
        "execution_timeout": timedelta(hours=6),
    },
)
def score_new_images() -> None:
    @task(pool="cpu", task_display_name="Take in")
    def take_in() -> list[str]:
        from emotion_core.airflow.task_context import installation
        from emotion_core.steps import scoring

        context = get_current_context()
        with installation() as here:
            scoring.open_batch(
                here, context["run_id"], settle_seconds=context["params"]["settle_seconds"]
            )
        return [f"worker {number + 1}" for number in range(context["params"]["workers"])]

    @task(
        pool="scoring",
        queue="gpu",
        task_display_name="Score",
        map_index_template="{{ worker_label | default(task.op_kwargs['worker']) }}",
    )
    def score(worker: str) -> dict[str, float]:
        from emotion_core.airflow.metrics import send_gauges
        from emotion_core.airflow.task_context import installation
        from emotion_core.steps import scoring

        context = get_current_context()
        with installation() as here:
            tally = scoring.score(here, context["run_id"], f"{context['run_id']} {worker}")
        send_gauges({"images_per_second": tally["images_per_second"]})
        context["worker_label"] = f"{worker} · {tally['count_scored']:.0f} images"
        return tally

    # Also when a worker died: another may have done its share, and only the counts can tell.
    @task(
        pool="cpu",
        task_display_name="Close",
        trigger_rule="all_done_min_one_success",
        outlets=[Asset("emotion_night_scored")],  # watch_health waits for it
    )
    def close(tallies: list[dict[str, float]]) -> dict[str, int | str]:
        from emotion_core.airflow.task_context import installation
        from emotion_core.steps import scoring

        context = get_current_context()
        with installation() as here:
            return scoring.close_batch(
                here,
                context["run_id"],
                refused_share_limit=context["params"]["refused_share_limit"],
                refused_minimum=context["params"]["refused_minimum"],
            )

    # A teardown: what becomes of it says nothing about the night.
    @task(
        pool="scoring",
        queue="gpu",
        task_display_name="Score with the challenger",
        retries=1,
        execution_timeout=timedelta(hours=3),
    )
    def shadow() -> dict[str, float]:
        from emotion_core.airflow.task_context import installation
        from emotion_core.steps import rescoring

        run_id = get_current_context()["run_id"]
        with installation() as here:
            return rescoring.score_shadow(here, run_id, f"{run_id} shadow")

    close(score.expand(worker=take_in())) >> shadow().as_teardown()


score_new_images()
