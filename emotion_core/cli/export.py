"""``emotion export``: predictions as a file for other programs."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from emotion_core.cli.console import app, ask
from emotion_core.store.export import Format, export_predictions

_DAY = ["%Y-%m-%d"]


@app.command("export")
def export(
    since: Annotated[
        datetime, typer.Option(formats=_DAY, help="First day of scoring (UTC) to export.")
    ],
    to: Annotated[Format, typer.Option(help="Format of the file.")],
    out: Annotated[Path, typer.Option(help="The file; an existing one is replaced at the end.")],
    until: Annotated[
        datetime | None,
        typer.Option(formats=_DAY, help="The first day (UTC) left out."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="See `emotion models`; default: the champion.")
    ] = None,
) -> None:
    """Write the predictions of one model to a file: one row per image."""
    count = ask(
        "emotion_report",
        export_predictions,
        out,
        to,
        since=since.replace(tzinfo=UTC),
        until=until.replace(tzinfo=UTC) if until else None,
        model=model,
    )
    print(f"{count} predictions are in {out}")
