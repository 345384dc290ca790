"""Steps of choosing the champion: the gate, the switch, the way back, and who challenges it.

Every door leads through :func:`switch_champion` and from there through one
function of the database, which asks for the gate again.
"""

import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

from emotion_core.errors import EmotionError, PromotionRefusedError, ReportError, StoreError
from emotion_core.steps.installation import Installation
from emotion_core.store import aliases, gates, models, reports, training_runs
from emotion_core.store.gates import Gate
from emotion_core.store.models import ModelVersion

log = logging.getLogger(__name__)

ALPHA = 0.05
"""Below this p a difference counts as more than chance."""
MINIMUM_IMAGES = 100
"""With fewer images held out by both models nothing is concluded."""


def check_promotion(
    here: Installation,
    model_name: str,
    *,
    asked_by: str,
    alpha: float = ALPHA,
    minimum_images: int = MINIMUM_IMAGES,
) -> Gate:
    """Hold a model against the champion and keep what was measured, passed or not.

    Args:
        model_name: The candidate.
        asked_by: The person.
        alpha: Above 0, at most 0.2; see :func:`emotion_core.comparison.gate.shortfalls`.
        minimum_images: At least 30; with fewer images held out by both it is refused.

    Raises:
        PromotionRefusedError: It is champion already, or a limit is out of its range.
        StoreError: No such model.
    """
    from emotion_core.comparison.gate import PairedFigures, paired_figures, verdict

    if not (0 < alpha <= 0.2 and minimum_images >= 30):
        raise PromotionRefusedError(
            f"alpha {alpha} and at least {minimum_images} images cannot be asked for: alpha is "
            "above 0 and at most 0.2, the images at least 30"
        )
    with here.database.transaction("emotion_report") as connection:
        candidate = models.chosen_model(connection, model_name)
        champion = models.current_model(connection)
        if champion is not None and champion.id == candidate.id:
            raise PromotionRefusedError(f"{candidate.name} is champion already")
        both = None
        if champion is not None:
            both = gates.held_out_by_both(connection, candidate.id, champion.id)
        collapse = _collapse(connection, candidate)
    figures = paired_figures(*both) if both else PairedFigures(count_images=0)
    golden, detail = _golden(here, candidate)
    with here.database.transaction("emotion_train") as connection:
        gate = gates.record_gate(
            connection,
            {
                **asdict(figures),
                "model_version_id": candidate.id,
                "champion_id": champion.id if champion else None,
                "golden": golden,
                "golden_detail": detail,
                "collapse": collapse,
                "alpha": alpha,
                "minimum_images": minimum_images,
                "asked_by": asked_by,
            },
        )
    log.info("gate %d: %s", gate.id, verdict(gate))
    return gate


def ask_for_promotion(
    here: Installation,
    *,
    model: str | None,
    asked_by: str,
    alpha: float,
    minimum_images: int,
    override: str | None,
    **_: Any,
) -> dict[str, int | str]:
    """The gate for a filled-in form; returns its number and verdict for the approver.

    Raises:
        PromotionRefusedError: The gate refuses and the form says nothing of an override; or as
            :func:`check_promotion`.
        StoreError: No such model.
    """
    gate = check_promotion(
        here, model or "", asked_by=asked_by, alpha=alpha, minimum_images=minimum_images
    )
    verdict = verdict_on(here, gate)
    if not gate.is_passed and not override:
        raise PromotionRefusedError(verdict)
    return {"gate_id": gate.id, "verdict": verdict[:800]}


def verdict_on(here: Installation, gate: Gate) -> str:
    """What a gate says, in a few sentences."""
    from emotion_core.comparison.gate import verdict

    return verdict(gate)


def switch_champion(
    here: Installation, gate_id: int, *, reason: str, changed_by: str, override: str | None = None
) -> str:
    """Make a checked model the champion; returns its name. Repeating it changes nothing.

    Args:
        gate_id: From :func:`check_promotion`, at most seven days ago.
        reason: Kept with the change.
        changed_by: The person who decides; kept.
        override: Why a model that the gate refused becomes champion all the same. A model
            that no longer gives its own stored answers cannot, whatever is said here.

    Raises:
        PromotionRefusedError: The gate refused it; names each figure that fell short.
        StoreError: The champion was moved since the gate.
    """
    from emotion_core.comparison.gate import verdict

    with here.database.transaction("emotion_train") as connection:
        gate = gates.gate_by_id(connection, gate_id)
        if gate.is_used:
            return gate.candidate
        if not gate.is_passed and not override:
            raise PromotionRefusedError(verdict(gate))
        is_override = not gate.is_passed
        aliases.move_champion(
            connection,
            gate,
            is_override=is_override,
            reason=f"{override} (asked for: {reason})" if is_override else reason,
            changed_by=changed_by,
        )
    log.info("%s is champion in place of %s", gate.candidate, gate.champion or "none")
    return gate.candidate


def promote(
    here: Installation,
    model_name: str,
    *,
    reason: str,
    changed_by: str,
    alpha: float = ALPHA,
    minimum_images: int = MINIMUM_IMAGES,
    override: str | None = None,
) -> str:
    """Hold a model against the champion and put it in its place; returns its name.

    The arguments are those of :func:`check_promotion` and :func:`switch_champion`; the
    champion itself stays champion.

    Raises:
        PromotionRefusedError: The gate refused it; names each figure that fell short.
        StoreError: No such model, or the champion was moved meanwhile.
    """
    with here.database.transaction("emotion_report") as connection:
        chosen = models.chosen_model(connection, model_name)
        if "champion" in chosen.aliases:
            return chosen.name
    gate = check_promotion(
        here, model_name, asked_by=changed_by, alpha=alpha, minimum_images=minimum_images
    )
    return switch_champion(here, gate.id, reason=reason, changed_by=changed_by, override=override)


