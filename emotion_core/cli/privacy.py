"""``emotion erase``, ``tombstones``: what is erased for good, from a shell."""

from pathlib import Path
from typing import Annotated

import typer

from emotion_core.cli.console import Limit, app, ask, installation, show
from emotion_core.cli.machine import user_name
from emotion_core.errors import ErasureError
from emotion_core.steps import erasure
from emotion_core.steps.erasure import ErasureOutcome
from emotion_core.store.erasure import erasures


@app.command()
def erase(
    content: Annotated[str | None, typer.Option(help="SHA-256 of an image, 64 hex digits.")] = None,
    file: Annotated[str | None, typer.Option(help="A delivered file, by path or address.")] = None,
    subject: Annotated[
        str | None, typer.Option(help="A person, by the key in a manifest's column subject.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why; recorded, so write no names.")] = None,
    finish: Annotated[
        bool, typer.Option("--finish", help="Remove files that earlier erasures could not remove.")
    ] = False,
    replay: Annotated[
        bool, typer.Option("--replay", help="Erase again what came back with a restored backup.")
    ] = False,
    tombstones: Annotated[
        Path | None, typer.Option(help="With --replay: another file of tombstones.")
    ] = None,
) -> None:
    """Erase images from tables and sources; the same bytes are refused from then on."""
    named = [name for name in (content, file, subject) if name is not None]
    if len(named) + finish + replay != 1:
        raise ErasureError("name one of --content, --file, --subject, --finish and --replay")
    if tombstones is not None and not replay:
        raise ErasureError("--tombstones goes with --replay")
    here = installation()
    if finish:
        _tell(erasure.finish_erasures(here))
    elif replay:
        _tell(erasure.replay_erasures(here, tombstones))
    else:
        if not reason:
            raise ErasureError("say why: --reason 'request 12/2026'")
        _tell(
            erasure.erase(
                here,
                content=content,
                file=file,
                subject=subject,
                reason=reason,
                requested_by=user_name(),
            )
        )


@app.command("erasures")
def list_erasures(
    limit: Limit = 20,
) -> None:
    """Erasure requests and what each removed."""
    show(
        ask("emotion_erase", erasures, limit=limit),
        *("erasure: id", "by: asked_by", "reason", "images: count_contents", "count_files"),
        *("count_held", "still there: count_left"),
        ("finished", lambda record: record.finished_at or "no"),
    )


@app.command("tombstones")
def export_tombstones(
    path: Annotated[Path, typer.Argument(help="The file; keep it apart from backups.")],
) -> None:
    """Append all tombstones to a file, for `emotion erase --replay` after a restore."""
    print(f"{erasure.export_tombstones(installation(), path)} tombstones are in {path}")


def _tell(outcome: ErasureOutcome) -> None:
    record = outcome.record
    for sentence in dict.fromkeys(outcome.unknown):
        print(sentence)
    if record is not None and (record.count_contents or record.count_files or outcome.held):
        print(
            f"erasure {record.id}: {record.count_contents} images, {record.count_files} files, "
            f"{record.count_predictions} predictions, {record.count_refusals} refusals and "
            f"{record.count_labels} labels are gone"
        )
        if record.models:
            print("models that were trained on them, and stay: " + ", ".join(record.models))
    for sentence in dict.fromkeys(outcome.held):
        print(f"kept: {sentence}")
    for sentence in dict.fromkeys(outcome.by_hand):
        print(f"remove by hand: {sentence}")
    if record is None and not outcome.by_hand:
        print("nothing left to do")
