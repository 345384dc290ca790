"""What each source of images may be used for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from emotion_core.errors import ProhibitedUseError
from emotion_core.files import real_name
from emotion_core.store.queries import execute, rows

PROHIBITED: Final = ("workplace", "education")
"""Without a basis: EU AI Act (Regulation 2024/1689), Article 5(1)(f)."""
PURPOSES: Final = ("research", "medical", "safety", "quality", *PROHIBITED, "other")
BASES: Final = ("medical", "safety")
UNSTATED: Final = "unstated"


@dataclass(frozen=True)
class SourcePurpose:
    """What somebody recorded of one source."""

    source: str
    purpose: str
    """``unstated`` where nobody did."""
    basis: str | None = None
    basis_note: str | None = None
    recorded_by: str | None = None
    recorded_at: datetime | None = None

    @property
    def is_prohibited(self) -> bool:
        """Whether scoring it is refused."""
        return self.purpose in PROHIBITED and self.basis is None


def record_purpose(connection: Connection, stated: SourcePurpose) -> None:
    """Record a source's purpose; what was recorded before is kept in its own table.

    Args:
        connection: Transaction of role ``emotion_erase``.
        stated: With a purpose of :data:`PURPOSES`; a basis, one of :data:`BASES`, goes with a note
            on what it rests on.

    Raises:
        ProhibitedUseError: No such purpose or basis, or a basis without what it rests on.
    """
    purpose, basis = stated.purpose, stated.basis
    if purpose not in PURPOSES:
        raise ProhibitedUseError(
            f"there is no purpose {purpose!r}; there are: {', '.join(PURPOSES)}"
        )
    if basis is not None and basis not in BASES:
        raise ProhibitedUseError(f"{basis!r} is no basis; there are: {', '.join(BASES)}")
    if (basis is None) != (not (stated.basis_note or "").strip()):
        raise ProhibitedUseError(
            "a basis goes with what it rests on: --basis medical --note 'decision 12/2026'"
        )
    note = stated.basis_note if basis else None
    execute(connection, "record_source_purpose", **(vars(stated) | {"basis_note": note}))


def purposes(connection: Connection) -> list[SourcePurpose]:
    """Every source that is known, recorded or not."""
    return rows(connection, "source_purposes", SourcePurpose)


def require_permitted(connection: Connection, source: str) -> SourcePurpose:
    """The purpose that holds for a source, unless its use is prohibited.

    A folder takes the purpose of the nearest recorded folder above it. A folder above a prohibited
    one is refused with it: its files lie inside.

    Raises:
        ProhibitedUseError: The source, or one inside it, is for work or education without a basis.
    """
    recorded = rows(connection, "recorded_purposes", SourcePurpose)
    holds = _nearest(recorded, source)
    inside = [other for other in recorded if other.is_prohibited and _lies_in(other.source, source)]
    for refused in [holds, *inside]:
        if refused.is_prohibited:
            raise ProhibitedUseError(
                f"{refused.source} is recorded for {refused.purpose}: inferring emotions there is "
                "prohibited in the EU (AI Act, Article 5(1)(f)) but for medical or safety reasons. "
                "Where there is such a reason, record it: `emotion source set "
                f"{refused.source} --purpose {refused.purpose} --basis medical --note …`"
            )
    return holds


def _nearest(recorded: Sequence[SourcePurpose], source: str) -> SourcePurpose:
    """What was recorded of a source or, failing that, of the nearest folder above it."""
    above = [
        other
        for other in recorded
        if real_name(source) == real_name(other.source) or _lies_in(source, other.source)
    ]
    return max(above, key=lambda other: len(other.source), default=SourcePurpose(source, UNSTATED))


def _lies_in(source: str, folder: str) -> bool:
    return real_name(source).startswith(real_name(folder).rstrip("/") + "/")
