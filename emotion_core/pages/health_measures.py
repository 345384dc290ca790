"""The measures of health: what people call them and how their values are written."""

from typing import Final

from emotion_core.comparison import formatting

MEASURES: Final = {
    "psi_expression": "Expression mix, PSI",
    "js_expression": "Expression mix, Jensen–Shannon",
    "ks_valence": "Valence, KS",
    "ks_arousal": "Arousal, KS",
    "expected_accuracy": "Expected accuracy",
    "refused_share": "Refused files",
    "freshness_hours": "Age of the newest prediction",
    "backlog_hours": "Longest wait for a worker",
}
"""What each measure is called; ``docs/scoring/drift_and_health.md`` says how it is made."""


def measure_name(measure: str) -> str:
    """What a measure is called; its own name if a newer release made it."""
    return MEASURES.get(measure, measure)


def measured(value: float | None, measure: str) -> str:
    """A measure's value as people read it: a time, a share in percent, or a distance."""
    if value is None:
        return formatting.NOTHING
    if measure.endswith("_hours") and 0 < value < 1:
        return formatting.duration(3600 * value)
    if measure.endswith("_hours"):
        return f"{formatting.rounded(value)}{formatting.NARROW_SPACE}h"
    if measure in ("refused_share", "expected_accuracy"):
        return formatting.percent(value, 1)
    return formatting.score(value)
