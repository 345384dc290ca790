"""Our metrics beside Airflow's own: StatsD or OpenTelemetry, whichever Airflow is set to.

Without either, nothing is sent and nothing fails.
"""

import logging
from collections.abc import Mapping

log = logging.getLogger(__name__)


def send_gauges(values: Mapping[str, float]) -> None:
    """Send each value as the gauge ``emotion.<name>``; a missing collector fails nothing."""
    from airflow.sdk.observability import stats

    try:
        for name, value in values.items():
            stats.gauge(f"emotion.{name}", float(value))
    except Exception as error:  # whatever a collector's client raises must not fail a night
        log.warning("metrics were not sent: %s", error)
