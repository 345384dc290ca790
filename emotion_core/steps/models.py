"""Steps of comparing models and choosing the champion."""

import logging
from datetime import UTC, datetime

from emotion_core.errors import StoreError
from emotion_core.names import folder_name
from emotion_core.steps.installation import Installation
from emotion_core.store import models, reports

log = logging.getLogger(__name__)


class ModelSteps(Installation):
    """From registered runs to a report and a champion."""

    def compare(self, group_key: str) -> str:
        """Render the comparison of a group's runs from the tables; returns the page's path.

        Raises:
            ReportError: The group has no run.
        """
        from emotion_core.reporting.comparison import read_comparison
        from emotion_core.reporting.render import render_comparison

        made_at = datetime.now(UTC)
        with self.database.transaction("emotion_report") as connection:
            # One snapshot: a report must not mix rows from before and after a write.
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            comparison = read_comparison(connection, group_key, made_at)
        folder = self.settings.reports_dir / folder_name(group_key)
        page = render_comparison(comparison, folder)
        with self.database.transaction("emotion_report") as connection:
            reports.record_report(
                connection,
                reports.ReportRecord(
                    group_key=group_key,
                    folder=str(folder),
                    verdict=comparison.summary,
                    count_runs=len(comparison.runs),
                    rendered_at=made_at,
                ),
            )
        log.info("%s", comparison.summary)
        return str(page)

    def promote(self, model_name: str, *, reason: str, changed_by: str) -> str:
        """Make a model the champion; returns its name.

        Raises:
            StoreError: No such model, or the champion was moved meanwhile.
        """
        with self.database.transaction("emotion_train") as connection:
            chosen = models.chosen_model(connection, model_name)
            current = models.current_model(connection)
            if current is None or current.id != chosen.id:
                models.set_model_alias(
                    connection,
                    alias="champion",
                    from_id=current.id if current else None,
                    to_id=chosen.id,
                    reason=reason,
                    changed_by=changed_by,
                )
        return chosen.name

    def promote_better(self, group_key: str, *, changed_by: str) -> str:
        """Make the better network of a group the champion; returns its name.

        Better is the higher mean of macro F1 and mean CCC, the score that also picks epochs.
        That a lead is beyond chance is not asked here; the report's verdict on it, where there is
        one, is kept with the change.

        Raises:
            StoreError: The group has no registered model.
        """
        from emotion_core.metrics import selection_score

        with self.database.transaction("emotion_report") as connection:
            scores = models.run_scores(connection, group_key)
            if not scores:
                raise StoreError(f"no model of {group_key!r} is registered")
            best = max(scores, key=lambda model_id: selection_score(scores[model_id]))
            name = models.model_versions(connection, id=best)[0].name
            verdicts = [report.verdict for report in reports.reports(connection, group_key)]
        reason = (
            f"highest mean of macro F1 and CCC in {group_key}, "
            f"{selection_score(scores[best]):.3f}. " + " ".join(verdicts)
        )
        return self.promote(name, reason=reason.strip(), changed_by=changed_by)
