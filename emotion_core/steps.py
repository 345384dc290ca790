"""One function per Airflow task: ids, counts and paths in, ids, counts and paths out.

Only this module joins the rooms. Each step can be repeated: it finds what an earlier try did.
Heavy packages are imported inside the steps that need them, so that a step which only asks the
database starts at once.
"""

import logging
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotion_core.emotions import EXPRESSIONS
from emotion_core.errors import ScoringError, StoreError, TrainingError
from emotion_core.names import folder_name
from emotion_core.settings import Settings
from emotion_core.store import batches, datasets, models, reports, training_runs
from emotion_core.store.database import Database
from emotion_core.store.migrations import require_current_schema

if TYPE_CHECKING:
    from emotion_core.training.affectnet import LabelledSet
    from emotion_core.training.split import Split

log = logging.getLogger(__name__)


class Steps:
    """The steps, bound to one installation's folders and database."""

    def __init__(self, settings: Settings, database_url: str | None = None) -> None:
        """Connects and checks that the tables are the ones this code expects.

        Args:
            settings: Folders and device.
            database_url: In place of the settings' own, e.g. from an Airflow Connection.

        Raises:
            StoreError: The database cannot be reached or is at another schema version.
        """
        self.settings = settings
        self.database = Database(database_url or settings.require_database_url())
        with self.database.connect() as connection:
            require_current_schema(connection)

    # --- training -------------------------------------------------------------------------

    def prepare(self, group_key: str, form: Mapping[str, Any]) -> list[str]:
        """Check the form and the data, enter the data set and its split; returns the networks.

        Raises:
            RecipeError: The form asks for something impossible.
            DataError: The data set cannot be used.
        """
        from emotion_core.training.request import TrainingRequest

        request = TrainingRequest.from_form(form)
        labelled_set, split = _read_data(request)
        split_id = self._register_data(labelled_set, split)
        log.info(
            "%s: %d samples, %d left out, split %d has %d to train and %d to validate",
            group_key,
            len(labelled_set.samples),
            len(labelled_set.exclusions),
            split_id,
            len(split.train),
            len(split.validation),
        )
        for exclusion in labelled_set.exclusions[:50]:
            log.warning("left out %s: %s (%s)", exclusion.name, exclusion.detail, exclusion.code)
        for contradiction in labelled_set.contradictions:
            log.warning(
                "identical images with different labels: %s are %s",
                ", ".join(contradiction.sample_ids),
                ", ".join(EXPRESSIONS[index] for index in contradiction.expressions),
            )
        return list(request.networks)

    def train(self, group_key: str, network: str, form: Mapping[str, Any]) -> str:
        """Train one network into its run directory; returns the run's key.

        Epochs are rows as they finish. After a kill it goes on from the last finished epoch.

        Raises:
            EmotionError: No usable model came of it; the reason is stored with the run.
        """
        from emotion_core.training.loop import train
        from emotion_core.training.request import TrainingRequest

        request = TrainingRequest.from_form(form)
        recipe = request.recipes()[network]
        labelled_set, split = _read_data(request)
        split_id = self._register_data(labelled_set, split)
        run_key = f"{group_key}/{network}"
        folder = self.settings.runs_dir / folder_name(run_key)
        with self.database.transaction("emotion_train") as connection:
            run_id = training_runs.open_training_run(
                connection,
                run_key=run_key,
                group_key=group_key,
                network=network,
                preset=recipe.preset,
                recipe=recipe.to_dict(),
                split_id=split_id,
                note=request.note,
                weights_origin=recipe.weights,
                folder=str(folder),
            )
        try:
            for epoch in train(
                recipe,
                labelled_set,
                split,
                folder,
                device=self.settings.device,
                weights_dir=self.settings.weights_dir,
            ):
                log.info("%s", epoch.describe())
                with self.database.transaction("emotion_train") as connection:
                    for part, figures in (("train", epoch.train), ("validation", epoch.validation)):
                        training_runs.record_epoch(connection, run_id, epoch.epoch, part, figures)
        except Exception as error:
            with self.database.transaction("emotion_train") as connection:
                training_runs.fail_training_run(connection, run_id, _sentence(error))
            raise
        return run_key

    def register(self, run_key: str) -> str:
        """Read a finished run directory into the tables; returns the model version's name.

        Raises:
            TrainingError: The run is unknown or its directory is not complete.
        """
        from emotion_core.reporting.statistics import score_intervals
        from emotion_core.training.run_directory import RunDirectory

        with self.database.transaction("emotion_train") as connection:
            record = training_runs.run_by_key(connection, run_key)
        if record is None:
            raise TrainingError(f"no training run {run_key!r} is in the database")
        folder = self.settings.runs_dir / folder_name(run_key)
        result = RunDirectory(folder).read()
        figures = result.metrics["validation"]
        intervals = score_intervals(result.predictions, seed=record.split_seed)
        with self.database.transaction("emotion_train") as connection:
            for epoch in result.history:
                for part in ("train", "validation"):
                    training_runs.record_epoch(
                        connection, record.id, epoch["epoch"], part, epoch[part]
                    )
            training_runs.record_validation_predictions(connection, record.id, result.predictions)
            training_runs.record_run_metrics(connection, record.id, "network", figures, intervals)
            training_runs.record_run_metrics(
                connection, record.id, "chance", result.summary["chance_line"]
            )
            training_runs.record_run_metrics(
                connection, record.id, "constant", result.summary["constant_predictor"]
            )
            training_runs.finish_training_run(connection, record.id, result.summary)
            model = models.register_model_version(
                connection,
                run_id=record.id,
                network=record.network,
                card=result.model,
                folder=str(folder),
            )
        log.info(
            "%s: accuracy %.3f, CCC %.3f / %.3f",
            model.name,
            figures["accuracy"],
            figures["ccc_valence"],
            figures["ccc_arousal"],
        )
        return model.name

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
            found = models.model_versions(connection, name=model_name)
            if not found:
                known = ", ".join(m.name for m in models.model_versions(connection)) or "none yet"
                raise StoreError(f"there is no model {model_name!r}; there are: {known}")
            current = models.current_model(connection)
            if current is not None and current.id == found[0].id:
                return current.name
            models.set_model_alias(
                connection,
                alias="champion",
                from_id=current.id if current else None,
                to_id=found[0].id,
                reason=reason,
                changed_by=changed_by,
            )
        return found[0].name

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

    # --- scoring --------------------------------------------------------------------------

    def open_batch(self, run_key: str, *, settle_seconds: float = 60.0) -> dict[str, int]:
        """Open a batch for the champion and take in what has arrived; returns counts.

        Raises:
            NoChampionError: No model has been promoted yet.
            ScoringError: The inbox cannot be read.
        """
        from emotion_core.scoring.intake import take_in

        self.settings.inbox_dir.mkdir(parents=True, exist_ok=True)
        with self.database.transaction("emotion_score") as connection:
            champion = models.current_model(connection)
            if champion is None:
                raise NoChampionError(
                    "no model is champion yet: run train_and_compare, then promote a model"
                )
            batch = batches.open_batch(
                connection,
                run_key=run_key,
                source=str(self.settings.inbox_dir),
                model_version_id=champion.id,
            )
        intake = take_in(self.database, batch, settle_seconds)
        log.info("%s scores with %s: %s", run_key, champion.name, intake)
        return asdict(intake)

    def score(self, run_key: str, worker: str, *, chunk: int = 128) -> dict[str, float]:
        """Work on the batch's model until nothing waits; returns what this worker did."""
        from emotion_core.scoring.worker import work
        from emotion_core.vision.inference import Scorer

        with self.database.transaction("emotion_score") as connection:
            batch = batches.batch_by_key(connection, run_key)
            model = models.model_versions(connection, id=batch.model_version_id)[0]
        scorer = Scorer(Path(model.folder), device=self.settings.device)
        tally = work(
            self.database,
            scorer,
            model_version_id=model.id,
            worker=worker,
            chunk=chunk,
        )
        return asdict(tally)

    def close_batch(self, run_key: str) -> dict[str, Any]:
        """Close a batch whose counts add up; returns its summary.

        Raises:
            ScoringError: Something of it still waits.
        """
        with self.database.transaction("emotion_score") as connection:
            batch = batches.batch_by_key(connection, run_key)
            batches.close_batch(connection, batch.id)
        with self.database.transaction("emotion_report") as connection:
            summary = batches.batch_summary(connection, run_key)
            refused = batches.refused_files(connection, run_key)
        assert summary is not None  # noqa: S101  - it was found above
        for file in refused:
            log.warning("refused %s: %s %s", file.file, file.meaning, file.detail)
        if not summary.is_closed:
            raise ScoringError(
                f"batch {run_key} cannot close: {summary.count_left} of {summary.count_found} "
                "files still wait for a worker"
            )
        return {
            name: value
            for name, value in asdict(summary).items()
            if name.startswith("count_") or name == "model"
        }

    def _register_data(self, labelled_set: "LabelledSet", split: "Split") -> int:
        import pandas as pd

        labels = pd.DataFrame(
            [
                (s.sample_id, s.sha256, s.expression, s.valence, s.arousal)
                for s in labelled_set.samples
            ],
            columns=["sample_id", "sha256", "expression", "valence", "arousal"],
        )
        parts = {
            part: [labelled_set.samples[index].sha256 for index in indices]
            for part, indices in (("train", split.train), ("validation", split.validation))
        }
        with self.database.transaction("emotion_train") as connection:
            dataset_id = datasets.register_dataset(
                connection,
                fingerprint=labelled_set.fingerprint,
                name=labelled_set.name,
                location=str(labelled_set.source),
                is_drawn=labelled_set.is_drawn,
                labels=labels,
                exclusions=[(e.name, e.code, e.detail) for e in labelled_set.exclusions],
            )
            return datasets.register_split(
                connection,
                dataset_id=dataset_id,
                seed=split.seed,
                validation_share=split.validation_share,
                fingerprint=split.fingerprint,
                parts=parts,
            )


class NoChampionError(ScoringError):
    """Scoring was asked for before any model was promoted."""


def _read_data(request: Any) -> "tuple[LabelledSet, Split]":
    from emotion_core.training.affectnet import read_affectnet
    from emotion_core.training.split import split_by_content

    recipe = next(iter(request.recipes().values()))
    labelled_set = read_affectnet(Path(request.data))
    return labelled_set, split_by_content(labelled_set, recipe.seed, recipe.validation_share)


def _sentence(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:500]
