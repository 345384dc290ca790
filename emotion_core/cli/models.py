"""``emotion models``, ``promote``, ``rollback``, ``challenge``, ``rescore``."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from emotion_core.cli.console import Limit, add_row, app, console, installation
from emotion_core.errors import PromotionRefusedError
from emotion_core.local.machine import user_name
from emotion_core.steps import promotion, rescoring
from emotion_core.steps.promotion import ALPHA, MINIMUM_IMAGES
from emotion_core.store import aliases, model_changes, models

models_app = typer.Typer(help="Model versions, which is champion, and how it came to be.")
app.add_typer(models_app, name="models")

Alpha = Annotated[
    float,
    typer.Option(
        min=1e-9, max=0.2, help="Above 0, at most 0.2: how often luck may let any equal model pass."
    ),
]
MinimumImages = Annotated[
    int,
    typer.Option(
        min=30, max=1_000_000, help="At least 30: fewer images held out by both are refused."
    ),
]
Reason = Annotated[str, typer.Option(help="Why; kept with the change.")]


@models_app.callback(invoke_without_command=True)
def list_models(context: typer.Context) -> None:
    """Model versions and which is champion."""
    if context.invoked_subcommand:
        return
    with installation().database.transaction("emotion_report") as connection:
        found = models.model_versions(connection)
    table = Table("model", "alias", "from run", "registered")
    for model in found:
        add_row(
            table,
            model.name,
            " ".join(model.aliases),
            model.run_key,
            f"{model.registered_at:%Y-%m-%d %H:%M}",
        )
    console.print(table)


@models_app.command("history")
def show_history(
    limit: Limit = 20,
) -> None:
    """Every change of champion and challenger: who, when, why, from what."""
    with installation().database.transaction("emotion_report") as connection:
        found = aliases.alias_changes(connection, limit)
    table = Table("when", "alias", "change", "from", "to", "by", "why")
    for change in found:
        add_row(
            table,
            f"{change.changed_at:%Y-%m-%d %H:%M}",
            change.alias,
            change.kind,
            change.from_model or "none",
            change.to_model or "none",
            change.changed_by,
            change.reason,
        )
    console.print(table)


@models_app.command("check")
def check(
    model: Annotated[str, typer.Argument(help="For example 'resnet50 v3'; see `emotion models`.")],
    alpha: Alpha = ALPHA,
    minimum_images: MinimumImages = MINIMUM_IMAGES,
) -> None:
    """Hold a model against the champion; fails when it falls short.

    The champion stays. The check is kept, and counts among those of this champion's candidates.
    """
    here = installation()
    gate = promotion.check_promotion(
        here, model, asked_by=user_name(), alpha=alpha, minimum_images=minimum_images
    )
    if not gate.is_passed:
        raise PromotionRefusedError(promotion.verdict_on(here, gate))
    print(promotion.verdict_on(here, gate))


@models_app.command("changed")
def show_change(
    before: Annotated[str, typer.Argument(help="Champion before; see `emotion models history`.")],
    after: Annotated[str, typer.Argument(help="Champion that replaced it.")],
) -> None:
    """What a new champion says otherwise, over the images that both scored."""
    with installation().database.transaction("emotion_report") as connection:
        change = model_changes.model_change(connection, before, after)
    if not change.count_images:
        raise PromotionRefusedError(
            f"{after} never replaced {before}, or no image was scored by both; "
            "`emotion rescore` scores the archive with the champion"
        )
    print(
        f"{change.count_flips} of {change.count_images} images ({change.flip_share:.1%}) got "
        f"another expression; valence moved by {change.mean_valence_shift:+.3f} on average "
        f"({change.mean_valence_distance:.3f} without sign), arousal by "
        f"{change.mean_arousal_shift:+.3f} ({change.mean_arousal_distance:.3f})"
    )
    table = Table("before", "after", "images")
    for flip in change.flips:
        add_row(table, flip.expression_before, flip.expression_after, str(flip.count_images))
    if change.flips:
        console.print(table)


@app.command()
def rescore(
    model: Annotated[str | None, typer.Option(help="In place of the champion.")] = None,
    images_per_second: Annotated[
        float, typer.Option(min=0, max=100_000, help="At most; 0 for no limit.")
    ] = 0.0,
    most_images: Annotated[
        int,
        typer.Option(min=0, max=1_000_000_000, help="Stop after about this many; 0: no limit."),
    ] = 0,
    run: Annotated[str | None, typer.Option(help="A run to go on with.")] = None,
) -> None:
    """Score what older models have scored with the champion; old predictions stay."""
    run_key = run or f"shell__{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"
    done = rescoring.rescore(
        installation(),
        run_key,
        f"{user_name()} {run_key}",
        model=model,
        images_per_second=images_per_second,
        most_images=most_images,
    )
    print(
        f"{done['count_planned']} of {done['count_seen']} images scored with {done['model']}, "
        f"{done['count_missing']} could not be found any more; "
        + ("the whole archive was looked through" if done["is_whole"] else "more is left")
    )


@app.command()
def promote(
    model: Annotated[str, typer.Argument(help="For example 'resnet50 v3'; see `emotion models`.")],
    reason: Reason,
    alpha: Alpha = ALPHA,
    minimum_images: MinimumImages = MINIMUM_IMAGES,
    override: Annotated[
        str | None, typer.Option(help="Why it becomes champion although the gate refuses it.")
    ] = None,
) -> None:
    """Make a model the champion, which the nightly run scores with, if it passes the gate."""
    name = promotion.promote(
        installation(),
        model,
        reason=reason,
        changed_by=user_name(),
        alpha=alpha,
        minimum_images=minimum_images,
        override=override,
    )
    print(f"{name} is champion")


@app.command()
def rollback(reason: Reason) -> None:
    """Make the champion before champion again."""
    name = promotion.roll_back(installation(), reason=reason, changed_by=user_name())
    print(f"{name} is champion again")


@app.command()
def challenge(
    reason: Reason,
    model: Annotated[
        str | None, typer.Argument(help="See `emotion models`; without one, nobody challenges.")
    ] = None,
) -> None:
    """Let a model score every night beside the champion, without becoming current."""
    name = promotion.challenge(installation(), model, reason=reason, changed_by=user_name())
    print(f"{name} is challenger" if name else "no model is challenger")
