"""What a look at the night found, as plain numbers for whoever draws curves of them."""

from emotion_core.steps.installation import Installation
from emotion_core.store import health


def health_gauges(here: Installation, check_key: str) -> dict[str, float]:
    """Measure to value, of one look: ``freshness_hours``, ``backlog_hours``, ``refused_share``
    and what else was measured against a fixed limit. A measure of two references has the
    reference behind its name: ``psi_expression.recent``."""
    with here.database.transaction("emotion_report") as connection:
        rows = health.health_measurements(connection, check_key)
    measured = [row for row in rows if row.value is not None]
    names = [row.measure for row in measured]
    return {
        row.measure if names.count(row.measure) == 1 else f"{row.measure}.{row.against}": float(
            row.value or 0.0
        )
        for row in measured
    }
