"""The models' page: what there is, who was champion and why, and what the gate refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from emotion_core.statistics.metrics import headlines
from emotion_core.store import aliases, gates, model_listing, models
from emotion_core.store.aliases import AliasChange
from emotion_core.store.gates import Gate
from emotion_core.store.model_listing import ListedModel

CHANGES_SHOWN: Final = 50


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
    refused: tuple[Gate, ...]
    metrics: Mapping[str, str] = field(default_factory=headlines)
    """Name and heading of the metrics on the page."""


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
        models=tuple(model_listing.listed_models(connection, list(headlines()))),
        changes=tuple(changes[:CHANGES_SHOWN]),
        count_more_changes=max(0, len(changes) - CHANGES_SHOWN),
        refused=tuple(gates.refused_gates(connection)),
    )
