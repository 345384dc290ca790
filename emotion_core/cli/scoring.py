"""``emotion score``, ``batches``, ``refused``, ``retry``: batches from a shell."""

from collections import Counter
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from emotion_core.cli.console import Limit, add_row, app, batches_app, console, installation
from emotion_core.errors import ScoringError
from emotion_core.local.machine import user_name
from emotion_core.steps import scoring
from emotion_core.steps.installation import Installation
from emotion_core.store import batches


@app.command()
def score(
    path: Annotated[str, typer.Argument(help="A file or folder, here or as s3://bucket/…")],
    model: Annotated[
        str | None, typer.Option(help="In place of the champion; see `emotion models`.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many lines to print.")] = 50,
) -> None:
    """Score a file or a folder now, as a batch of its own."""
    here = installation()
    source, only = scoring.place_to_score(here, path)
    run_key = f"shell__{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"
    with scoring.at_work(here, run_key):
        intake = scoring.open_batch(
            here, run_key, settle_seconds=0, source=source, only=only, model=model
        )
        # Also what an earlier command planned before it was stopped.
        if scoring.count_waiting(here, run_key):
            scoring.score(here, run_key, f"{user_name()} {run_key}")
        scoring.close_batch(here, run_key)
    count_there = intake["count_entered"] + intake["count_known"]
    if not count_there + intake["count_held"] + intake["count_taken_over"]:
        raise ScoringError(f"there is nothing to score in {path}")
    with here.database.transaction("emotion_report") as connection:
        batch = batches.batch_by_key(connection, run_key)
        files = batches.scored_files(
            connection,
            source=source,
            only=only,
            model_version_id=batch.model_version_id,
            limit=limit,
        )
    table = Table("file", "expression", "confidence", "valence", "arousal", "refused for")
    for file in files:
        add_row(
            table,
            file.file,
            file.expression or "",
            *(
                "" if figure is None else f"{figure:.3f}"
                for figure in (file.confidence, file.valence, file.arousal)
            ),
            file.reason or "",
        )
    console.print(table)
    _show_batch(here, run_key)
    if not count_there + intake["count_taken_over"]:
        raise ScoringError(
            f"nothing of {path} was scored: it waits for its manifest, or for a marker's right "
            "name; see above"
        )


@batches_app.callback(invoke_without_command=True)
def list_batches(
    context: typer.Context,
    limit: Limit = 20,
) -> None:
    """Scoring runs and what became of their files."""
    if context.invoked_subcommand:
        return
    with installation().database.transaction("emotion_report") as connection:
        found = batches.batches(connection, limit)
    table = Table("batch", "model", "found", "done", "refused", "quarantined", "left", "opened")
    for batch in found:
        add_row(
            table,
            batch.run_key,
            batch.model,
            str(batch.count_found),
            str(batch.count_done),
            str(batch.count_rejected),
            str(batch.count_quarantined),
            str(batch.count_left),
            f"{batch.opened_at:%Y-%m-%d %H:%M}",
        )
    console.print(table)


@batches_app.command("show")
def show_batch(batch: Annotated[str, typer.Argument(help="See `emotion batches`.")]) -> None:
    """One batch: its counts, why files were refused, and what waits for its manifest."""
    _show_batch(installation(), batch)


@app.command()
def refused(batch: Annotated[str, typer.Argument(help="See `emotion batches`.")]) -> None:
    """The refused files of a batch, and what to do about each."""
    with installation().database.transaction("emotion_report") as connection:
        batches.batch_by_key(connection, batch)
        found = batches.refused_files(connection, batch)
    table = Table("file", "reason", "what it means", "detail", "what to do", "tried again in")
    for file in found:
        add_row(
            table,
            file.file,
            file.reason,
            file.meaning,
            file.detail,
            file.advice,
            file.retried_in or "",
        )
    console.print(table)


@app.command()
def retry(
    reason: Annotated[str, typer.Option(help="A reason's code; see `emotion refused`.")],
    batch: Annotated[str | None, typer.Option(help="Only what this batch refused.")] = None,
) -> None:
    """Put refused files back, after their cause is mended: the next run takes them."""
    count = scoring.retry_refused(installation(), reason, batch=batch, requested_by=user_name())
    print(f"{count} files put back; the next run takes them" if count else "nothing to put back")


def _show_batch(here: Installation, run_key: str) -> None:
    with here.database.transaction("emotion_report") as connection:
        summary = batches.batch_summary(connection, run_key)
        if summary is None:
            raise ScoringError(f"there is no batch {run_key!r}; see `emotion batches`")
        refused = batches.refused_files(connection, run_key)
        held = batches.held_folders(connection, run_key)
    ended = f"closed {summary.closed_at:%Y-%m-%d %H:%M}" if summary.closed_at else "open"
    facts = Table("batch", run_key, show_header=True)
    for name, value in (
        ("state", ended),
        ("source", summary.source),
        ("model", summary.model),
        ("found", summary.count_found),
        ("done", summary.count_done),
        ("refused", f"{summary.count_rejected} ({summary.refused_share:.1%} with quarantined)"),
        ("quarantined", summary.count_quarantined),
        ("left", summary.count_left),
        ("still being written", summary.count_unsettled),
        ("ignored names", summary.count_ignored),
        ("folders held back", summary.count_held),
    ):
        add_row(facts, name, str(value))
    console.print(facts)
    if refused:
        reasons = Table("refused for", "files", "what it means", "what to do", "put back")
        for code, count in Counter(file.reason for file in refused).most_common():
            one = next(file for file in refused if file.reason == code)
            back = sum(file.retried_in is not None for file in refused if file.reason == code)
            add_row(reasons, code, str(count), one.meaning, one.advice, str(back))
        console.print(reasons)
    if held:
        folders = Table("held folder", "reason", "detail", "what to do")
        for folder in held:
            add_row(folders, folder.folder or ".", folder.reason, folder.detail, folder.advice)
        console.print(folders)
