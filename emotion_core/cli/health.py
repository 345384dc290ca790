"""``emotion health``: drift, expected accuracy, freshness and backlog from a shell."""

from typing import Annotated

import typer

from emotion_core.cli.console import app, ask, installation, shell_key, show
from emotion_core.steps.health import watch_health
from emotion_core.store import health as store


@app.command()
def health(
    now: Annotated[bool, typer.Option("--now", help="Run a health check first.")] = False,
) -> None:
    """The latest health check: drift, freshness, backlog and expected accuracy, alarms first."""
    if now:
        watch_health(installation(), shell_key())
    found = ask("emotion_report", store.health_measurements)
    if not found:
        print("no health check yet: `emotion health --now`, or run the DAG watch_health")
        return
    print(f"checked {found[0].checked_at:%Y-%m-%d %H:%M}, night {found[0].batch or 'none yet'}")
    show(
        found,
        *("measure", "against"),
        ("", lambda row: row.status.upper() if row.status == "alarm" else row.status),
        *("value", "limit: limit_value", "what it says: sentence"),
    )
