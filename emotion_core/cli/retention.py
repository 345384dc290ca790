"""``emotion retention``, ``hold``, ``source``: what is kept how long, and what it is for."""

from datetime import datetime
from typing import Annotated

import typer

from emotion_core.cli.console import app, ask, installation, shell_key, show
from emotion_core.cli.machine import user_name
from emotion_core.errors import ErasureError
from emotion_core.steps.holds import place_hold as place_legal_hold
from emotion_core.steps.retention import apply_retention
from emotion_core.steps.sources import knows_source, record_source
from emotion_core.store import holds, retention, sources

retention_app = typer.Typer(help="How long each class of data is kept.")
app.add_typer(retention_app, name="retention")
hold_app = typer.Typer(help="Legal holds: what must not be removed.", no_args_is_help=True)
app.add_typer(hold_app, name="hold")
source_app = typer.Typer(help="The purpose of each source of images.")
app.add_typer(source_app, name="source")


@retention_app.callback(invoke_without_command=True)
def list_retention(context: typer.Context) -> None:
    """Days by class, and the latest retention runs."""
    if context.invoked_subcommand:
        return
    show(
        ask("emotion_erase", retention.policies),
        "class: class_",
        ("kept for", lambda policy: f"{policy.days} days" if policy.days else "ever"),
        "set by: changed_by",
        ("set", lambda policy: f"{policy.changed_at:%Y-%m-%d}"),
    )
    if proofs := ask("emotion_erase", retention.retention_runs, limit=12):
        show(
            proofs,
            *("run: run_key", "class: class_", "older than: cutoff", "count_removed"),
            *("count_held", "not removable: count_failed"),
            ("finished", lambda proof: proof.finished_at or "no"),
        )


@retention_app.command("set")
def set_retention(
    class_of_data: Annotated[str, typer.Argument(help="images, predictions, refusals or audit.")],
    days: Annotated[str, typer.Argument(help="A number of days, or `forever`.")],
) -> None:
    """Set how long a class of data is kept; the DAG apply_retention applies it each night."""
    if days != "forever" and not (days.isascii() and days.isdecimal() and len(days) < 10):
        raise ErasureError(f"{days[:20]!r} is no number of days; give 1 to 36500, or `forever`")
    kept = None if days == "forever" else int(days)
    ask("emotion_erase", retention.set_policy, class_of_data, kept, user_name())
    print(f"{class_of_data}: kept {'for ever' if days == 'forever' else f'for {days} days'}")


@retention_app.command("run")
def run_retention() -> None:
    """Apply retention now, as the DAG apply_retention does each night."""
    here, run_key = installation(), shell_key()
    for class_ in retention.CLASSES:
        counts = apply_retention(here, run_key, class_)
        print(
            f"{class_}: {counts['count_removed']} removed, {counts['count_held']} held, "
            f"{counts['count_failed']} not removable"
        )


@hold_app.command("place")
def place_hold(
    reason: Annotated[str, typer.Option(help="Why, for example a case number; recorded.")],
    content: Annotated[str | None, typer.Option(help="SHA-256 of an image.")] = None,
    subject: Annotated[str | None, typer.Option(help="A person, by the sender's key.")] = None,
    source: Annotated[str | None, typer.Option(help="A whole folder or address.")] = None,
    dataset: Annotated[str | None, typer.Option(help="A labelled data set, by name.")] = None,
) -> None:
    """Protect images or sources from retention and erasure until the hold is lifted."""
    number, count = place_legal_hold(
        installation(),
        reason=reason,
        placed_by=user_name(),
        content=content,
        subject=subject,
        source=source,
        dataset=dataset,
    )
    print(f"hold {number} is in force: {count} kept now, and everything that arrives later")
    if not count:
        print(
            f"nothing it names is here yet; if that is a typing error: emotion hold lift {number}"
        )


@hold_app.command("lift")
def lift_hold(
    hold: Annotated[int, typer.Argument(min=1, max=2**63 - 1, help="See `emotion hold list`.")],
) -> None:
    """Lift a hold: retention and erasure apply again."""
    ask("emotion_erase", holds.lift_hold, hold, user_name())
    print(f"hold {hold} is lifted")


@hold_app.command("list")
def list_holds() -> None:
    """All holds, those in force first."""
    show(
        ask("emotion_erase", holds.holds),
        *("hold: id", "on: kind", "what", "reason"),
        ("placed", lambda hold: _when_and_who(hold.placed_at, hold.placed_by)),
        ("lifted", lambda hold: _when_and_who(hold.lifted_at, hold.lifted_by)),
    )


@source_app.callback(invoke_without_command=True)
def list_sources(context: typer.Context) -> None:
    """Every source, its purpose, and whether it may be scored."""
    if context.invoked_subcommand:
        return
    show(
        ask("emotion_erase", sources.purposes),
        *("source", "purpose"),
        ("basis", lambda one: f"{one.basis}: {one.basis_note}" if one.basis else ""),
        ("recorded", lambda one: _when_and_who(one.recorded_at, one.recorded_by)),
        ("may be scored", lambda one: "no" if one.is_prohibited else "yes"),
    )


@source_app.command("set")
def set_source(
    source: Annotated[str, typer.Argument(help="Folder or address, as `emotion source` shows it.")],
    purpose: Annotated[str, typer.Option(help=f"One of {', '.join(sources.PURPOSES)}.")],
    basis: Annotated[
        str | None, typer.Option(help="For workplace and education: medical or safety.")
    ] = None,
    note: Annotated[str | None, typer.Option(help="Evidence for the basis; needs --basis.")] = None,
) -> None:
    """Record the purpose of a source; workplace and education need a basis."""
    here = installation()
    recorded = record_source(
        here, source, purpose, basis=basis, basis_note=note, recorded_by=user_name()
    )
    print(
        f"{recorded.source}: {recorded.purpose}"
        + (", which is refused without a medical or safety basis" if recorded.is_prohibited else "")
    )
    if not knows_source(here, source):
        print("no batch has read from it yet; `emotion source` lists the known ones")


def _when_and_who(at: datetime | None, by: str | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d} by {by}"
