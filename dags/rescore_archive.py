"""### Score the archive again

Scores what older models have scored with another one: when a promotion's form asked for it (its event
`emotion_rescoring_wanted`), or on demand. Old predictions stay: the view `model_change` shows what differs.

| task | does | on a retry |
|---|---|---|
| `rescore` | looks for the files of the archive, a few hundred at a time, and scores those that are there | goes on where it stopped |

**This DAG is idempotent**: it uses the ledger of the nightly run, where an image is scored once per model.
A run that reached its limit ends well; the next one goes on. What cannot be found any more is counted
(`rescoring_summary`) and named for operators (`rescoring_missing_file`).

**If the log says …**
- *… missing*: these files were moved or removed after they were scored; their old predictions stay.
- *no model is champion yet*: promote one, or name a model.
"""

from datetime import timedelta

from airflow.sdk import (
    Asset,
    Param,
    dag,
    get_current_context,
    task,
)

from emotion_core.airflow.alerts import FailureNotifier

PARAMS = {
    "model": Param(
        None,
        type=["null", "string"],
        maxLength=200,
        title="Model",
        description="For example resnet50 v3. Empty: the champion.",
    ),
    "images_per_second": Param(
        20,
        type="number",
        minimum=0,
        maximum=100_000,
        title="At most (images a second)",
        description="Leaves room for the nightly run; 0 for as fast as it goes.",
    ),
    "most_images": Param(
        0,
        type="integer",
        minimum=0,
        maximum=1_000_000_000,
        title="Stop after about (images)",
        description="0 for the whole archive; another run goes on from there.",
    ),
    "chunk": Param(
        512,
        type="integer",
        minimum=1,
        maximum=10_000,
        title="Images planned at a time (count)",
        description="A nightly run that begins meanwhile waits for no more than these; 1 to 10,000.",
    ),
}


@dag(
    # A promotion emits it only when its form asks: no promotion rescores by itself.
    schedule=[Asset("emotion_rescoring_wanted")],
    catchup=False,
    max_active_runs=1,
    params=PARAMS,
    tags=["emotion", "scoring"],
    doc_md=__doc__,
    on_failure_callback=FailureNotifier(),
    dag_display_name="Score the archive again",
    default_args={
        "owner": "emotion",
        "retries": 5,
        "retry_delay": timedelta(seconds=20),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=10),
        "execution_timeout": timedelta(hours=24),
    },
)
def rescore_archive() -> None:
    @task(pool="scoring", queue="gpu", task_display_name="Score the archive")
    def rescore() -> dict[str, int | str | bool]:
        from emotion_core.airflow.task_context import installation
        from emotion_core.steps import rescoring

        context = get_current_context()
        limits = {name: context["params"][name] for name in PARAMS}
        run_id = context["run_id"]
        with installation() as here:
            return rescoring.rescore(here, run_id, f"{run_id} archive", **limits)

    rescore()


rescore_archive()
