"""``emotion health``: drift, expected accuracy, freshness and backlog from a shell."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from emotion_core.cli.console import add_row, app, console, installation
from emotion_core.steps.health import watch_health
from emotion_core.store import health as store


@app.command()
def health(
    now: Annotated[
        bool, typer.Option("--now", help="Measure first, as a look of its own.")
    ] = False,
) -> None:
    """What the newest look at drift and health found, alarms first."""
    here = installation()
    if now:
        watch_health(here, f"shell__{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}")
    with here.database.transaction("emotion_report") as connection:
        found = store.health_readings(connection)
    if not found:
        print("nobody has looked yet: `emotion health --now`, or run watch_health")
        return
    print(f"looked at {found[0].checked_at:%Y-%m-%d %H:%M}, night {found[0].batch or 'none yet'}")
    table = Table("measure", "against", "", "value", "limit", "what it says")
    for row in found:
        add_row(
            table,
            row.measure,
            row.against,
            row.status.upper() if row.status == "alarm" else row.status,
            "" if row.value is None else f"{row.value:.3f}",
            "" if row.limit_value is None else f"{row.limit_value:.3f}",
            row.sentence,
        )
    console.print(table)
