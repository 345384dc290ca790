"""Our figures among Airflow's own metrics: StatsD or OpenTelemetry, whichever Airflow is set to.

Without either, nothing is sent and nothing fails.
"""

import logging
from collections.abc import Mapping
from typing import Final

PREFIX: Final = "emotion"

log = logging.getLogger(__name__)


def send_gauges(figures: Mapping[str, float]) -> None:
    """Send each figure as the gauge ``emotion.<name>``; a collector that is not there harms
    nothing."""
    from airflow.sdk.observability import stats

    try:
        for name, figure in figures.items():
            stats.gauge(f"{PREFIX}.{name}", float(figure))
    except Exception as error:  # whatever a collector's client raises is no reason to fail a night
        log.warning("metrics were not sent: %s", error)
