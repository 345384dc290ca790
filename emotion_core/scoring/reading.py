"""The bytes of claimed content, read again from where they were delivered."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final

from emotion_core.errors import ImageRefused
from emotion_core.scoring.sources import get_source
from emotion_core.scoring.tally import Tally
from emotion_core.store.ledger import Claim, Refusal

READ_BYTES: Final = 32 * 1024 * 1024
"""Files read before they are decoded; bounds the memory when they are large."""


def read_claims(
    claims: Sequence[Claim], refusals: list[Refusal], tally: Tally
) -> Iterator[tuple[list[Claim], list[bytes]]]:
    """Claims with the bytes of each, at most about :data:`READ_BYTES` at a time.

    Args:
        claims: What to read.
        refusals: Those whose files cannot be read are appended here instead.
        tally: Counts the seconds as ``read``.

    Raises:
        SourceUnreachableError: A store does not answer; this says nothing about its files.
    """
    readable: list[Claim] = []
    files: list[bytes] = []
    for claim in claims:
        try:
            with tally.timing("read"):
                files.append(read_claimed(claim))
        except ImageRefused as refused:
            refusals.append(Refusal(claim, refused.code, refused.detail))
            continue
        readable.append(claim)
        if sum(map(len, files)) >= READ_BYTES:
            yield readable, files
            readable, files = [], []
    yield readable, files


def read_claimed(claim: Claim) -> bytes:
    """The claimed content, from the newest place that still holds exactly those bytes.

    Raises:
        ImageRefused: No place does.
    """
    refusal = ImageRefused("missing_file", "no delivery of this content can be read any more")
    for source, path in claim.places:
        try:
            data, _ = get_source(source).read(path)
        except OSError:
            continue
        if hashlib.sha256(data).digest() == claim.sha256:
            return data
        refusal = ImageRefused(
            "changed_since_arrival", "the file holds other bytes than when it was ingested"
        )
    raise refusal
