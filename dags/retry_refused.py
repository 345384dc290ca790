"""### Retry refused files

Scores files again that were refused for one reason, once its cause is fixed. The button *Retry* on a batch's page
starts this DAG; from a shell: `emotion retry --reason CODE`.

| task | does | on a retry |
|---|---|---|
| `mark` | marks the refused files for a retry, with who asked; the refusal itself stays on record | marks what is left |
| `wants_scoring` | skips the next task unless the form asks for it | asks again |
| `score` | starts *Score new images*, which scores the marked files | finds the run it started |

**This DAG is idempotent**: a file waits once, however often it is marked.

**If the log says …**
- *there is no reason*: the sentence lists the reasons there are.
- *is not closed yet*: the batch's own run is not finished; wait for it.
- *0 files …*: no file is refused for that reason any more, or all of them wait already.
"""

from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Param, dag, task

from emotion_core.airflow.dag_defaults import DAG_DEFAULTS, TASK_DEFAULTS
from emotion_core.airflow.form_fields import text_field
from emotion_core.airflow.task_context import installation, triggered_by

PARAMS = {
    "reason": text_field(
        "Reason",
        "Its code, for example truncated; the view refused_image_by_reason lists them.",
        most=100,
    ),
    "batch": text_field(
        "Batch", "Only files that this scoring run refused. Empty: every closed batch.", most=250
    ),
    "score_now": Param(
        True,
        type="boolean",
        title="Score at once",
        description="Starts Score new images afterwards; otherwise the next night scores the files.",
    ),
}


@dag(
    **DAG_DEFAULTS | {"max_active_runs": 4},
    dag_display_name="Retry refused files",
    doc_md=__doc__,
    tags=["emotion", "scoring"],
    schedule=None,
    params=PARAMS,
    default_args=TASK_DEFAULTS,
)
def retry_refused() -> None:
    @task(task_display_name="Mark for retry")
    def mark(params: dict[str, Any]) -> int:
        from emotion_core.steps import scoring

        reason, batch = params["reason"] or "", params["batch"]
        with installation() as here:
            return scoring.retry_refused(here, reason, batch=batch, requested_by=triggered_by())

    @task.short_circuit(task_display_name="Score at once?")
    def wants_scoring(count: int, params: dict[str, Any]) -> bool:
        return params["score_now"]

    score = TriggerDagRunOperator(
        task_id="score",
        task_display_name="Start Score new images",
        trigger_dag_id="score_new_images",
        trigger_run_id="{{ run_id }}",
        skip_when_already_exists=True,
    )
    wants_scoring(mark()) >> score


retry_refused()
