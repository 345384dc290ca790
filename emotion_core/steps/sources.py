"""Steps of sources: under which name one is known, and what its images are for."""

import logging
from pathlib import Path

from emotion_core.files import folder_at, is_address, place_named, real_name
from emotion_core.steps.installation import Installation
from emotion_core.store import erasure, sources

log = logging.getLogger(__name__)


def record_source(
    here: Installation,
    source: str,
    purpose: str,
    *,
    recorded_by: str,
    basis: str | None = None,
    basis_note: str | None = None,
) -> sources.SourcePurpose:
    """Record what a source's images are for.

    Raises:
        ProhibitedUseError: No such purpose or basis, or a basis without what it rests on.
        PlaceError: It names no place.
    """
    named = source_named(here, source)
    stated = sources.SourcePurpose(named, purpose, basis, basis_note, recorded_by)
    with here.database.transaction("emotion_erase") as connection:
        sources.record_purpose(connection, stated)
    return stated


def record_source_once(here: Installation, source: str, purpose: str, *, recorded_by: str) -> None:
    """Record what a source's images are for, where nobody has said so."""
    with here.database.transaction("emotion_erase") as connection:
        recorded = {found.source for found in sources.purposes(connection) if found.recorded_at}
    if source_named(here, source) not in recorded:
        record_source(here, source, purpose, recorded_by=recorded_by)


def knows_source(here: Installation, source: str) -> bool:
    """Whether a batch has scanned a source, or a folder inside of it."""
    named = place_named(source)
    with here.database.transaction("emotion_erase") as connection:
        known = erasure.known_sources(connection)
    return any(name == named or name.startswith(named.rstrip("/") + "/") for name in known)


def source_named(here: Installation, written: str) -> str:
    """A source under the name that batches and purposes have it by, however it is spelt.

    Raises:
        PlaceError: It names no place.
    """
    place = folder_at(written) if written and Path(written).is_dir() else place_named(written)
    with here.database.transaction("emotion_report") as connection:
        known = [here.settings.inbox, *(p.source for p in sources.purposes(connection))]
    if is_address(place) or place in known:
        return place
    real = real_name(place)
    return next((name for name in known if real_name(name) == real), real)


def require_permitted(here: Installation, source: str) -> None:
    """Stop before images are scored for a prohibited use; warns where no purpose is recorded.

    Raises:
        ProhibitedUseError: The source is for work or education, without a basis.
    """
    with here.database.transaction("emotion_score") as connection:
        found = sources.require_permitted(connection, source)
    if found.purpose == sources.UNSTATED:
        log.warning(
            "no purpose is recorded for %s; record it: emotion source set %s --purpose research",
            source,
            source,
        )
