"""The step that places a legal hold."""

from emotion_core.errors import ErasureError
from emotion_core.steps.erasure import claim_tombstone_key, parse_sha256
from emotion_core.steps.installation import Installation
from emotion_core.steps.sources import source_named
from emotion_core.store import holds


def place_hold(
    here: Installation,
    *,
    reason: str,
    placed_by: str,
    content: str | None = None,
    subject: str | None = None,
    source: str | None = None,
    dataset: str | None = None,
) -> tuple[int, int]:
    """Keep what is named from retention and erasure; returns the hold's id and how many
    images, files or samples of it are here already: it keeps what comes, too.

    One of ``content`` (64 hex digits), ``subject`` (the sender's key), ``source`` and
    ``dataset`` (its name) is given.

    Raises:
        ErasureError: Nothing was named, or it cannot be held.
    """
    named: dict[holds.Kind, str | None] = {
        "content": content,
        "subject": subject,
        "source": source,
        "dataset": dataset,
    }
    given = [kind for kind, value in named.items() if value]
    if len(given) != 1:
        raise ErasureError("name one of content, subject, source and dataset")
    key = claim_tombstone_key(here) if subject else None
    with here.database.transaction("emotion_erase") as connection:
        number = holds.place_hold(
            connection,
            kind=given[0],
            reason=reason,
            placed_by=placed_by,
            content=parse_sha256(content) if content else None,
            subject_hmac=key.subject(subject) if key and subject else None,
            source=source_named(here, source) if source else None,
            dataset=dataset,
        )
        return number, holds.count_held_now(connection, number)
