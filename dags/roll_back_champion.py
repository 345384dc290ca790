"""### Roll back the champion

Makes the previous champion champion again, at once and without a gate, because it passed one before.

| task | does | on a retry |
|---|---|---|
| `roll_back` | compare-and-set to the previous champion; stored as a rollback | finds that it is done |

**This DAG is idempotent**: a run rolls back once; a retry finds what its run did. Triggered again, it goes
one promotion further back, never forward.

**If the log says …**
- *no champion before*: the present champion was the first one.
- *cannot go back*: the model's folder is missing or damaged; restore it.
"""

from typing import Any

from airflow.sdk import Asset, dag, task

from emotion_core.airflow.dag_defaults import DAG_DEFAULTS, TASK_DEFAULTS
from emotion_core.airflow.form_fields import reason_field
from emotion_core.airflow.task_context import installation, triggered_by


@dag(
    **DAG_DEFAULTS,
    dag_display_name="Roll back the champion",
    doc_md=__doc__,
    tags=["emotion", "models"],
    schedule=None,
    params={"reason": reason_field()},
    default_args=TASK_DEFAULTS,
)
def roll_back_champion() -> None:
    # report_models waits for the event.
    @task(task_display_name="Roll back", outlets=[Asset("emotion_champion")])
    def roll_back(run_id: str, params: dict[str, Any]) -> str:
        from emotion_core.steps import promotion

        reason = params["reason"] or "no reason given"
        with installation() as here:
            return promotion.roll_back(
                here, reason=reason, changed_by=triggered_by(), run_key=run_id
            )

    roll_back()


roll_back_champion()
