"""### Watch health

After every night, and at 06:00 UTC in any case: measures drift, expected accuracy, the share of
refused files, freshness and backlog of the inbox, and tells people when a limit is newly crossed.

| task | does | on a retry |
|---|---|---|
| `measure` | writes one row per measure (views `drift`, `nightly_health`) | replaces its own rows |
| `report` | renders the newest night's page, drift included | renders it again |

What is told: the log always, the webhook `EMOTION_ALERT_WEBHOOK` and the e-mail address
`EMOTION_ALERT_EMAIL` where they are set. A limit is told when it is crossed, not again each night
while it stands. That nobody could be reached fails nothing: the rows are there.

**This DAG is idempotent**: a check is kept under the run's id; measuring again replaces its figures.

**If the log says …**
- *differs from its validation images*: what arrives is unlike what the model was validated on; look
  at the night's images before trusting its figures, and think of labelling some.
- *differs from the nights before*: something changed: sender, camera, crop, season.
- *expects to be right about …*: the model is less sure than on its validation images.
- *The newest prediction is … hours old*: nothing arrives, or *Score new images* does not run.
- *… images wait for a worker*: clear the failed `score` task of the night.
- *the webhook … could not be told*: the address or its server; the alarm stands in `nightly_health`.
"""

from datetime import timedelta

from airflow.sdk import (
    Asset,
    AssetOrTimeSchedule,
    CronTriggerTimetable,
    Param,
    dag,
    get_current_context,
    task,
)

from emotion_core.airflow.alerts import AlertNotifier, FailureNotifier

PARAMS = {
    "freshness_hours": Param(
        36,
        type="number",
        minimum=1,
        maximum=10_000,
        title="Limit on freshness (hours)",
        description="The newest prediction may be this old, 1 to 10,000. Raise it where images do "
        "not arrive every day.",
    ),
    "backlog_hours": Param(
        12,
        type="number",
        minimum=0.1,
        maximum=10_000,
        title="Limit on backlog (hours)",
        description="An image may wait this long for a worker, 0.1 to 10,000.",
    ),
    "refused_share": Param(
        0.2,
        type="number",
        minimum=0,
        maximum=1,
        title="Limit on refused files (share)",
        description="Of a night's files, 0 to 1.",
    ),
    "window_nights": Param(
        7,
        type="integer",
        minimum=1,
        maximum=365,
        title="Nights before (count)",
        description="Earlier nights that a night is held against, 1 to 365.",
    ),
}


@dag(
    # By time too: a night that failed or never came emits no event, and is what matters most.
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("0 6 * * *", timezone="UTC", run_immediately=timedelta(0)),
        assets=[Asset("emotion_night_scored")],
    ),
    catchup=False,
    max_active_runs=1,
    params=PARAMS,
    tags=["emotion", "health"],
    doc_md=__doc__,
    on_failure_callback=FailureNotifier(),
    dag_display_name="Watch health",
    default_args={
        "owner": "emotion",
        "retries": 3,
        "retry_delay": timedelta(seconds=20),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=10),
        "execution_timeout": timedelta(minutes=30),
    },
)
def watch_health() -> None:
    @task(pool="cpu", task_display_name="Measure", on_success_callback=[AlertNotifier()])
    def measure() -> dict[str, int]:
        from emotion_core.airflow.metrics import send_gauges
        from emotion_core.airflow.task_context import installation
        from emotion_core.steps import health

        context = get_current_context()
        limits = {name: context["params"][name] for name in PARAMS}
        with installation() as here:
            counts = health.watch_health(here, context["run_id"], **limits)
            send_gauges(health.health_gauges(here, context["run_id"]) | counts)
        return counts

    # Behind the measuring, so that the page shows its drift; and here, not in the night's own DAG, so
    # that a page that cannot be written fails no night.
    @task(pool="cpu", task_display_name="Report the night")
    def report() -> str | None:
        from emotion_core.airflow.task_context import installation
        from emotion_core.steps import scheduled_reports

        with installation() as here:
            return scheduled_reports.report_latest_night(here)

    measure() >> report()


watch_health()
