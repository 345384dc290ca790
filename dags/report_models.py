"""### Report models

Holds the newest models against the champion, when one was registered or the champion changed, and at 05:30
UTC in any case: a model that `emotion register` brought in, or a champion that was changed from a shell,
emits no event.

| task | does | on a retry |
|---|---|---|
| `report` | one report of the champion and the newest seven models that no report holds against it | renders what is left |

*Train and compare* renders the comparison of its own networks by itself; this DAG never renders it again.

**This DAG is idempotent**: which models were not yet held against the champion is a query.

**Skipped** means that there is no champion yet, or that every new model stands in a report with it.

**If the log says …**
- *… against the champion …*: these are in the new report; *Emotion reports* in the menu has it.
- *was not timed: its folder is not here*: the model's folder is on another machine; the report does without
  its speed.
"""

from datetime import timedelta

from airflow.sdk import Asset, AssetOrTimeSchedule, CronTriggerTimetable, dag, task
from airflow.sdk.exceptions import AirflowSkipException

from emotion_core.airflow.alerts import FailureNotifier


@dag(
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("30 5 * * *", timezone="UTC", run_immediately=timedelta(0)),
        assets=Asset("emotion_model_version") | Asset("emotion_champion"),
    ),
    catchup=False,
    max_active_runs=1,
    tags=["emotion", "models"],
    doc_md=__doc__,
    on_failure_callback=FailureNotifier(),
    dag_display_name="Report models",
    default_args={
        "owner": "emotion",
        "retries": 2,
        "retry_delay": timedelta(seconds=20),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=10),
        "execution_timeout": timedelta(hours=1),
    },
)
def report_models() -> None:
    @task(pool="cpu", task_display_name="Hold against the champion")
    def report() -> str:
        from emotion_core.airflow.task_context import installation
        from emotion_core.steps import scheduled_reports

        with installation() as here:
            page = scheduled_reports.compare_with_champion(here)
        if page is None:
            raise AirflowSkipException("every new model stands in a report with the champion")
        return page

    report()


report_models()
