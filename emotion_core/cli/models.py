"""``emotion models``, ``promote``, ``rollback``, ``challenge``, ``rescore``."""

from typing import Annotated

import typer

from emotion_core.cli.console import Limit, app, ask, installation, shell_key, show
from emotion_core.cli.machine import user_name
from emotion_core.errors import PromotionRefusedError
from emotion_core.steps import promotion, rescoring
from emotion_core.steps.promotion import ALPHA, MINIMUM_IMAGES
from emotion_core.store import aliases, model_changes, models

models_app = typer.Typer(help="Model versions, the champion and its history.")
app.add_typer(models_app, name="models")

Alpha = Annotated[
    float,
    typer.Option(
        min=1e-9,
        max=0.2,
        help="Error rate over all candidates of a champion; at most 0.2.",
    ),
]
MinimumImages = Annotated[
    int,
    typer.Option(
        min=30, max=1_000_000, help="Held-out images that both models need in common; at least 30."
    ),
]
Reason = Annotated[str, typer.Option(help="Why; recorded with the change.")]


@models_app.callback(invoke_without_command=True)
def list_models(context: typer.Context) -> None:
    """Model versions and which is champion."""
    if context.invoked_subcommand:
        return
    show(
        ask("emotion_report", models.model_versions),
        *("model: name", "alias: aliases", "from run: run_key", "registered_at"),
    )


@models_app.command("history")
def show_history(
    limit: Limit = 20,
) -> None:
    """Every change of champion and challenger: who, when, why, from what."""
    show(
        ask("emotion_report", aliases.alias_changes, limit),
        *("when: changed_at", "alias", "change: kind"),
        ("from", lambda change: change.from_model or "none"),
        ("to", lambda change: change.to_model or "none"),
        *("by: changed_by", "why: reason"),
    )


@models_app.command("check")
def check(
    model: Annotated[str, typer.Argument(help="For example 'resnet50 v3'; see `emotion models`.")],
    alpha: Alpha = ALPHA,
    minimum_images: MinimumImages = MINIMUM_IMAGES,
) -> None:
    """Test a model against the champion with the promotion gate; exit code 1 when it fails.

    The champion stays. The check is recorded and counts as one of this champion's comparisons.
    """
    here = installation()
    gate = promotion.check_promotion(
        here, model, asked_by=user_name(), alpha=alpha, minimum_images=minimum_images
    )
    if not gate.is_passed:
        raise PromotionRefusedError(gate.verdict)
    print(gate.verdict)


@models_app.command("changed")
def show_change(
    before: Annotated[
        str, typer.Argument(help="The earlier champion; see `emotion models history`.")
    ],
    after: Annotated[str, typer.Argument(help="The champion that replaced it.")],
) -> None:
    """What a new champion changed, over the images that both scored."""
    change = ask("emotion_report", model_changes.model_change, before, after)
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
    if change.flips:
        show(
            change.flips,
            *("before: expression_before", "after: expression_after", "count_images"),
        )


@app.command()
def rescore(
    model: Annotated[str | None, typer.Option(help="Default: the champion.")] = None,
    images_per_second: Annotated[
        float, typer.Option(min=0, max=100_000, help="Rate limit; 0: no limit.")
    ] = 0.0,
    most_images: Annotated[
        int,
        typer.Option(min=0, max=1_000_000_000, help="Stop after about this many; 0: no limit."),
    ] = 0,
    run: Annotated[str | None, typer.Option(help="A run to continue.")] = None,
) -> None:
    """Score the archive again with the champion; old predictions stay."""
    run_key = run or shell_key()
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
        f"{done['count_missing']} no longer found; "
        + ("the whole archive is done" if done["is_whole"] else "more are left")
    )


@app.command()
def promote(
    model: Annotated[str, typer.Argument(help="For example 'resnet50 v3'; see `emotion models`.")],
    reason: Reason,
    alpha: Alpha = ALPHA,
    minimum_images: MinimumImages = MINIMUM_IMAGES,
    override: Annotated[str | None, typer.Option(help="Promote against the gate; why.")] = None,
) -> None:
    """Make a model the champion, which scores each night, if it passes the gate."""
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
    """Make the previous champion champion again."""
    name = promotion.roll_back(installation(), reason=reason, changed_by=user_name())
    print(f"{name} is champion again")


@app.command()
def challenge(
    reason: Reason,
    model: Annotated[
        str | None, typer.Argument(help="See `emotion models`; without it there is no challenger.")
    ] = None,
) -> None:
    """Make a model the challenger: it scores every night, too; the champion stays."""
    name = promotion.challenge(installation(), model, reason=reason, changed_by=user_name())
    print(f"{name} is challenger" if name else "no model is challenger")
