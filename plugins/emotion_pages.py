"""Pages inside Airflow's UI: a tab on each run, and the index of reports in the menu.

Airflow protects none of a plugin's routes by itself: the whole app asks for a login here.
"""

from typing import Annotated

from airflow.api_fastapi.core_api.security import get_user
from airflow.plugins_manager import AirflowPlugin
from fastapi import Depends, FastAPI, Path, Query
from fastapi.responses import HTMLResponse

from emotion_core.names import folder_name
from emotion_core.settings import Settings


def _headers(form_action: str = "'none'") -> dict[str, str]:
    """The pages bring their own style and one script, and need nothing from anywhere.

    A page of an older release brings another script: it stays silent, and its tables unsorted.
    """
    from emotion_core.reporting.render import script_policy

    return {
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
        f"script-src {script_policy()}; img-src data:; base-uri 'none'; "
        f"form-action {form_action}; frame-ancestors 'self'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }


app = FastAPI(
    title="Emotion Batch Scoring",
    dependencies=[Depends(get_user)],
    docs_url=None,
    redoc_url=None,
    openapi_url=None,
)


@app.get("/reports", response_class=HTMLResponse)
def reports(
    words: Annotated[str, Query(max_length=200)] = "",
    network: Annotated[str, Query(max_length=200)] = "",
    dataset: Annotated[str, Query(max_length=2000)] = "",
    outcome: Annotated[str, Query(max_length=100)] = "",
    faces: Annotated[str, Query(max_length=20)] = "",
) -> HTMLResponse:
    """Every comparison report, newest first, those that the form lets through; and the nights."""
    from emotion_core.reporting.pages import IndexFilter, render_index
    from emotion_core.store.batches import batches
    from emotion_core.store.database import Database
    from emotion_core.store.reports import reports as stored_reports

    database = Database(Settings.from_environment().require_database_url())
    try:
        with database.transaction("emotion_report") as connection:
            found, nights = stored_reports(connection), batches(connection, 30)
    finally:
        database.close()
    page = render_index(
        found,
        link=report_link,
        chosen=IndexFilter(words, network, dataset, outcome, faces),
        nights=nights,
        night_link=night_link,
    )
    return HTMLResponse(page, headers=_headers("'self'"))


@app.get("/runs/{dag_id}/{run_id}", response_class=HTMLResponse)
def run_page(
    dag_id: Annotated[str, Path(max_length=250)], run_id: Annotated[str, Path(max_length=250)]
) -> HTMLResponse:
    """What one Airflow run has to show: the comparison, or the batch it scored."""
    if dag_id == "train_and_compare":
        return _comparison(run_id)
    if dag_id == "score_new_images":
        return _batch(run_id)
    return _message("This run shows nothing here: it is not one of Emotion Batch Scoring's.")


def report_link(group_key: str) -> str:
    """Where the report of an Airflow run is served, relative to the index."""
    from urllib.parse import quote

    return f"runs/train_and_compare/{quote(group_key, safe='')}"


def night_link(run_key: str) -> str:
    """Where the page of a scoring run is served, relative to the index."""
    from urllib.parse import quote

    return f"runs/score_new_images/{quote(run_key, safe='')}"


def _comparison(run_id: str) -> HTMLResponse:
    page = Settings.from_environment().reports_dir / folder_name(run_id) / "comparison.html"
    try:
        return HTMLResponse(page.read_bytes(), headers=_headers())
    except FileNotFoundError:
        return _message("The report is not there yet: it is made when the task compare has ended.")


def _batch(run_id: str) -> HTMLResponse:
    from datetime import UTC, datetime

    from emotion_core.errors import ReportError
    from emotion_core.reporting.night import read_night
    from emotion_core.reporting.pages import render_night
    from emotion_core.store.database import Database
    from emotion_core.store.reports import begin_report

    database = Database(Settings.from_environment().require_database_url())
    try:
        with database.transaction("emotion_report") as connection:
            begin_report(connection)  # counts must add up while workers write
            night = read_night(connection, run_id, datetime.now(UTC))
    except ReportError:
        return _message("This run has opened no batch: no model was champion, or it has not begun.")
    finally:
        database.close()
    return HTMLResponse(render_night(night), headers=_headers())


def _message(text: str) -> HTMLResponse:
    from emotion_core.reporting.pages import render_message

    return HTMLResponse(render_message(text), headers=_headers())


class EmotionPages(AirflowPlugin):
    """What Airflow loads."""

    name = "emotion_pages"
    fastapi_apps = [{"app": app, "url_prefix": "/emotion", "name": "Emotion Batch Scoring"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        {
            "name": "Emotion report",
            "href": "emotion/runs/{DAG_ID}/{RUN_ID}",
            "destination": "dag_run",
            "url_route": "emotion_report",
        },
        {
            "name": "Emotion reports",
            "href": "emotion/reports",
            "destination": "nav",
            "category": "browse",
            "url_route": "emotion_reports",
        },
    ]
