"""### Report models

Compares the newest models with the champion: when a model was registered, when the champion changed, and at
05:30 UTC in any case, because `emotion register` and a champion changed from a shell emit no event.

| task | does | on a retry |
|---|---|---|
| `report` | one report of the champion and the newest seven models that no report compares with it yet | renders what is left |

*Train and compare* renders the comparison of its own networks; this DAG never renders that one again.

**This DAG is idempotent**: which models are not yet compared with the champion is a query.

**Skipped** means that there is no champion yet, or that a report compares every new model with it.

**If the log says …**
- *… against the champion …*: these are in the new report; *Emotion reports* in the menu has it.
- *was not timed: its folder is not here*: the model's folder is on another machine; the report lacks its speed.
"""

from airflow.sdk import Asset, AssetOrTimeSchedule, dag, task
from airflow.sdk.exceptions import AirflowSkipException

from emotion_core.airflow.dag_defaults import DAG_DEFAULTS, TASK_DEFAULTS, daily_at
from emotion_core.airflow.task_context import installation


@dag(
    **DAG_DEFAULTS,
    dag_display_name="Report models",
    doc_md=__doc__,
    tags=["emotion", "models"],
    schedule=AssetOrTimeSchedule(
        timetable=daily_at(5, 30),
        assets=Asset("emotion_model_version") | Asset("emotion_champion"),
    ),
    default_args=TASK_DEFAULTS,
)
def report_models() -> None:
    @task(task_display_name="Compare with the champion")
    def report() -> str:
        from emotion_core.steps import scheduled_reports

        with installation() as here:
            page = scheduled_reports.compare_with_champion(here)
        if page is None:
            raise AirflowSkipException("a report compares every new model with the champion")
        return page

    report()


report_models()
