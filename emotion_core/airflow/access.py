"""Who may see our pages in Airflow's UI, and who may use their buttons.

Airflow's auth manager decides by rights, not by names of roles, so that any auth manager works.
"""

from typing import Any
from urllib.parse import urlsplit

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import requires_access_dag
from airflow.configuration import conf
from airflow.models.dag import DagModel
from fastapi import Depends, HTTPException, Request


def may_start(user: BaseUser, dag_id: str) -> bool:
    """Whether this person may start runs of this DAG."""
    return bool(
        get_auth_manager().is_authorized_dag(
            method="POST",
            access_entity=DagAccessEntity.RUN,
            details=DagDetails(id=dag_id, team_name=DagModel.get_team_name(dag_id)),
            user=user,
        )
    )


def readers(dag_id: str | None = None) -> Any:
    """A route's dependency: for those who may read the runs of a DAG.

    Args:
        dag_id: None for the one that the address names.
    """
    return Depends(requires_access_dag("GET", DagAccessEntity.RUN, dag_id))


def starters(dag_id: str) -> list[Any]:
    """A route's dependencies: for those who may start the DAG, from our own pages alone."""
    return [
        Depends(requires_access_dag("POST", DagAccessEntity.RUN, dag_id)),
        Depends(same_origin),
    ]


def same_origin(request: Request) -> None:
    """Refuse a form that another site sent with this person's cookie.

    Browsers send the origin of a form: in ``Sec-Fetch-Site``, or, if they are older or use plain
    HTTP, in ``Origin``. A client that sends neither is no browser.

    Raises:
        HTTPException: 403, with a sentence.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin", "")
    ours = {request.headers.get("host"), urlsplit(conf.get("api", "base_url", fallback="")).netloc}
    is_ours = urlsplit(origin).netloc in ours - {""} if site is None else site == "same-origin"
    if not is_ours:
        raise HTTPException(
            403,
            "This form was not sent from one of these pages, so nothing was started. Open the page "
            "in Airflow and press its button; programs use Airflow's REST API.",
        )
