"""``emotion retention``, ``hold``, ``source``: what is kept how long, and what it is for."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from emotion_core.cli.console import add_row, app, console, installation
from emotion_core.errors import ErasureError
from emotion_core.local.machine import user_name
from emotion_core.steps import privacy
from emotion_core.steps.retention import apply_retention
from emotion_core.store import holds, retention, sources

retention_app = typer.Typer(help="For how many days each class of data is kept.")
app.add_typer(retention_app, name="retention")
hold_app = typer.Typer(help="Legal holds: what must not be removed.", no_args_is_help=True)
app.add_typer(hold_app, name="hold")
source_app = typer.Typer(help="What each source of images may be used for.")
app.add_typer(source_app, name="source")


@retention_app.callback(invoke_without_command=True)
def list_retention(context: typer.Context) -> None:
    """Days by class, and the newest proofs of what was removed."""
    if context.invoked_subcommand:
        return
    with installation().database.transaction("emotion_erase") as connection:
        policies = retention.policies(connection)
        proofs = retention.retention_runs(connection, limit=12)
    table = Table("class", "kept for", "set by", "set")
    for policy in policies:
        add_row(
            table,
            policy.class_,
            "ever" if policy.days is None else f"{policy.days} days",
            policy.changed_by,
            f"{policy.changed_at:%Y-%m-%d}",
        )
    console.print(table)
    if proofs:
        table = Table("run", "class", "older than", "removed", "held", "not removable", "finished")
        for proof in proofs:
            add_row(
                table,
                proof.run_key,
                proof.class_,
                f"{proof.cutoff:%Y-%m-%d %H:%M}",
                str(proof.count_removed),
                str(proof.count_held),
                str(proof.count_failed),
                f"{proof.finished_at:%Y-%m-%d %H:%M}" if proof.finished_at else "no",
            )
        console.print(table)


@retention_app.command("set")
def set_retention(
    class_of_data: Annotated[str, typer.Argument(help="images, predictions, refusals or audit.")],
    days: Annotated[str, typer.Argument(help="A number of days, or `forever`.")],
) -> None:
    """Keep a class for so many days; the DAG keep_and_erase removes the rest each night."""
    if days != "forever" and not (days.isascii() and days.isdecimal() and len(days) < 10):
        raise ErasureError(f"{days[:20]!r} is no number of days; give 1 to 36500, or `forever`")
    with installation().database.transaction("emotion_erase") as connection:
        retention.set_policy(
            connection, class_of_data, None if days == "forever" else int(days), user_name()
        )
    print(f"{class_of_data}: kept {'for ever' if days == 'forever' else f'for {days} days'}")


@retention_app.command("run")
def run_retention() -> None:
    """Remove what is older than may be kept now, as keep_and_erase does each night."""
    here = installation()
    run_key = f"shell__{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"
    for class_ in retention.CLASSES:
        counts = apply_retention(here, run_key, class_)
        print(
            f"{class_}: {counts['count_removed']} removed, {counts['count_held']} held, "
            f"{counts['count_failed']} not removable"
        )


@hold_app.command("place")
def place_hold(
    reason: Annotated[str, typer.Option(help="Why, for example a file number; kept.")],
    content: Annotated[str | None, typer.Option(help="SHA-256 of an image.")] = None,
    subject: Annotated[str | None, typer.Option(help="A sender's key for a person.")] = None,
    source: Annotated[str | None, typer.Option(help="A whole folder or address.")] = None,
    dataset: Annotated[str | None, typer.Option(help="A labelled data set, by name.")] = None,
) -> None:
    """Keep what is named from retention and erasure until the hold is lifted."""
    number, count = privacy.place_hold(
        installation(),
        reason=reason,
        placed_by=user_name(),
        content=content,
        subject=subject,
        source=source,
        dataset=dataset,
    )
    if count:
        print(f"hold {number} stands: {count} are kept, and what comes")
    else:
        print(
            f"hold {number} stands, but nothing that it names is here: it keeps what comes. Was it "
            f"a slip, `emotion hold lift {number}`"
        )


@hold_app.command("lift")
def lift_hold(
    hold: Annotated[int, typer.Argument(min=1, max=2**63 - 1, help="See `emotion hold list`.")],
) -> None:
    """Let retention and erasure go their way again."""
    with installation().database.transaction("emotion_erase") as connection:
        holds.lift_hold(connection, hold, user_name())
    print(f"hold {hold} is lifted")


@hold_app.command("list")
def list_holds() -> None:
    """Every hold, standing ones first."""
    with installation().database.transaction("emotion_erase") as connection:
        found = holds.holds(connection)
    table = Table("hold", "on", "what", "reason", "placed", "lifted")
    for hold in found:
        add_row(
            table,
            str(hold.id),
            hold.kind,
            hold.what,
            hold.reason,
            f"{hold.placed_at:%Y-%m-%d} by {hold.placed_by}",
            f"{hold.lifted_at:%Y-%m-%d} by {hold.lifted_by}" if hold.lifted_at else "",
        )
    console.print(table)


@source_app.callback(invoke_without_command=True)
def list_sources(context: typer.Context) -> None:
    """Every source, its purpose, and whether it may be scored."""
    if context.invoked_subcommand:
        return
    with installation().database.transaction("emotion_erase") as connection:
        found = sources.purposes(connection)
    table = Table("source", "purpose", "basis", "recorded", "may be scored")
    for source in found:
        add_row(
            table,
            source.source,
            source.purpose,
            f"{source.basis}: {source.basis_note}" if source.basis else "",
            f"{source.recorded_at:%Y-%m-%d} by {source.recorded_by}" if source.recorded_at else "",
            "no" if source.is_prohibited else "yes",
        )
    console.print(table)


@source_app.command("set")
def set_source(
    source: Annotated[str, typer.Argument(help="Folder or address, as `emotion source` shows it.")],
    purpose: Annotated[str, typer.Option(help=f"One of {', '.join(sources.PURPOSES)}.")],
    basis: Annotated[
        str | None, typer.Option(help="For workplace and education: medical or safety.")
    ] = None,
    note: Annotated[
        str | None, typer.Option(help="What the basis rests on; goes with --basis.")
    ] = None,
) -> None:
    """Record what a source's images are for; workplace and education need a basis."""
    here = installation()
    recorded = privacy.record_source(
        here, source, purpose, basis=basis, basis_note=note, recorded_by=user_name()
    )
    print(
        f"{recorded.source}: {recorded.purpose}"
        + (", which is refused without a medical or safety basis" if recorded.is_prohibited else "")
    )
    if not privacy.knows_source(here, source):
        print("no batch has looked into it yet; see `emotion source` for those there are")
