"""How numbers and foreign text are written on a page: one place, so that no two look different.

Scores lose their leading zero and use a true minus, as the field prints them; units are joined by
a narrow no-break space.
"""

import math
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from emotion_core.statistics.intervals import SIGNIFICANCE

MINUS: Final = "−"
NARROW_SPACE: Final = "\u202f"
NO_BREAK_SPACE: Final = "\u00a0"
NOTHING: Final = "–"
"""Stands where there is no value."""


_KEPT_CONTROLS: Final = frozenset("\n\t")
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def score(value: float | None, digits: int = 3) -> str:
    """``.412``, ``−.032``, ``1.000``; a dash for nothing and for NaN."""
    if value is None or math.isnan(value):
        return NOTHING
    text = f"{abs(value):.{digits}f}"
    sign = MINUS if value < 0 and float(text) != 0 else ""
    return sign + (text[1:] if text.startswith("0.") else text)


def signed(value: float | None, digits: int = 3) -> str:
    """``+.132``, ``−.012``; zero stands without a sign."""
    text = score(value, digits)
    positive = value is not None and value > 0 and text.strip(".0") != ""
    return f"+{text}" if positive else text


def interval(low: float | None, high: float | None, digits: int = 3) -> str:
    """``.372–.452``, or ``−.032 to .049`` where a minus would meet the dash."""
    if low is None or high is None:
        return NOTHING
    first, last = score(low, digits), score(high, digits)
    if MINUS in first + last:
        return f"{first} to {last}"
    return f"{first}–{last}"


def p_figure(p: float) -> str:
    """A p value for a column headed p: ``< .001``, ``.032``, ``.45``, ``> .99``.

    Beside the limit it has as many digits as it takes to see its side: ``.04999``, ``.0504``.
    """
    if p < 0.001:
        return f"<{NO_BREAK_SPACE}.001"
    if p > 0.99:
        return f">{NO_BREAK_SPACE}.99"
    digits = 3 if p < 0.1 else 2
    while digits < 15 and float(f"{p:.{digits}f}") == SIGNIFICANCE != p:
        digits += 1
    return score(p, digits)


def p_value(p: float) -> str:
    """A p value in a sentence: ``p < .001``, ``p = .032``."""
    figure = p_figure(p)
    sign = "" if figure[0] in "<>" else f"={NO_BREAK_SPACE}"
    return f"p{NO_BREAK_SPACE}{sign}{figure}"


def count(value: float) -> str:
    """``1,234``."""
    return f"{value:,.0f}"


def percent(share: float, digits: int = 0) -> str:
    """``62 %`` of 0.62."""
    return f"{100 * share:.{digits}f}{NARROW_SPACE}%"


def rounded(value: float | None, unit: float = 1) -> str:
    """Three significant digits, never as a power of ten: ``4.09``, ``0.385``, ``1,230``.

    Args:
        value: What to write; a dash for nothing.
        unit: What it is counted in, as ``1e6`` for millions.
    """
    if value is None:
        return NOTHING
    value = value / unit
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"


def per_second(value: float | None) -> str:
    """``128 images/s``."""
    return NOTHING if value is None else f"{rounded(value)}{NARROW_SPACE}images/s"


def megabytes(count: float | None) -> str:
    """``98.2 MB`` of bytes."""
    return NOTHING if count is None else f"{rounded(count, 1e6)}{NARROW_SPACE}MB"


def points(share: float) -> str:
    """Percentage points of a difference of shares: ``+4``, ``−12``; empty when it rounds to 0."""
    whole = round(100 * share)
    return "" if whole == 0 else f"{'+' if whole > 0 else MINUS}{abs(whole)}"


def duration(seconds: float | None) -> str:
    """``4.2 s``, ``43 s``, ``12 min 5 s``, ``1 h 12 min``."""
    if seconds is None:
        return NOTHING
    if seconds < 10:
        return f"{seconds:.1f}{NARROW_SPACE}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest}{NARROW_SPACE}s"
    hours, minutes_left = divmod(minutes, 60)
    if hours == 0:
        return f"{minutes}{NARROW_SPACE}min {rest}{NARROW_SPACE}s"
    return f"{hours}{NARROW_SPACE}h {minutes_left}{NARROW_SPACE}min"


def moment(time: datetime | None) -> str:
    """``22 November 2026, 19:36 UTC``; a time without a zone is taken for UTC."""
    if time is None:
        return NOTHING
    utc = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    return f"{utc.day} {_MONTHS[utc.month - 1]} {utc.year}, {utc:%H:%M} UTC"


def setting(value: object) -> str:
    """A recipe's value as people write it: ``0.0001``, ``1e−8``, ``yes``; text as it is."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        mantissa, _, exponent = f"{value:g}".partition("e")
        text = f"{mantissa}e{int(exponent)}" if exponent else mantissa
        return text.replace("-", MINUS)
    return visible(str(value))


def listing(names: Sequence[str], last: str = "and") -> str:
    """``A``, ``A and B``, ``A, B and C``."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {last} {names[-1]}"


def visible(text: str, limit: int = 2000) -> str:
    """Foreign text with nothing hidden in it: at most ``limit`` characters, controls spelt out.

    Direction marks, zero-width characters, lone surrogates and other controls become ``\\u202e``
    and the like, so that what is read is what is there.
    """
    shown = "".join(_spelt(character) for character in text[:limit])
    if len(text) > limit:
        return f"{shown} … ({count(len(text))} characters)"
    return shown


# Written out: strftime's month names follow the machine's locale.
_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def _spelt(character: str) -> str:
    if character in _KEPT_CONTROLS or unicodedata.category(character) not in _HIDDEN:
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
