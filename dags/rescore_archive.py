"""### Score the archive again

Scores the images that older models have scored with another model: when a promotion's form asked for it (event
`emotion_rescoring_wanted`), or when triggered. Old predictions stay; the view `model_change` shows what differs.

| task | does | on a retry |
|---|---|---|
| `rescore` | looks for the files of the archive, a few hundred at a time, and scores those that exist | goes on where it stopped |

**This DAG is idempotent**: it uses the ledger of the nightly run, where an image is scored once per model.
A run that reached its limit succeeds; the next one goes on. Files that no longer exist are counted in
`rescoring_summary` and listed for operators in `rescoring_missing_file`.

**If the log says …**
- *… missing*: these files were moved or deleted after they were scored; their old predictions stay.
- *no model is champion yet*: promote one, or name a model.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import Asset, dag, task

from emotion_core.airflow.dag_defaults import DAG_DEFAULTS, TASK_DEFAULTS
from emotion_core.airflow.form_fields import model_field, number_field
from emotion_core.airflow.task_context import installation

PARAMS = {
    "model": model_field("Empty: the champion."),
    "images_per_second": number_field(
        "Speed limit (images per second)",
        "Leaves capacity for the nightly run; 0 for no limit.",
        20,
        0,
        100_000,
        kind="number",
    ),
    "most_images": number_field(
        "Stop after about (images)",
        "0 for the whole archive; another run goes on from there.",
        0,
        0,
        1_000_000_000,
    ),
    "chunk": number_field(
        "Images planned at a time (count)",
        "A nightly run that starts meanwhile waits for at most so many.",
        512,
        1,
        10_000,
    ),
}


@dag(
    **DAG_DEFAULTS,
    dag_display_name="Score the archive again",
    doc_md=__doc__,
    tags=["emotion", "scoring"],
    # A promotion emits it only when its form asks for rescoring.
    schedule=[Asset("emotion_rescoring_wanted")],
    params=PARAMS,
    default_args={**TASK_DEFAULTS, "retries": 5, "execution_timeout": timedelta(hours=24)},
)
def rescore_archive() -> None:
    @task(pool="scoring", queue="gpu", task_display_name="Score the archive")
    def rescore(run_id: str, params: dict[str, Any]) -> dict[str, int | str | bool]:
        from emotion_core.steps import rescoring

        with installation() as here:
            return rescoring.rescore(here, run_id, f"{run_id} archive", **params)

    rescore()


rescore_archive()
