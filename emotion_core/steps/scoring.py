"""Steps of a scoring run: open the batch, score, close."""

import logging
import socket
from dataclasses import asdict
from pathlib import Path
from typing import Any

from emotion_core.errors import ScoringError
from emotion_core.steps.privacy import PrivacySteps
from emotion_core.store import batches, models, retries

log = logging.getLogger(__name__)


class ScoringSteps(PrivacySteps):
    """From what lies in the inbox to a closed batch."""

    def open_batch(
        self,
        run_key: str,
        *,
        settle_seconds: float = 60.0,
        source: str | None = None,
        only: bytes | None = None,
        model: str | None = None,
    ) -> dict[str, int]:
        """Open a batch and take in what has arrived; returns counts.

        Args:
            run_key: A retry with the same key finds its batch, with the model it began with.
            settle_seconds: How long a file without marker or manifest must have been left alone.
            source: Folder or address in place of the inbox; what earlier batches brought from
                there is scored too, where this model has not yet.
            only: A single file's path inside the source.
            model: A model's name in place of the champion.

        Raises:
            NoChampionError: No model has been promoted yet.
            StoreError: No such model; or the database has forgotten erasures.
            ScoringError: The inbox cannot be read.
            ProhibitedUseError: The source is for work or education, without a basis.
        """
        from emotion_core.scoring.intake import take_in

        key = self.require_erasures()
        self.require_permitted(source or self.settings.inbox)
        if source is None and self.settings.inbox == str(self.settings.inbox_dir):
            self.settings.inbox_dir.mkdir(parents=True, exist_ok=True)
        with self.database.transaction("emotion_score") as connection:
            chosen = models.chosen_model(connection, model)
            batch = batches.open_batch(
                connection,
                run_key=run_key,
                source=source or self.settings.inbox,
                model_version_id=chosen.id,
            )
        intake = take_in(
            self.database, batch, settle_seconds, only=only, plan_known=source is not None, key=key
        )
        log.info("%s scores with %s: %s", run_key, chosen.name, intake)
        return asdict(intake)

    def score(self, run_key: str, worker: str, *, chunk: int = 128) -> dict[str, float]:
        """Work on the batch's model until nothing waits; returns what this worker did."""
        with self.database.transaction("emotion_score") as connection:
            batch = batches.batch_by_key(connection, run_key)
            model = models.model_versions(connection, id=batch.model_version_id)[0]
        return self._work(run_key, model, worker, chunk)

    def _work(
        self, run_key: str, model: models.ModelVersion, worker: str, chunk: int
    ) -> dict[str, float]:
        """Score whatever waits for this model; what was done is kept under ``run_key``."""
        from emotion_core.scoring.tally import Tally
        from emotion_core.scoring.worker import work
        from emotion_core.store.throughput import record_throughput
        from emotion_core.vision.scorer import Scorer

        tally = Tally()
        scorer = Scorer(Path(model.folder), device=self.settings.device, prepares=True)
        try:
            work(
                self.database,
                scorer,
                model_version_id=model.id,
                worker=worker,
                chunk=chunk,
                tally=tally,
            )
        finally:
            scorer.close()
            with self.database.transaction("emotion_score") as connection:
                record_throughput(
                    connection,
                    run_key=run_key,
                    model_version_id=model.id,
                    worker=worker,
                    host=socket.gethostname(),
                    **asdict(tally),
                )
        return {
            "count_scored": tally.count_scored,
            "count_refused": tally.count_refused,
            "seconds": tally.seconds,
            "images_per_second": tally.images_per_second,
        }

    def close_batch(
        self, run_key: str, *, refused_share_limit: float = 1.0, refused_minimum: int = 10
    ) -> dict[str, Any]:
        """Close a batch whose counts add up; returns its summary.

        Args:
            run_key: The batch.
            refused_share_limit: 0 to 1. With a larger share refused the batch closes, all that is
                good stays published, and then this fails: something is wrong with the delivery.
            refused_minimum: With fewer refusals than this the share says nothing.

        Raises:
            ScoringError: Something of it still waits, or too much of it was refused.
        """
        from emotion_core.scoring.outcome import close

        summary = close(self.database, run_key, refused_share_limit, refused_minimum)
        counts = {name: n for name, n in asdict(summary).items() if name.startswith("count_")}
        return counts | {"model": summary.model}

    def put_back(self, reason: str, *, batch: str | None, requested_by: str) -> int:
        """Put refused files back, after their cause is mended; the next run takes them.

        Args:
            reason: Its code, e.g. ``truncated``, or ``quarantined``.
            batch: Only what this batch refused; None for every closed batch.
            requested_by: Who asked; kept.

        Returns:
            How many files were put back; those that were before are not counted again.

        Raises:
            ScoringError: There is no such reason or batch, or the batch is still open.
        """
        with self.database.transaction("emotion_score") as connection:
            codes = retries.refusal_codes(connection)
            if reason not in codes:
                raise ScoringError(f"there is no reason {reason!r}; there are: {', '.join(codes)}")
            if batch is not None and not batches.batch_by_key(connection, batch).is_closed:
                raise ScoringError(f"batch {batch!r} is not closed yet: let its run end first")
            count = retries.request_retry(
                connection, code=reason, run_key=batch, requested_by=requested_by
            )
        log.info("%d files that were refused as %s are put back", count, reason)
        return count
