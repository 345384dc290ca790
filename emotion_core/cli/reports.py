"""``emotion report``: comparisons and nights, rendered from the tables."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from emotion_core.cli.console import app, installation
from emotion_core.errors import ReportError
from emotion_core.steps import reports


@app.command()
def report(
    run: Annotated[str | None, typer.Argument(help="A training run; see `emotion runs`.")] = None,
    runs: Annotated[
        list[str] | None,
        typer.Option(help="A run's key or a model's name; repeat for up to eight."),
    ] = None,
    batch: Annotated[
        str | None, typer.Option(help="A scoring run instead; see `emotion batches`.")
    ] = None,
    made_at: Annotated[
        str | None,
        typer.Option(help="Time on the page, ISO 8601; the same time gives the same bytes."),
    ] = None,
    thumbnails: Annotated[
        bool, typer.Option(help="Show single images; faces are personal data.")
    ] = False,
) -> None:
    """Render a report from the tables and print its path."""
    if sum(given is not None for given in (run, runs, batch)) != 1:
        raise ReportError("name one of three: a training run, --runs once for each run, or --batch")
    moment = None if made_at is None else _moment(made_at)
    here = installation()
    if batch is not None:
        print(reports.report_night(here, batch, made_at=moment))
    elif runs is not None:
        print(reports.compare_runs(here, runs, made_at=moment, thumbnails=thumbnails))
    else:
        print(reports.compare(here, str(run), made_at=moment, thumbnails=thumbnails))


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ReportError(
            f"--made-at {text!r} is not a time; write 2026-11-22T19:36:00+00:00"
        ) from None
    if found.tzinfo is None:
        raise ReportError(f"--made-at {text!r} names no time zone; add +00:00 for UTC")
    try:
        return found.astimezone(UTC)
    except OverflowError:
        raise ReportError(f"--made-at {text!r} lies outside of the years 1 to 9999") from None
