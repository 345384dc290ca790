"""Pages inside Airflow's UI: reports, models, batches, health, and a tab on each run.

Airflow protects none of a plugin's routes by itself. Here the whole app asks for a login, each page
for the right to read the runs of the DAG it tells of, and each button for the right to start runs
of the DAG that it starts; Airflow's auth manager answers.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.core_api.security import get_user
from airflow.plugins_manager import AirflowPlugin
from fastapi import Depends, FastAPI, Form, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException as AnyHTTPException

from emotion_core.airflow.access import may_start, readers, starters
from emotion_core.errors import EmotionError, RunRefusedError
from emotion_core.files import folder_name
from emotion_core.settings import Settings

TRAINING, SCORING, HEALTH = "train_and_compare", "score_new_images", "watch_health"
PROMOTION, ROLLBACK, RETRY = "promote_model", "roll_back_champion", "retry_refused"
NAMES = {
    PROMOTION: "Promote a model",
    ROLLBACK: "Roll back the champion",
    RETRY: "Retry refused files",
}
"""What a button starts, as Airflow's list of DAGs calls it."""

app = FastAPI(
    title="Emotion Batch Scoring",
    dependencies=[Depends(get_user)],
    docs_url=None,
    redoc_url=None,
    openapi_url=None,
)
User = Annotated[BaseUser, Depends(get_user)]
IdempotencyKey = Annotated[str, Form(pattern=r"^[0-9]{8}T[0-9]{6}_[0-9a-f]{8}-[0-9]{1,4}$")]
Reason = Annotated[str, Form(min_length=1, max_length=2000)]
Framed = Annotated[bool, Form()]


# --- pages ------------------------------------------------------------------------------------


@app.get("/reports", response_class=HTMLResponse, dependencies=[readers(TRAINING)])
def reports(
    words: Annotated[str, Query(max_length=200)] = "",
    network: Annotated[str, Query(max_length=200)] = "",
    dataset: Annotated[str, Query(max_length=2000)] = "",
    outcome: Annotated[str, Query(max_length=100)] = "",
    faces: Annotated[str, Query(max_length=20)] = "",
) -> HTMLResponse:
    """Every comparison report, newest first, those that the form lets through; and the batches."""
    from emotion_core.pages.index import IndexFilter, IndexPage
    from emotion_core.pages.page import render_page
    from emotion_core.store.batches import batches
    from emotion_core.store.reports import reports as stored_reports

    with _snapshot() as connection:
        index = IndexPage(
            stored_reports(connection),
            batches(connection, 30),
            report_link,
            batch_link,
            IndexFilter(words, network, dataset, outcome, faces),
        )
    return _html(render_page("index.html", index=index, root=""), form_action="'self'")


@app.get("/models", response_class=HTMLResponse, dependencies=[readers(PROMOTION)])
def models_page(user: User) -> HTMLResponse:
    """Every model, who was champion and why, what the gate refused; promotion and rollback."""
    return _models(user, "")


@app.get("/batches", response_class=HTMLResponse, dependencies=[readers(SCORING)])
def batches_page() -> HTMLResponse:
    """The newest batches at a glance."""
    from emotion_core.pages.batches import read_batches
    from emotion_core.pages.page import render_page

    with _snapshot() as connection:
        page = read_batches(connection, datetime.now(UTC))
    return _html(render_page("batches.html", page=page, root="", batch_link=batch_link))


@app.get("/batches/{run_key:path}", response_class=HTMLResponse, dependencies=[readers(SCORING)])
def batch_page(run_key: Annotated[str, Path(max_length=250)], user: User) -> HTMLResponse:
    """One batch: what came, what became of it, what was refused and why; retries."""
    text = "There is no batch of this name. The page of all batches lists them."
    return _batch(run_key, user, "../") or _message(text, "No such batch", 404, root="../")


@app.get("/health", response_class=HTMLResponse, dependencies=[readers(HEALTH)])
def health_page() -> HTMLResponse:
    """What waits, the latest check with its limits, and the alarms."""
    return _health("")


@app.get("/runs/{dag_id}/{run_id}", response_class=HTMLResponse, dependencies=[readers()])
def run_page(
    dag_id: Annotated[str, Path(max_length=250)],
    run_id: Annotated[str, Path(max_length=250)],
    user: User,
) -> HTMLResponse:
    """What one Airflow run has to show, for its tab."""
    text = "This run shows nothing here: it is not one of Emotion Batch Scoring's."
    if dag_id == TRAINING:
        return _comparison(run_id)
    if dag_id in (PROMOTION, ROLLBACK):
        return _models(user, "../../")
    if dag_id == HEALTH:
        return _health("../../")
    if dag_id == SCORING:
        text = "This run has opened no batch: no model was champion, or it has not begun."
        return _batch(run_id, user, "../../") or _message(text, root="../../")
    return _message(text, root="../../")


