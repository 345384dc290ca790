"""Airflow's REST API, as the pages use it."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from emotion_core.errors import LocalSystemError

_PARTS = {
    "metadatabase": "database",
    "scheduler": "scheduler",
    "dag_processor": "DAG processor",
    "triggerer": "triggerer",
}


@dataclass(frozen=True)
class TaskState:
    """One task of a run, or one of its mapped copies."""

    task_id: str
    map_index: int
    label: str
    """The task's name with what the copy is for: ``train resnet50``."""
    state: str | None
    try_number: int


class AirflowApi:
    """One Airflow, as one user."""

    def __init__(self, address: str, user: str, password: str) -> None:
        self.address = address
        self._login = {"username": user, "password": password}
        # A proxy that the environment names is for the internet, not for this machine.
        self._client = httpx.Client(base_url=address, timeout=30.0, trust_env=False)
        self._token: str | None = None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def unhealthy(self) -> list[str]:
        """Parts of Airflow that are not up yet; empty when all are."""
        try:
            answer = self._client.get("/api/v2/monitor/health", timeout=5.0)
            found = {
                part: (state or {}).get("status")
                for part, state in answer.raise_for_status().json().items()
            }
        except (httpx.HTTPError, ValueError, TypeError, AttributeError):
            return ["API server"]
        return [name for part, name in _PARTS.items() if found.get(part) != "healthy"]

    def knows_us(self) -> bool:
        """Whether it accepts our login: another Airflow at this address would not."""
        return self._client.post("/auth/token", json=self._login).is_success

    def create_pool(self, name: str, slots: int, description: str) -> None:
        """Make a pool; one that is there keeps the size that its operator gave it."""
        body = {"name": name, "slots": slots, "description": description}
        self._call("POST", "pools", body, accepted=(409,))

    def has_dag(self, dag_id: str) -> bool:
        """Whether Airflow has read this DAG."""
        return self._call("GET", f"dags/{_part(dag_id)}", accepted=(404,)).status_code == 200

    def import_errors(self) -> list[str]:
        """DAG files that cannot be read, each with the last line of its error."""
        found = self._call("GET", "importErrors").json()["import_errors"]
        return [f"{e['filename']}: {e['stack_trace'].strip().splitlines()[-1]}" for e in found]

    def unpause(self, dag_id: str) -> None:
        """Let a DAG's runs start."""
        self._call("PATCH", f"dags/{_part(dag_id)}", {"is_paused": False})

    def trigger(self, dag_id: str, run_id: str, conf: Mapping[str, Any], note: str) -> None:
        """Start a run, as the form on the pages does.

        Raises:
            LocalSystemError: Airflow refuses; says why.
        """
        body = {"dag_run_id": run_id, "logical_date": None, "conf": dict(conf), "note": note}
        self._call("POST", f"dags/{_part(dag_id)}/dagRuns", body)

    def retry_failed(self, dag_id: str, run_id: str) -> None:
        """Let the failed tasks of a run be tried again."""
        self._call("POST", f"{_run(dag_id, run_id)}/clear", {"dry_run": False, "only_failed": True})

    def run_state(self, dag_id: str, run_id: str) -> str | None:
        """``queued``, ``running``, ``success`` or ``failed``; None where there is no such run."""
        answer = self._call("GET", _run(dag_id, run_id), accepted=(404,))
        return None if answer.status_code == 404 else str(answer.json()["state"])

    def unfinished_runs(self, dag_id: str) -> list[str]:
        """Ids of runs that wait or are running, oldest first."""
        query = "state=queued&state=running&order_by=run_after&limit=100"
        answer = self._call("GET", f"dags/{_part(dag_id)}/dagRuns?{query}")
        return [str(run["dag_run_id"]) for run in answer.json()["dag_runs"]]

    def tasks(self, dag_id: str, run_id: str) -> list[TaskState]:
        """Every task of a run, in the order in which they began; those that wait come last."""
        answer = self._call("GET", f"{_run(dag_id, run_id)}/taskInstances?limit=100")
        found = sorted(
            answer.json()["task_instances"],
            key=lambda task: (task["start_date"] or "9999", task["task_id"], task["map_index"]),
        )
        return [
            TaskState(
                task_id=task["task_id"],
                map_index=task["map_index"],
                label=_label(task["task_id"], task["rendered_map_index"]),
                state=task["state"],
                try_number=task["try_number"],
            )
            for task in found
        ]

    def log_lines(self, dag_id: str, run_id: str, task: TaskState, count: int = 12) -> list[str]:
        """The end of a task's log."""
        answer = self._call(
            "GET",
            f"{_run(dag_id, run_id)}/taskInstances/{_part(task.task_id)}/logs/{task.try_number}"
            f"?map_index={task.map_index}&full_content=true",
            accepted=(404,),
        )
        if answer.status_code == 404:
            return []
        lines: list[str] = []
        for entry in answer.json().get("content", []):
            if isinstance(entry, str):
                lines.append(entry)
            elif not str(entry.get("event", "")).startswith("::"):
                lines.append(f"{entry.get('event', '')} {entry.get('reason', '')}".strip())
                lines += [f"{e['exc_type']}: {e['exc_value']}" for e in _exceptions(entry)]
        return [line for line in lines if line.strip()][-count:]

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        accepted: tuple[int, ...] = (),
    ) -> httpx.Response:
        answer = self._send(method, path, body)
        if answer.status_code == 401 and self._token is not None:
            self._token = None  # it has run out
            answer = self._send(method, path, body)
        if answer.is_success or answer.status_code in accepted:
            return answer
        raise LocalSystemError(
            f"Airflow refused {method} {path.split('?')[0]} "
            f"({answer.status_code}): {_detail(answer)}"
        )

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None) -> httpx.Response:
        # A busy machine may keep the server from answering; a look is worth repeating, a
        # trigger is not: it may have arrived.
        tries = 3 if method == "GET" else 1
        for attempt in range(1, tries + 1):
            try:
                if self._token is None:
                    self._token = self._fetch_token()
                headers = {"Authorization": f"Bearer {self._token}"}
                return self._client.request(method, f"/api/v2/{path}", json=body, headers=headers)
            except httpx.HTTPError as error:
                if attempt == tries:
                    raise LocalSystemError(
                        f"Airflow at {self.address} does not answer ({type(error).__name__})"
                    ) from error
                time.sleep(1.0)
        raise AssertionError("unreachable")

    def _fetch_token(self) -> str:
        answer = self._client.post("/auth/token", json=self._login)
        if not answer.is_success:
            raise LocalSystemError(
                f"Airflow at {self.address} refuses the login {self._login['username']!r} "
                f"({answer.status_code}): {_detail(answer)}"
            )
        return str(answer.json()["access_token"])


def _label(task_id: str, rendered: str | None) -> str:
    """Airflow says what a mapped copy is for when it has begun; its bare number tells nothing."""
    return f"{task_id} {rendered}" if rendered and not rendered.isdecimal() else task_id


def _part(text: str) -> str:
    return quote(text, safe="")


def _run(dag_id: str, run_id: str) -> str:
    return f"dags/{_part(dag_id)}/dagRuns/{_part(run_id)}"


def _exceptions(entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = entry.get("error_detail")
    return [e for e in found if isinstance(e, dict)] if isinstance(found, list) else []


def _detail(answer: httpx.Response) -> str:
    try:
        detail = answer.json().get("detail")
    except (ValueError, AttributeError):
        return answer.text[:300]
    return detail if isinstance(detail, str) else json.dumps(detail)[:600]