def promote_better(here: Installation, group_key: str, *, changed_by: str) -> str:
    """Make the better network of a group the champion, if the gate lets it; returns its name.

    Better is the higher mean of macro F1 and mean CCC, the score that also picks epochs. The
    report's verdict on the lead, where there is one, is kept with the change.

    Raises:
        PromotionRefusedError: The gate refused it.
        StoreError: The group has no registered model.
    """
    from emotion_core.statistics.metrics import selection_score

    with here.database.transaction("emotion_report") as connection:
        scores = models.run_scores(connection, group_key)
        if not scores:
            raise StoreError(f"no model of {group_key!r} is registered")
        best = max(scores, key=lambda model_id: selection_score(scores[model_id]))
        name = models.model_versions(connection, id=best)[0].name
        verdicts = [report.verdict for report in reports.reports(connection, group_key)]
    reason = (
        f"highest mean of macro F1 and CCC in {group_key}, "
        f"{selection_score(scores[best]):.3f}. " + " ".join(verdicts)
    )
    return promote(here, name, reason=reason.strip(), changed_by=changed_by)


def roll_back(
    here: Installation, *, reason: str, changed_by: str, run_key: str | None = None
) -> str:
    """Make the champion before champion again; returns its name.

    Once more leads one promotion further back, never forth.

    Args:
        reason: Kept with the change.
        changed_by: The person, kept too.
        run_key: Kept with the reason, so that a retry finds what its run did already.

    Raises:
        PromotionRefusedError: There was none before, or it no longer gives its own answers.
        StoreError: The champion was moved meanwhile.
    """
    if run_key is not None:
        reason = f"{reason} ({run_key})"
    with here.database.transaction("emotion_report") as connection:
        for change in aliases.alias_changes(connection, 100) if run_key else ():
            if (change.kind, change.reason) == ("rollback", reason):
                return str(change.to_model)
        undoable = aliases.change_to_undo(connection)
        if undoable is None or undoable.from_id is None:
            raise PromotionRefusedError("there is no champion before the present one to go back to")
        before = models.model_versions(connection, id=undoable.from_id)[0]
    golden, detail = _golden(here, before)
    if golden == "failed":
        raise PromotionRefusedError(f"cannot go back to {before.name}: {detail}")
    with here.database.transaction("emotion_train") as connection:
        aliases.roll_back_champion(connection, undoable, reason=reason, changed_by=changed_by)
    log.info("%s is champion again", before.name)
    return before.name


def challenge(
    here: Installation, model_name: str | None, *, reason: str, changed_by: str
) -> str | None:
    """Let a model score each night beside the champion, or (None) no model any more.

    Raises:
        PromotionRefusedError: It is the champion.
        StoreError: No such model, or the challenger was changed meanwhile.
    """
    with here.database.transaction("emotion_train") as connection:
        present = models.current_model(connection, "challenger")
        wanted = models.chosen_model(connection, model_name) if model_name else None
        if wanted is not None and "champion" in wanted.aliases:
            raise PromotionRefusedError(f"{wanted.name} is the champion")
        if (present and present.id) != (wanted and wanted.id):
            aliases.move_challenger(
                connection,
                from_id=present.id if present else None,
                to_id=wanted.id if wanted else None,
                reason=reason,
                changed_by=changed_by,
            )
    return wanted.name if wanted else None


def _golden(here: Installation, model: ModelVersion) -> tuple[str, str]:
    """Whether the folder still holds the registered model, and it gives its own answers."""
    from emotion_core.vision.checkpoint import read_description
    from emotion_core.vision.golden_outputs import GOLDEN_FILE
    from emotion_core.vision.scorer import Scorer

    folder = Path(model.folder)
    try:
        # The scorer compares the file of weights with this digest.
        if read_description(folder).weights_sha256 != model.weights_sha256:
            return "failed", f"{folder} holds other weights than {model.name} had"
        Scorer(folder, device=here.settings.device).close()
    except EmotionError as error:
        return "failed", str(error)
    if not (folder / GOLDEN_FILE).exists():
        return "missing", f"{folder} holds no {GOLDEN_FILE}; train again"
    return "passed", "the stored answers came back"


def _collapse(connection: Any, candidate: ModelVersion) -> str | None:
    """Why the candidate's own held-out predictions are of no use; None when they are of some."""
    import numpy as np

    from emotion_core.statistics.predictions import Evaluation
    from emotion_core.training.degenerate_model import why_degenerate
    from emotion_core.vision.scores import Scores

    run = training_runs.run_by_key(connection, candidate.run_key)
    assert run is not None  # noqa: S101  - every model version has its run
    try:
        held_out = Evaluation.from_frame(training_runs.validation_predictions(connection, run.id))
    except ReportError as nothing:
        return str(nothing)
    return why_degenerate(
        held_out.truth,
        held_out.truth_va,
        Scores(held_out.probabilities.astype(np.float32), held_out.va.astype(np.float32)),
        # Recipes of every release that ever trained lie in the tables.
        learns_affect=any(run.recipe.get(name, 0) for name in ("affect_weight", "ccc_weight")),
    )
