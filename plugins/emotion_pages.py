"""Pages inside Airflow's UI: a tab on each run, and the index of reports in the menu.

Airflow protects none of a plugin's routes by itself: the whole app asks for a login here.
"""

from typing import Annotated

from airflow.api_fastapi.core_api.security import get_user
from airflow.plugins_manager import AirflowPlugin
from fastapi import Depends, FastAPI, Path
from fastapi.responses import HTMLResponse

from emotion_core.names import folder_name
from emotion_core.settings import Settings

# The pages bring their own style and need nothing from anywhere.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
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
def reports() -> HTMLResponse:
    """Every comparison report, newest first."""
    from emotion_core.reporting.pages import render_index
    from emotion_core.store.database import Database
    from emotion_core.store.reports import reports as stored_reports

    database = Database(Settings.from_environment().require_database_url())
    try:
        with database.transaction("emotion_report") as connection:
            found = stored_reports(connection)
    finally:
        database.close()
    return HTMLResponse(render_index(found, link=report_link), headers=_HEADERS)


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


def _comparison(run_id: str) -> HTMLResponse:
    page = Settings.from_environment().reports_dir / folder_name(run_id) / "comparison.html"
    try:
        return HTMLResponse(page.read_bytes(), headers=_HEADERS)
    except FileNotFoundError:
        return _message("The report is not there yet: it is made when the task compare has ended.")


def _batch(run_id: str) -> HTMLResponse:
    from emotion_core.reporting.pages import render_batch
    from emotion_core.store.batches import batch_summary, refused_files
    from emotion_core.store.database import Database

    database = Database(Settings.from_environment().require_database_url())
    try:
        with database.transaction("emotion_report") as connection:
            summary = batch_summary(connection, run_id)
            refused = refused_files(connection, run_id)
    finally:
        database.close()
    if summary is None:
        return _message("This run has opened no batch: no model was champion, or it has not begun.")
    return HTMLResponse(render_batch(summary, refused), headers=_HEADERS)


def _message(text: str) -> HTMLResponse:
    from emotion_core.reporting.pages import render_message

    return HTMLResponse(render_message(text), headers=_HEADERS)


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
