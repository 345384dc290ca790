"""``emotion export``: predictions as a file for other programs."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from emotion_core.cli.console import app, installation
from emotion_core.store.export import Format, export_predictions

_DAY = ["%Y-%m-%d"]


@app.command("export")
def export(
    since: Annotated[
        datetime, typer.Option(formats=_DAY, help="First day of scoring (UTC) to export.")
    ],
    to: Annotated[Format, typer.Option(help="Format of the file.")],
    out: Annotated[Path, typer.Option(help="The file; one that is there is replaced when done.")],
    until: Annotated[
        datetime | None, typer.Option(formats=_DAY, help="First day no longer exported.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="See `emotion models`; the champion without it.")
    ] = None,
) -> None:
    """Write one row per image: what a model says of it, with all eight probabilities."""
    with installation().database.transaction("emotion_report") as connection:
        count = export_predictions(
            connection,
            out,
            to,
            since=since.replace(tzinfo=UTC),
            until=until.replace(tzinfo=UTC) if until else None,
            model=model,
        )
    print(f"{count} predictions are in {out}")
