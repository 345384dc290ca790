"""What the buttons do: who may press them, from where, and which run then is in Airflow."""

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.log import Log
from airflow.utils.session import create_session
from factories import make_model
from fastapi.testclient import TestClient
from promotions import forget_champion, make_champion

from emotion_core.store.database import Database
from emotion_core.store.models import ModelVersion

OURS = {"sec-fetch-site": "same-origin"}


@pytest.fixture
def press() -> str:
    """One showing of a page."""
    return f"20261123T010203_{uuid4().hex[:8]}-1"


@pytest.fixture
def rivals(database: Database, urls: dict[str, str]) -> Iterator[tuple[ModelVersion, ModelVersion]]:
    """The champion, and a model that is not."""
    forget_champion(urls)
    with database.transaction("emotion_train") as connection:
        champion, other = make_model(connection), make_model(connection)
        make_champion(connection, champion)
    yield champion, other
    forget_champion(urls)


def runs_of(dag_id: str, press: str) -> list[DagRun]:
    with create_session() as session:
        return session.query(DagRun).filter_by(dag_id=dag_id, run_id=f"page__{press}").all()


def promotion(
    press: str, rivals: tuple[ModelVersion, ModelVersion], **fields: Any
) -> dict[str, Any]:
    champion, other = rivals
    form = {
        "idempotency_key": press,
        "model": other.name,
        "champion": champion.name,
        "reason": "it is better",
    }
    return form | fields


def test_an_operators_promotion_is_a_run_in_that_persons_name(
    operator: TestClient, rivals: tuple[ModelVersion, ModelVersion], press: str
) -> None:
    form = promotion(press, rivals, reason="<b>better</b>", rescore="yes")

    answer = operator.post("/models/promote", data=form, headers=OURS)

    assert answer.status_code == 303
    assert answer.headers["location"] == f"/dags/promote_model/runs/page__{press}"
    (run,) = runs_of("promote_model", press)
    assert run.conf == {"model": rivals[1].name, "reason": "<b>better</b>", "rescore": True}
    assert (run.triggering_user_name, str(run.state)) == ("the op", "queued")
    with create_session() as session:
        (entry,) = session.query(Log).filter_by(run_id=run.run_id).all()
    assert (entry.event, entry.owner, entry.dag_id) == (
        "trigger_dag_run",
        "the op",
        "promote_model",
    )


def test_a_button_pressed_twice_starts_one_run(
    operator: TestClient, rivals: tuple[ModelVersion, ModelVersion], press: str
) -> None:
    form = {"idempotency_key": press, "champion": rivals[0].name, "reason": "complaints"}

    answers = [operator.post("/models/roll-back", data=form, headers=OURS) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert len(runs_of("roll_back_champion", press)) == 1


def test_files_are_put_back_by_reason_and_batch(operator: TestClient, press: str) -> None:
    form = {
        "idempotency_key": press,
        "batch": "night of it",
        "reason": "truncated",
        "score_now": "yes",
    }

    answer = operator.post("/batches/retry", data=form, headers=OURS)

    assert answer.headers["location"] == f"/dags/retry_refused/runs/page__{press}"
    (run,) = runs_of("retry_refused", press)
    assert run.conf == {"batch": "night of it", "reason": "truncated", "score_now": True}


@pytest.mark.parametrize("role", ["viewer", None])
@pytest.mark.parametrize(
    ("path", "dag_id"),
    [
        ("/models/promote", "promote_model"),
        ("/models/roll-back", "roll_back_champion"),
        ("/batches/retry", "retry_refused"),
    ],
)
def test_who_may_only_look_starts_nothing(
    visit: Callable[[str | None], TestClient],
    press: str,
    path: str,
    dag_id: str,
    role: str | None,
) -> None:
    form = {"idempotency_key": press, "model": "m", "reason": "r", "champion": "c", "batch": "b"}

    answer = visit(role).post(path, data=form, headers=OURS)

    assert answer.status_code == 403
    assert "Your role in Airflow does not allow this" in answer.text
    assert runs_of(dag_id, press) == []


def test_nobody_starts_anything_without_a_login(plugin: ModuleType, press: str) -> None:
    form = {"idempotency_key": press, "batch": "b", "reason": "truncated"}

    answer = TestClient(plugin.app).post("/batches/retry", data=form, headers=OURS)

    assert answer.status_code == 401
    assert runs_of("retry_refused", press) == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": "http://testserver"},
        {"sec-fetch-site": "none"},
        {"origin": "null"},
        {"origin": "http://testserver.example.org"},
        {"origin": "http://example.org/testserver"},
    ],
)
def test_a_form_of_another_site_starts_nothing(
    operator: TestClient, press: str, headers: dict[str, str]
) -> None:
    form = {"idempotency_key": press, "batch": "b", "reason": "truncated"}

    answer = operator.post("/batches/retry", data=form, headers=headers)

    assert answer.status_code == 403
    assert "not sent from one of these pages" in answer.text
    assert runs_of("retry_refused", press) == []