@app.get("/started/{dag_id}/{run_id}", response_class=HTMLResponse, dependencies=[readers()])
def started_page(dag_id: str, run_id: Annotated[str, Path(max_length=250)]) -> HTMLResponse:
    """Inside a frame: sends the page around it to the run."""
    from emotion_core.airflow.runs import run_address
    from emotion_core.pages.page import render_page

    name, address = NAMES.get(dag_id, dag_id), run_address(dag_id, run_id)
    return _html(render_page("started.html", dag_name=name, address=address, root=""))


# --- what the buttons do ----------------------------------------------------------------------


@app.post("/models/promote", dependencies=starters(PROMOTION))
def promote(
    user: User,
    idempotency_key: IdempotencyKey,
    model: Annotated[str, Form(min_length=1, max_length=200)],
    reason: Reason,
    champion: Annotated[str, Form(max_length=200)] = "",
    rescore: Annotated[bool, Form()] = False,
    framed: Framed = False,
) -> Response:
    """Start *Promote a model*: the gate, a person's approval, the switch."""
    _require_champion(champion)
    form = {"model": model, "reason": reason, "rescore": rescore}
    return _start(user, PROMOTION, idempotency_key, form, framed)


@app.post("/models/roll-back", dependencies=starters(ROLLBACK))
def roll_back(
    user: User,
    idempotency_key: IdempotencyKey,
    reason: Reason,
    champion: Annotated[str, Form(min_length=1, max_length=200)],
    framed: Framed = False,
) -> Response:
    """Start *Roll back the champion*."""
    _require_champion(champion)  # twice would lead one promotion further back
    return _start(user, ROLLBACK, idempotency_key, {"reason": reason}, framed)


@app.post("/batches/retry", dependencies=starters(RETRY))
def retry(
    user: User,
    idempotency_key: IdempotencyKey,
    batch: Annotated[str, Form(min_length=1, max_length=250)],
    reason: Annotated[str, Form(min_length=1, max_length=100)],
    score_now: Annotated[bool, Form()] = False,
    framed: Framed = False,
) -> Response:
    """Start *Retry refused files* for one reason of one batch."""
    form = {"batch": batch, "reason": reason, "score_now": score_now}
    return _start(user, RETRY, idempotency_key, form, framed)


def _start(
    user: BaseUser, dag_id: str, idempotency_key: str, form: dict[str, Any], framed: bool
) -> RedirectResponse:
    from emotion_core.airflow.runs import run_address, start_run

    run_id = f"page__{idempotency_key}"
    start_run(user, dag_id, run_id, form)
    address = f"../started/{dag_id}/{run_id}" if framed else run_address(dag_id, run_id)
    return RedirectResponse(address, status_code=303)


def _require_champion(shown: str) -> None:
    """A decision made on a page holds only while the champion is the one that the page showed."""
    from emotion_core.store.models import current_model

    with _snapshot() as connection:
        champion = current_model(connection)
    if (champion.name if champion else "") != shown:
        raise RunRefusedError(
            f"Meanwhile {champion.name if champion else 'nobody'} is champion, so nothing was "
            "started. Open the page again and decide anew."
        )


def _idempotency_key() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}_{secrets.token_hex(4)}"


# --- how pages are made -----------------------------------------------------------------------


def report_link(group_key: str) -> str:
    """Where the report of an Airflow run is served, relative to the index."""
    return f"runs/{TRAINING}/{quote(group_key, safe='')}"


def batch_link(run_key: str) -> str:
    """Where the page of a scoring run is served, relative to the index."""
    return f"batches/{quote(run_key, safe='')}"


def _models(user: BaseUser, root: str) -> HTMLResponse:
    from emotion_core.pages.models import read_models
    from emotion_core.pages.page import render_page

    acts = may_start(user, PROMOTION) and may_start(user, ROLLBACK)
    with _snapshot() as connection:
        page = read_models(connection, datetime.now(UTC))
    key = _idempotency_key() if acts else None
    text = render_page(
        "models.html", page=page, root=root, report_link=report_link, idempotency_key=key
    )
    return _html(text, form_action="'self'", acts=True)


def _batch(run_key: str, user: BaseUser, root: str) -> HTMLResponse | None:
    """One batch, with names of files for those who may act; None where there is none."""
    from emotion_core.errors import ReportError
    from emotion_core.pages.batch import read_batch, without_names
    from emotion_core.pages.page import render_page

    try:
        with _snapshot() as connection:
            page = read_batch(connection, run_key, datetime.now(UTC))
    except ReportError:
        return None
    acts = may_start(user, RETRY)
    text = render_page(
        "batch.html",
        page=page if acts else without_names(page),
        root=root,
        idempotency_key=_idempotency_key() if acts else None,
    )
    return _html(text, form_action="'self'", acts=True)


