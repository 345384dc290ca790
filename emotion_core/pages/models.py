"""The models' page: what there is, who was champion and why, and what the gate refused."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from emotion_core.comparison import formatting
from emotion_core.pages.comparison_report import FRAMED, SORTING, render_page
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
    metrics: Mapping[str, str] = field(default_factory=lambda: headlines())
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


def render_models(
    page: ModelsPage,
    *,
    root: str,
    report_link: Callable[[str], str],
    press: str | None = None,
) -> str:
    """The page as HTML.

    Args:
        page: What it shows.
        root: From the page to where its neighbours lie.
        report_link: The address of a report by its key, from ``root``.
        press: Names this showing, in the forms; None shows no forms.
    """
    return render_page(
        "models.html",
        scripts=(SORTING, FRAMED),
        page=page,
        root=root,
        report_link=report_link,
        press=press,
        figure_of=figure_of,
        form_action="'self'",
        referrer="same-origin",
    )


def figure_of(figure: str, value: float | None) -> str:
    """A gate's figure as people read it: images are counted, everything else is a score."""
    if value is None:
        return formatting.NOTHING
    return formatting.count(value) if figure == "images" else formatting.score(value)
