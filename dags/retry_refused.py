"""### Retry refused files

Puts files that were refused for one reason back, after its cause is mended, and has them scored. The
button *Retry* on a batch's page starts it; from a shell: `emotion retry --reason CODE`.

| task | does | on a retry |
|---|---|---|
| `put_back` | marks the refusals as put back, with who asked; the refusal itself stays on record | marks what is left |
| `wants_scoring` | skips the next task unless the form asks for it | asks again |
| `score` | starts *Score new images*, which takes the files over | finds the run it started |

**This DAG is idempotent**: a file waits once, however often it is put back.

**If the log says …**
- *there is no reason*: the sentence names those there are.
- *is not closed yet*: the batch's own run goes on; let it end first.
- *0 files … are put back*: nothing is refused for that reason any more, or all of it waits already.
"""

from datetime import timedelta

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Param, dag, get_current_context, task

from emotion_core.airflow.alerts import FailureNotifier

PARAMS = {
    "reason": Param(
        None,
        type=["null", "string"],
        maxLength=100,
        title="Reason",
        description="Its code, for example truncated or quarantined; "
        "the view refused_image_by_reason names them.",
    ),
    "batch": Param(
        None,
        type=["null", "string"],
        maxLength=250,
        title="Batch",
        description="Only what this scoring run refused. Empty: every closed one.",
    ),
    "score_now": Param(
        True,
        type="boolean",
        title="Score at once",
        description="Starts Score new images afterwards; otherwise the next night takes the files.",
    ),
}


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=4,
    params=PARAMS,
    tags=["emotion", "scoring"],
    doc_md=__doc__,
    on_failure_callback=FailureNotifier(),
    dag_display_name="Retry refused files",
    default_args={
        "owner": "emotion",
        "retries": 2,
        "retry_delay": timedelta(seconds=20),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=10),
        "execution_timeout": timedelta(minutes=30),
        "pool": "cpu",
    },
)
def retry_refused() -> None:
    @task(task_display_name="Put back")
    def put_back() -> int:
        from emotion_core.airflow.task_context import installation
        from emotion_core.steps import scoring

        context = get_current_context()
        asked_by = context["dag_run"].triggering_user_name or "airflow"
        reason, batch = context["params"]["reason"] or "", context["params"]["batch"]
        with installation() as here:
            return scoring.retry_refused(here, reason, batch=batch, requested_by=asked_by)

    @task.short_circuit(task_display_name="Score at once?")
    def wants_scoring(count: int) -> bool:
        return bool(get_current_context()["params"]["score_now"])

    score = TriggerDagRunOperator(
        task_id="score",
        task_display_name="Start Score new images",
        trigger_dag_id="score_new_images",
        trigger_run_id="{{ run_id }}",
        skip_when_already_exists=True,
    )
    wants_scoring(put_back()) >> score


retry_refused()
