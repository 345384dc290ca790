"""The bytes of claimed content, read again from where they were delivered."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from emotion_core.errors import ImageRefused
from emotion_core.scoring.sources import read_delivered
from emotion_core.scoring.tally import Tally
from emotion_core.store.ledger import Claim, Refusal

PART_BYTES: Final = 32 * 1024 * 1024
"""Files read before they are decoded; bounds the memory when they are large."""


@dataclass
class Part:
    """Files of a few claims, and the claims whose files could not be had."""

    claims: list[Claim] = field(default_factory=list)
    files: list[bytes] = field(default_factory=list)
    """One for each claim."""
    refusals: list[Refusal] = field(default_factory=list)
    size: int = 0


def read_parts(claims: Sequence[Claim], tally: Tally) -> Iterator[Part]:
    """Read claimed files, a bounded number of bytes at a time; counts the seconds as ``read``.

    Raises:
        SourceUnreachableError: A store does not answer; this says nothing about its files.
    """
    part = Part()
    for claim in claims:
        try:
            with tally.timing("read"):
                data = read_claimed(claim)
        except ImageRefused as refused:
            part.refusals.append(Refusal(claim, refused.code, refused.detail))
            continue
        part.claims.append(claim)
        part.files.append(data)
        part.size += len(data)
        if part.size >= PART_BYTES:
            yield part
            part = Part()
    yield part


def read_claimed(claim: Claim) -> bytes:
    """The claimed content, from the newest place that still holds exactly those bytes.

    Raises:
        ImageRefused: No place does.
    """
    refusal = ImageRefused("missing_file", "no delivery of this content can be read any more")
    for source, path in claim.places:
        try:
            data, _ = read_delivered(source, path)
        except OSError:
            continue
        if hashlib.sha256(data).digest() == claim.sha256:
            return data
        refusal = ImageRefused(
            "changed_since_arrival", "the file holds other bytes than when it was taken in"
        )
    raise refusal
