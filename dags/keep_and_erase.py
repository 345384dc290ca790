"""### Keep and erase

Every night at 04:30 UTC: removes the files that erasures could not remove yet, then whatever each class
of data has kept longer than its days. Everything is kept without limit until somebody sets days:
`emotion retention set predictions 365`.

| task | does | on a retry |
|---|---|---|
| `finish_erasures` | tries again to remove the bytes of erased images | tries what is left |
| `keep` | one task a class: images, predictions, refusals, audit | goes on with the same cutoff and proof |

Each step is a transaction of a bounded number of rows, and each run leaves a proof: what was removed, up
to which moment, what a legal hold kept, what could not be removed (table `retention_run`).

**This DAG is idempotent**: what is left to remove is a query.

**If the log says …**
- *… are kept without limit*: no days are set for that class.
- *a file of … stays*: the inbox is read-only for this machine, or its owner forbids it; set it right, the
  next night tries again.
- *the erasure key is not the one …*: this machine lacks `erasure.key` or `EMOTION_ERASURE_KEY`.
"""

from datetime import timedelta

from airflow.sdk import (
    CronTriggerTimetable,
    Param,
    dag,
    get_current_context,
    task,
)

from emotion_core.airflow.alerts import FailureNotifier

PARAMS = {
    "rows_a_step": Param(
        1_000,
        type="integer",
        minimum=1,
        maximum=100_000,
        title="Rows in a step",
        description="Removed in one transaction, 1 to 100,000: fewer hold locks for less long.",
    ),
}


@dag(
    schedule=CronTriggerTimetable("30 4 * * *", timezone="UTC", run_immediately=timedelta(0)),
    catchup=False,
    max_active_runs=1,
    params=PARAMS,
    tags=["emotion", "privacy"],
    doc_md=__doc__,
    on_failure_callback=FailureNotifier(),
    dag_display_name="Keep and erase",
    default_args={
        "owner": "emotion",
        "retries": 3,
        "retry_delay": timedelta(seconds=20),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=10),
        "execution_timeout": timedelta(hours=3),
    },
)
def keep_and_erase() -> None:
    @task(pool="cpu", task_display_name="Finish erasures")
    def finish_erasures() -> list[str]:
        from emotion_core.airflow.task_context import installation
        from emotion_core.steps import erasure

        with installation() as here:
            erasure.finish_erasures(here)
        return ["images", "predictions", "refusals", "audit"]

    @task(
        pool="cpu",
        task_display_name="Keep",
        map_index_template="{{ task.op_kwargs['class_of_data'] }}",
        max_active_tis_per_dagrun=1,
    )
    def keep(class_of_data: str) -> dict[str, int]:
        from emotion_core.airflow.task_context import installation
        from emotion_core.steps import retention

        context = get_current_context()
        rows = context["params"]["rows_a_step"]
        with installation() as here:
            return retention.apply_retention(
                here, context["run_id"], class_of_data, rows_a_step=rows
            )

    keep.expand(class_of_data=finish_erasures())


keep_and_erase()
