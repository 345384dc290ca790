"""### Promote a model

Compares a model with the champion, waits for an approval, and makes the model champion.

| task | does | on a retry |
|---|---|---|
| `check` | the gate: same held-out images, paired tests, golden outputs, calibration | checks again |
| `approve` | waits for a person: *Required actions* in the menu, or this task's page | waits again |
| `switch` | compare-and-set; the change is stored with who, when and why | finds that it is done |
| `wants_rescoring` | skips the next task unless the form asks for it | asks again |
| `rescore` | emits the event that starts *Score the archive again* with the new champion | emits it again |

A changed champion is an event, too: *Report models* then compares the newest models with it.

**This DAG is idempotent**: a gate serves one promotion, and only against the champion that it was compared with.

**Going past the gate**: fill in *Override*. The approver sees which checks failed, and the change is stored as
an override under the approver's name.

**If the log says …**
- *may not become champion*: the sentence names each check that failed; so does the view `promotion_check`.
- *moved by somebody else meanwhile*: another model was promoted while this one waited; trigger again.
- *older than seven days*: the approval came too late; trigger again.
- *only … images were held out by both*: the two were trained on other data or with another seed.
"""

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Asset, Param, dag, task

from emotion_core.airflow.dag_defaults import DAG_DEFAULTS, TASK_DEFAULTS
from emotion_core.airflow.form_fields import model_field, number_field, reason_field, text_field
from emotion_core.airflow.task_context import installation, triggered_by

GATE = "The gate"
PARAMS = {
    "model": model_field("The reports and the view model_leaderboard name them."),
    "reason": reason_field(),
    "rescore": Param(
        False,
        type="boolean",
        title="Score the archive again",
        description="With the new champion, after the switch and slowly; old predictions stay.",
    ),
    "override": text_field(
        "Override",
        "Why the model is promoted although the gate refuses it; stored with the change.",
        most=2000,
        lines=True,
        section=GATE,
    ),
    "alpha": number_field(
        "Alpha",
        "Probability that chance promotes a model no better than the champion, over all attempts.",
        0.05,
        0,
        0.2,
        kind="number",
        above=True,
        section=GATE,
    ),
    "minimum_images": number_field(
        "Images held out by both (count)",
        "With fewer images the gate refuses the model.",
        100,
        30,
        1_000_000,
        section=GATE,
    ),
}


@dag(
    **DAG_DEFAULTS | {"max_active_runs": 4},
    dag_display_name="Promote a model",
    doc_md=__doc__,
    tags=["emotion", "models"],
    schedule=None,
    params=PARAMS,
    default_args=TASK_DEFAULTS,
)
def promote_model() -> None:
    @task(task_display_name="Compare with the champion")
    def check(params: dict[str, Any]) -> dict[str, int | str]:
        from emotion_core.steps import promotion

        with installation() as here:
            return promotion.ask_for_promotion(here, asked_by=triggered_by(), **params)

    # report_models waits for the event.
    @task(task_display_name="Switch the champion", outlets=[Asset("emotion_champion")])
    def switch(gate: dict[str, Any], answer: dict[str, Any], params: dict[str, Any]) -> str:
        from emotion_core.steps import promotion

        with installation() as here:
            return promotion.switch_champion(
                here,
                gate["gate_id"],
                reason=params["reason"] or "no reason given",
                changed_by=answer["responded_by_user"]["name"],
                override=params["override"],
            )

    @task.short_circuit(task_display_name="Score the archive again?")
    def wants_rescoring(champion: str, params: dict[str, Any]) -> bool:
        return params["rescore"]

    # rescore_archive waits for the event.
    @task(task_display_name="Request rescoring", outlets=[Asset("emotion_rescoring_wanted")])
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