def _health(root: str) -> HTMLResponse:
    from emotion_core.pages.health import read_health
    from emotion_core.pages.page import render_page

    with _snapshot() as connection:
        page = read_health(connection, datetime.now(UTC))
    return _html(render_page("health.html", page=page, root=root))


def _comparison(run_id: str) -> HTMLResponse:
    page = Settings.from_environment().reports_dir / folder_name(run_id) / "comparison.html"
    try:
        return _html(page.read_text(encoding="utf-8"))
    except FileNotFoundError:
        when = "The report is not there yet: it is made when the task compare has ended."
        return _message(when + _progress(run_id))


def _progress(run_id: str) -> str:
    """How far an experiment is; nothing of a run that has not read its data yet."""
    from emotion_core.store import experiments

    if "\0" in run_id:  # which no text in PostgreSQL holds
        return ""
    with _snapshot() as connection:
        experiment = experiments.experiment(connection, run_id)
        begun = experiments.trainings(connection, run_id)
    if experiment is None:
        return ""
    ended = sum(training.status != "running" for training in begun)
    return f" {ended} of {experiment.count_trainings} trainings have ended."


@contextmanager
def _snapshot() -> Iterator[Any]:
    """A transaction that only reads; what it counts adds up while workers write."""
    from emotion_core.airflow.task_context import connection_url
    from emotion_core.steps.installation import Installation
    from emotion_core.store.reports import begin_report

    settings = Settings.from_environment()
    # The variable first: the API server may have a login that reads only, tasks need more.
    here = Installation(settings, settings.database_url or connection_url())
    try:
        with here.database.transaction("emotion_report") as connection:
            begin_report(connection)
            yield connection
    finally:
        here.database.close()


def _html(
    text: str, *, form_action: str = "'none'", acts: bool = False, status: int = 200
) -> HTMLResponse:
    """The pages bring their own style and scripts, and need nothing from anywhere.

    A report of an older release brings another script: it stays silent, and its tables unsorted.

    Args:
        text: The page.
        form_action: Where its forms may lead.
        acts: Whether its forms start runs: then browsers must say that they come from here, and
            must not show the page again from memory.
        status: Of the answer.
    """
    from emotion_core.pages.page import script_policy

    headers = {
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
        f"script-src {script_policy()}; img-src data:; base-uri 'none'; "
        f"form-action {form_action}; frame-ancestors 'self'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin" if acts else "no-referrer",
        "Cache-Control": "no-store" if acts else "no-cache",
    }
    return HTMLResponse(text, status, headers=headers)


def _message(
    text: str, title: str = "Nothing to show", status: int = 200, root: str | None = None
) -> HTMLResponse:
    from emotion_core.pages.page import render_page

    return _html(render_page("message.html", text=text, title=title, root=root), status=status)


# --- what is refused --------------------------------------------------------------------------


@app.exception_handler(AnyHTTPException)
def refused(request: Request, error: AnyHTTPException) -> Response:
    """A sentence for people; the login page for browsers that bring no login."""
    is_page = "text/html" in request.headers.get("accept", "")
    if error.status_code == 401 and is_page and request.method == "GET":
        from airflow.api_fastapi.app import get_auth_manager

        return RedirectResponse(get_auth_manager().get_url_login(next_url=str(request.url)), 303)
    if error.status_code == 401:
        return JSONResponse({"detail": error.detail}, 401, headers=error.headers)
    told = {
        "Forbidden": "Your role in Airflow does not allow this. Who administers Airflow can grant "
        "the right to read, or to start, the runs of this DAG.",
        "Not Found": "There is no such page.",
    }
    text = told.get(str(error.detail), str(error.detail))
    title = "Not allowed" if error.status_code == 403 else "Not done"
    return _message(text, title, error.status_code)


@app.exception_handler(RequestValidationError)
def misfilled(request: Request, error: RequestValidationError) -> Response:
    """Which field, and what is wrong with it."""
    fields = {re.sub(r"\W", " ", str(one["loc"][-1])): one["msg"] for one in error.errors()}
    text = "; ".join(f"{name}: {message}" for name, message in fields.items())
    return _message(f"The form was not filled in as asked for ({text}).", "Not done", 422)


@app.exception_handler(EmotionError)
def failed(request: Request, error: EmotionError) -> Response:
    """What this system refuses on purpose, or cannot do now, in its own words."""
    return _message(str(error), "Not done", 409 if isinstance(error, RunRefusedError) else 503)


def _place(name: str) -> dict[str, str]:
    """An entry in the menu *Browse*."""
    return {
        "name": f"Emotion {name}",
        "href": f"emotion/{name}",
        "destination": "nav",
        "category": "browse",
        "url_route": f"emotion_{name}",
    }


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
        *map(_place, ("reports", "models", "batches", "health")),
    ]
