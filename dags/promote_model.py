"""### Promote a model

Holds a model against the champion, asks a person, and puts it in the champion's place.

| task | does | on a retry |
|---|---|---|
| `check` | the gate: same held-out images, paired tests, golden outputs, calibration | checks again |
| `approve` | waits for a person: *Required actions* in the menu, or this task's page | waits again |
| `switch` | compare-and-set; the change is kept with who, when and why | finds that it is done |
| `wants_rescoring` | skips the next task unless the form asks for it | asks again |
| `rescore` | asks for *Score the archive again*: its event starts that DAG, slowly, with the champion | asks again |

A changed champion is an event, too: *Report models* then holds the newest models against it.

**This DAG is idempotent**: a gate serves once, and only against the champion that it was held against.

**Going past the gate**: fill in *Override*. The approver sees what fell short, and the change is kept as
an override under the approver's name.

**If the log says …**
- *may not become champion*: each figure that fell short stands in the sentence, and in the view
  `promotion_check`.
- *moved by somebody else meanwhile*: another model was promoted while this one waited; trigger again.
- *older than seven days*: the approval came too late; trigger again.
- *only … images were held out by both*: the two were trained on other data or with another seed.
"""

from datetime import timedelta

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Asset, Param, dag, get_current_context, task

from emotion_core.airflow.alerts import FailureNotifier

PARAMS = {
    "model": Param(
        None,
        type=["null", "string"],
        maxLength=200,
        title="Model",
        description="For example resnet50 v3; the reports and the view model_leaderboard name them.",
    ),
    "reason": Param(
        None,
        type=["null", "string"],
        format="multiline",
        maxLength=2000,
        title="Reason",
        description="Why this model is to be champion. Kept with the change.",
    ),
    "rescore": Param(
        False,
        type="boolean",
        title="Score the archive again",
        description="With the new champion, afterwards and slowly; old predictions stay.",
    ),
    "override": Param(
        None,
        type=["null", "string"],
        format="multiline",
        maxLength=2000,
        title="Override",
        description="Only to go past a gate that refuses: why. Kept as an override.",
        section="The gate",
    ),
    "alpha": Param(
        0.05,
        type="number",
        exclusiveMinimum=0,
        maximum=0.2,
        title="Alpha",
        description="How often luck may let any of the champion's equals pass, however many are tried; to 0.2.",
        section="The gate",
    ),
    "minimum_images": Param(
        100,
        type="integer",
        minimum=30,
        maximum=1_000_000,
        title="Images held out by both (count)",
        description="With fewer than this nothing is concluded and the model is refused; from 30.",
        section="The gate",
    ),
}


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=4,
    params=PARAMS,
    tags=["emotion", "models"],
    doc_md=__doc__,
    on_failure_callback=FailureNotifier(),
    dag_display_name="Promote a model",
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
def promote_model() -> None:
    @task(task_display_name="Hold against the champion")
    def check() -> dict[str, int | str]:
        from emotion_core.airflow.task_context import installation
        from emotion_core.steps import promotion

        context = get_current_context()
        asked_by = context["dag_run"].triggering_user_name or "airflow"
        with installation() as here:
            return promotion.ask_for_promotion(here, asked_by=asked_by, **context["params"])

    @task(
        task_display_name="Switch the champion",
        outlets=[Asset("emotion_champion")],  # report_models waits for it
    )
    def switch(gate: dict[str, int | str], answer: dict[str, dict[str, str]]) -> str:
        from emotion_core.airflow.task_context import installation
        from emotion_core.steps import promotion

        params = get_current_context()["params"]
        with installation() as here:
            return promotion.switch_champion(
                here,
                int(gate["gate_id"]),
                reason=params["reason"] or "no reason given",
                changed_by=answer["responded_by_user"]["name"],
                override=params["override"],
            )

    @task.short_circuit(task_display_name="Score the archive again?")
    def wants_rescoring(champion: str) -> bool:
        return bool(get_current_context()["params"]["rescore"])

    @task(
        task_display_name="Ask for it",
        outlets=[Asset("emotion_rescoring_wanted")],  # rescore_archive waits for it
    )
    def rescore(champion: str) -> str:
        return champion

    checked = check()
    approve = ApprovalOperator(
        task_id="approve",
        task_display_name="Approve",
        subject="{{ params.model }} as champion",
        body="{{ ti.xcom_pull(task_ids='check')['verdict'] }}\n\nReason: {{ params.reason }}"
        "{% if params.override %}\n\nOverride: {{ params.override }}{% endif %}",
        response_timeout=timedelta(days=6),
        execution_timeout=None,
    )
    champion = switch(checked, approve.output)
    checked >> approve
    wants_rescoring(champion) >> rescore(champion)


promote_model()
