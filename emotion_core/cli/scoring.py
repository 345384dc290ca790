"""``emotion score``, ``batches``, ``refused``, ``retry``: batches from a shell."""

from typing import Annotated

import typer

from emotion_core.cli.console import Limit, app, ask, installation, shell_key, show, show_facts
from emotion_core.cli.machine import user_name
from emotion_core.errors import ScoringError
from emotion_core.steps import scoring
from emotion_core.store import batches
from emotion_core.store.batches import RefusedFile

batches_app = typer.Typer(help="Scoring runs and their files.")
app.add_typer(batches_app, name="batches")


@app.command()
def score(
    path: Annotated[str, typer.Argument(help="A local file or folder, or s3://bucket/…")],
    model: Annotated[
        str | None, typer.Option(help="Default: the champion; see `emotion models`.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Number of files to print.")] = 50,
) -> None:
    """Score a file or folder now, as its own batch."""
    here = installation()
    source, only = scoring.place_to_score(here, path)
    run_key = shell_key()
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
    batch = ask("emotion_report", batches.batch_by_key, run_key)
    files = ask(
        "emotion_report",
        batches.scored_files,
        source=source,
        only=only,
        model_version_id=batch.model_version_id,
        limit=limit,
    )
    show(files, "file", "expression", "confidence", "valence", "arousal", "refused for: reason")
    show_batch(run_key)
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
    """Scoring runs with the counts of their files, newest first."""
    if context.invoked_subcommand:
        return
    show(
        ask("emotion_report", batches.batches, limit),
        *("batch: run_key", "model", "count_found", "count_done", "refused: count_rejected"),
        *("count_quarantined", "count_left", "opened_at"),
    )


@batches_app.command("show")
def show_batch(batch: Annotated[str, typer.Argument(help="See `emotion batches`.")]) -> None:
    """One batch: its counts, why files were refused, and folders that wait for their manifest."""
    summary = ask("emotion_report", batches.batch_summary, batch)
    if summary is None:
        raise ScoringError(f"there is no batch {batch!r}; see `emotion batches`")
    show_facts(
        "batch",
        batch,
        {
            "state": f"closed {summary.closed_at:%Y-%m-%d %H:%M}" if summary.closed_at else "open",
            "source": summary.source,
            "model": summary.model,
            "found": summary.count_found,
            "done": summary.count_done,
            "refused": f"{summary.count_rejected} ({summary.refused_share:.1%} with quarantined)",
            "quarantined": summary.count_quarantined,
            "left": summary.count_left,
            "still being written": summary.count_unsettled,
            "ignored names": summary.count_ignored,
            "folders held back": summary.count_held,
        },
    )
    by_reason: dict[str, list[RefusedFile]] = {}
    for file in ask("emotion_report", batches.refused_files, batch):
        by_reason.setdefault(file.reason, []).append(file)
    if by_reason:
        show(
            sorted(by_reason.values(), key=len, reverse=True),
            ("refused for", lambda files: files[0].reason),
            ("files", len),
            ("what it means", lambda files: files[0].meaning),
            ("what to do", lambda files: files[0].advice),
            ("retried", lambda files: sum(file.retried_in is not None for file in files)),
        )
    if held := ask("emotion_report", batches.held_folders, batch):
        show(
            held,
            ("held folder", lambda folder: folder.folder or "."),
            *("reason", "detail", "what to do: advice"),
        )


@app.command()
def refused(batch: Annotated[str, typer.Argument(help="See `emotion batches`.")]) -> None:
    """The refused files of a batch, each with its reason and what to do."""
    ask("emotion_report", batches.batch_by_key, batch)
    show(
        ask("emotion_report", batches.refused_files, batch),
        *("file", "reason", "what it means: meaning", "detail", "what to do: advice"),
        "tried again in: retried_in",
    )


@app.command()
def retry(
    reason: Annotated[str, typer.Option(help="A reason's code; see `emotion refused`.")],
    batch: Annotated[str | None, typer.Option(help="Only files that this batch refused.")] = None,
) -> None:
    """Let refused files be tried again by the next run, once their cause is gone."""
    count = scoring.retry_refused(installation(), reason, batch=batch, requested_by=user_name())
    print(f"the next run tries {count} files again" if count else "nothing to try again")
