"""### Watch health

After every scored night, and at 06:00 UTC in any case: measures drift, expected accuracy, the share of refused
files, freshness and backlog of the inbox. An alert fires when a limit is newly crossed.

| task | does | on a retry |
|---|---|---|
| `measure` | writes one row per measure (views `drift`, `nightly_health`) | replaces its own rows |
| `report` | renders the page of the latest night, drift included | renders it again |

Alerts go to the log always, to the webhook `EMOTION_ALERT_WEBHOOK` and the e-mail address `EMOTION_ALERT_EMAIL`
where they are set. An alert fires when its limit is crossed, not again each night while it stays crossed. An alert
that cannot be delivered fails no task: its row is stored.

**This DAG is idempotent**: a check is stored under the run's id; measuring again replaces its rows.

**If the log says …**
- *differs from its validation images*: the new images are unlike those that the model was validated on. Look at the
  night's images before you trust its predictions, and consider labelling some.
- *differs from the nights before*: something changed: sender, camera, crop, season.
- *expects to be right about …*: the model is less confident than on its validation images.
- *The newest prediction is … hours old*: nothing arrives, or *Score new images* does not run.
- *… images wait for a worker*: clear the failed `score` task of the night.
- *the webhook at … did not accept the alert*: check its address and its server; the alert is in `nightly_health`.
"""

from typing import Any

from airflow.sdk import Asset, AssetOrTimeSchedule, dag, task

from emotion_core.airflow.alerts import AlertNotifier
from emotion_core.airflow.dag_defaults import DAG_DEFAULTS, TASK_DEFAULTS, daily_at
from emotion_core.airflow.form_fields import number_field, refused_share_field
from emotion_core.airflow.task_context import installation

PARAMS = {
    "freshness_hours": number_field(
        "Limit on freshness (hours)",
        "Age of the newest prediction. Raise it where images do not arrive every day.",
        36,
        1,
        10_000,
        kind="number",
    ),
    "backlog_hours": number_field(
        "Limit on backlog (hours)",
        "Time that an image may wait for a worker.",
        12,
        0.1,
        10_000,
        kind="number",
    ),
    "refused_share": refused_share_field("Of a night's files."),
    "window_nights": number_field(
        "Nights before (count)", "Earlier nights that a night is compared with.", 7, 1, 365
    ),
}


@dag(
    **DAG_DEFAULTS,
    dag_display_name="Watch health",
    doc_md=__doc__,
    tags=["emotion", "health"],
    # By time too: a night that failed or never came emits no event, and matters most.
    schedule=AssetOrTimeSchedule(timetable=daily_at(6), assets=[Asset("emotion_night_scored")]),
    params=PARAMS,
    default_args=TASK_DEFAULTS,
)
def watch_health() -> None:
    @task(task_display_name="Measure", on_success_callback=[AlertNotifier()])
    def measure(run_id: str, params: dict[str, Any]) -> dict[str, int]:
        from emotion_core.airflow.metrics import send_gauges
        from emotion_core.steps import health

        with installation() as here:
            counts = health.watch_health(here, run_id, **params)
            send_gauges(health.health_gauges(here, run_id) | counts)
        return counts

    # After measuring, so that the page shows its drift; not in the night's own DAG, so that a page
    # that cannot be written fails no night.
    @task(task_display_name="Report the night")
    def report() -> str | None:
        from emotion_core.steps import scheduled_reports

        with installation() as here:
            return scheduled_reports.report_latest_night(here)

    measure() >> report()


watch_health()
