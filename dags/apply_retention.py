"""### Apply retention

Every night at 04:30 UTC: deletes the files that erasures could not delete yet, then all data older than the
retention period of their class. Without a period, data are never deleted; set one with
`emotion retention set predictions 365`.

| task | does | on a retry |
|---|---|---|
| `finish_erasures` | tries again to delete the bytes of erased images | tries what is left |
| `delete_expired` | one task per class: images, predictions, refusals, audit | goes on with the same cutoff and record |

Each transaction deletes a bounded number of rows. Each run writes a record to the table `retention_run`: what
was deleted, up to which time, what a legal hold protected, what could not be deleted.

**This DAG is idempotent**: what is left to delete is a query.

**If the log says …**
- *… are kept without limit*: no period is set for that class.
- *a file of … stays*: this machine may not write to the inbox, or the file's owner forbids it. Fix the
  permissions; the next night tries again.
- *the erasure key is not the one …*: this machine lacks `erasure.key` or `EMOTION_ERASURE_KEY`.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task

from emotion_core.airflow.dag_defaults import DAG_DEFAULTS, TASK_DEFAULTS, daily_at
from emotion_core.airflow.form_fields import number_field
from emotion_core.airflow.task_context import installation

PARAMS = {
    "rows_a_step": number_field(
        "Rows per transaction",
        "Fewer rows hold locks for a shorter time.",
        1_000,
        1,
        100_000,
    ),
}


@dag(
    **DAG_DEFAULTS,
    dag_display_name="Apply retention",
    doc_md=__doc__,
    tags=["emotion", "privacy"],
    schedule=daily_at(4, 30),
    params=PARAMS,
    default_args={**TASK_DEFAULTS, "execution_timeout": timedelta(hours=3)},
)
def apply_retention() -> None:
    @task(task_display_name="Finish erasures")
    def finish_erasures() -> list[str]:
        from emotion_core.steps import erasure

        with installation() as here:
            erasure.finish_erasures(here)
        return ["images", "predictions", "refusals", "audit"]

    @task(
        task_display_name="Delete expired data",
        map_index_template="{{ task.op_kwargs['class_of_data'] }}",
        max_active_tis_per_dagrun=1,
    )
    def delete_expired(class_of_data: str, run_id: str, params: dict[str, Any]) -> dict[str, int]:
        from emotion_core.steps import retention

        rows = params["rows_a_step"]
        with installation() as here:
            return retention.apply_retention(here, run_id, class_of_data, rows_a_step=rows)

    delete_expired.expand(class_of_data=finish_erasures())


apply_retention()
