"""Reports that nobody asks for: the newest night, and new models beside the champion."""

import logging
from typing import Final

from emotion_core.errors import NoChampionError
from emotion_core.steps.installation import Installation
from emotion_core.steps.reports import compare_runs, report_night
from emotion_core.store import health, models, reports

log = logging.getLogger(__name__)

NEWEST: Final = 7
"""Models that are compared: with the champion they fill one report."""


def report_latest_night(here: Installation) -> str | None:
    """Render the short report of the inbox's newest night; rendered again it is replaced.

    Returns:
        The page's path; None before the first night.
    """
    with here.database.transaction("emotion_report") as connection:
        latest = health.latest_night(connection, here.settings.inbox)
    return None if latest is None else report_night(here, latest.run_key)


def compare_with_champion(here: Installation) -> str | None:
    """Render one report of the champion and the newest models that no report holds against it.

    What is left to compare is a query: it does not matter where a model was registered, and
    nothing is compared twice.

    Returns:
        The page's path; None when every new model stands in a report with this champion.

    Raises:
        NoChampionError: No model has been promoted yet.
    """
    with here.database.transaction("emotion_report") as connection:
        champion = models.current_model(connection)
        newest = models.model_versions(connection)[:NEWEST]
        rendered = reports.reports(connection)
    if champion is None:
        raise NoChampionError("no model is champion yet: there is nothing to compare with")
    seen = {
        run_key
        for report in rendered
        if champion.run_key in report.run_keys
        for run_key in (*report.run_keys, champion.run_key)
    }
    new = [one.name for one in newest if one.run_key not in seen | {champion.run_key}]
    if not new:
        log.info("every new model stands in a report with %s already", champion.name)
        return None
    log.info("%s against the champion %s", ", ".join(new), champion.name)
    return compare_runs(here, [champion.name, *new])
