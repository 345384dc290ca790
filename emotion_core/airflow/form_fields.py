"""Fields of the DAGs' trigger forms: one function per kind, and those that several forms share."""

from typing import Any

from airflow.sdk import Param


def text_field(
    title: str, help_text: str, *, most: int | None = None, lines: bool = False, **schema: Any
) -> Param:
    """An optional text; None where it stays empty.

    Args:
        title: Above the field.
        help_text: Below it.
        most: Characters that it may have.
        lines: Whether the form shows several lines.
        schema: Further keywords of JSON Schema, and Airflow's ``section`` and ``values_display``.
    """
    schema |= {"format": "multiline"} if lines else {}
    schema |= {"maxLength": most} if most else {}
    return Param(None, type=["null", "string"], title=title, description=help_text, **schema)


def number_field(
    title: str,
    help_text: str,
    default: float | None,
    low: float,
    high: float,
    *,
    kind: str = "integer",
    above: bool = False,
    **schema: Any,
) -> Param:
    """A number in a range, which its help text states.

    Args:
        title: Above the field, with the unit.
        help_text: Below it, before the range.
        default: None where the field may stay empty.
        low: The least value.
        high: The greatest value.
        kind: ``integer`` or ``number``.
        above: Whether the value must be greater than ``low``.
        schema: Further keywords of JSON Schema, and Airflow's ``section``.
    """
    limits = f"above {low:,} and at most {high:,}" if above else f"{low:,} to {high:,}"
    schema["exclusiveMinimum" if above else "minimum"] = low
    return Param(
        default,
        type=kind if default is not None else ["null", kind],
        title=title,
        description=f"{help_text} Range: {limits}.",
        maximum=high,
        **schema,
    )


def model_field(help_text: str) -> Param:
    """The name of a model version."""
    return text_field("Model", f"For example resnet50 v3. {help_text}", most=200)


def reason_field() -> Param:
    """Why the champion changes."""
    help_text = "Why the champion changes; stored with the change."
    return text_field("Reason", help_text, most=2000, lines=True)


def refused_share_field(help_text: str) -> Param:
    """The limit on a batch's share of refused files."""
    return number_field("Limit on refused files (share)", help_text, 0.2, 0, 1, kind="number")