def test_a_browser_on_plain_http_says_its_origin_alone(operator: TestClient, press: str) -> None:
    form = {"idempotency_key": press, "batch": "b", "reason": "truncated"}

    answer = operator.post("/batches/retry", data=form, headers={"origin": "http://testserver"})

    assert answer.status_code == 303


@pytest.mark.parametrize("path", ["/models/promote", "/models/roll-back"])
def test_what_was_decided_on_an_older_page_is_not_done(
    operator: TestClient, rivals: tuple[ModelVersion, ModelVersion], press: str, path: str
) -> None:
    form = promotion(press, rivals, champion="resnet50 v0")

    answer = operator.post(path, data=form, headers=OURS)

    assert answer.status_code == 409
    assert f"Meanwhile {rivals[0].name} is champion" in answer.text
    assert runs_of("promote_model", press) == runs_of("roll_back_champion", press) == []


@pytest.fixture
def pausing() -> Iterator[Callable[[str], None]]:
    def set_paused(dag_id: str, is_paused: bool) -> None:
        with create_session() as session:
            session.get(DagModel, dag_id).is_paused = is_paused

    paused: list[str] = []
    yield lambda dag_id: (paused.append(dag_id), set_paused(dag_id, True))[1]
    for dag_id in paused:
        set_paused(dag_id, False)


def test_a_paused_dag_is_said_to_be_so(
    operator: TestClient, pausing: Callable[[str], None], press: str
) -> None:
    pausing("retry_refused")
    form = {"idempotency_key": press, "batch": "b", "reason": "truncated"}

    answer = operator.post("/batches/retry", data=form, headers=OURS)

    assert answer.status_code == 409
    assert "retry_refused is paused" in answer.text
    assert runs_of("retry_refused", press) == []


def test_what_the_dag_does_not_take_is_refused_by_the_dag(operator: TestClient, press: str) -> None:
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    from emotion_core.airflow.runs import start_run
    from emotion_core.errors import RunRefusedError

    somebody = SimpleAuthManagerUser(username="ada", role="op")

    with pytest.raises(RunRefusedError, match=r"retry_refused was not started: .* is too long$"):
        start_run(somebody, "retry_refused", f"page__{press}", {"reason": "x" * 200})

    assert runs_of("retry_refused", press) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("idempotency_key", "../../x"), ("reason", ""), ("reason", "x" * 2001), ("model", "x" * 201)],
)
def test_a_form_filled_in_by_hand_is_refused_by_the_fields_name(
    operator: TestClient,
    rivals: tuple[ModelVersion, ModelVersion],
    press: str,
    field: str,
    value: str,
) -> None:
    answer = operator.post(
        "/models/promote", data=promotion(press, rivals) | {field: value}, headers=OURS
    )

    assert answer.status_code == 422
    assert f"{field}:" in answer.text


def test_inside_airflows_frame_a_page_of_ours_leads_out_of_it(
    operator: TestClient, press: str
) -> None:
    form = {"idempotency_key": press, "batch": "b", "reason": "truncated", "framed": "1"}

    answer = operator.post("/batches/retry", data=form, headers=OURS)

    assert answer.headers["location"] == f"../started/retry_refused/page__{press}"
    page = operator.get(f"/started/retry_refused/page__{press}").text
    assert "Retry refused files was started" in page
    assert f'<a class="leaves now" href="/dags/retry_refused/runs/page__{press}">' in page
