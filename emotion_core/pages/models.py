"""The models' page: what there is, who was champion and why, and what the gate refused."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from emotion_core.statistics.metrics import METRICS
from emotion_core.store import aliases, model_listing, models
from emotion_core.store.aliases import AliasChange
from emotion_core.store.model_listing import ListedModel, RefusedGate

HEADLINES: Final = ("accuracy", "macro_f1", "ccc_valence", "ccc_arousal")
"""The metrics on the page."""

CHANGES_SHOWN: Final = 50
_SHORT_TITLES: Final = {"ccc_valence": "CCC valence", "ccc_arousal": "CCC arousal"}


@dataclass(frozen=True)
class ModelsPage:
    """What the page shows."""

    made_at: datetime
    champion: str | None
    challenger: str | None
    before: str | None
    """Where a rollback would lead; None where there is nothing to go back to."""
    models: tuple[ListedModel, ...]
    changes: tuple[AliasChange, ...]
    count_more_changes: int
    refused: tuple[RefusedGate, ...]
    metrics: tuple[str, ...] = HEADLINES
    titles: tuple[str, ...] = tuple(
        _SHORT_TITLES.get(name, METRICS[name].label) for name in HEADLINES
    )


def read_models(connection: Any, made_at: datetime) -> ModelsPage:
    """Read the page from the tables.

    Args:
        connection: Transaction that sees one snapshot.
        made_at: Stands on the page.
    """
    champion = models.current_model(connection)
    challenger = models.current_model(connection, "challenger")
    undoable = aliases.change_to_undo(connection)
    before = None
    if champion is not None and undoable is not None and undoable.from_id is not None:
        before = models.model_versions(connection, id=undoable.from_id)[0].name
    changes = aliases.alias_changes(connection, CHANGES_SHOWN + 1)
    return ModelsPage(
        made_at=made_at,
        champion=champion.name if champion else None,
        challenger=challenger.name if challenger else None,
        before=before,
        models=tuple(model_listing.listed_models(connection, HEADLINES)),
        changes=tuple(changes[:CHANGES_SHOWN]),
        count_more_changes=max(0, len(changes) - CHANGES_SHOWN),
        refused=tuple(model_listing.refused_gates(connection)),
    )
