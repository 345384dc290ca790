"""### Roll back the champion

Makes the champion before champion again, at once and without a gate: it was champion already.

| task | does | on a retry |
|---|---|---|
| `roll_back` | compare-and-set to the champion before; kept as a rollback | see below |

**This DAG is idempotent**: a run rolls back once; a retry finds what its run did. Triggered again it goes
one promotion further back, never forth.

**If the log says …**
- *no champion before*: the present champion was the first one.
- *cannot go back*: the model's folder is gone or damaged; restore it.
"""

from datetime import timedelta

from airflow.sdk import Asset, Param, dag, get_current_context, task

from emotion_core.airflow.alerts import FailureNotifier

PARAMS = {
    "reason": Param(
        None,
        type=["null", "string"],
        format="multiline",
        maxLength=2000,
        title="Reason",
        description="Why the present champion goes. Kept with the change.",
    ),
}


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=1,
    params=PARAMS,
    tags=["emotion", "models"],
    doc_md=__doc__,
    on_failure_callback=FailureNotifier(),
    dag_display_name="Roll back the champion",
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
def roll_back_champion() -> None:
    @task(
        task_display_name="Roll back",
        outlets=[Asset("emotion_champion")],  # report_models waits for it
    )
    def roll_back() -> str:
        from emotion_core.airflow.task_context import installation
        from emotion_core.steps import promotion

        context = get_current_context()
        asked_by = context["dag_run"].triggering_user_name or "airflow"
        why = context["params"]["reason"] or "no reason given"
        with installation() as here:
            return promotion.roll_back(
                here, reason=why, changed_by=asked_by, run_key=context["run_id"]
            )

    roll_back()


roll_back_champion()
