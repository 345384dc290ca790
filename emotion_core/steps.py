"""One function per Airflow task: ids, counts and paths in, ids, counts and paths out.

Only this module joins the rooms. Each step can be repeated: it finds what an earlier try did.
Heavy packages are imported inside the steps that need them, so that a step which only asks the
database starts at once.
"""

import logging
import socket
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emotion_core.emotions import EXPRESSIONS
from emotion_core.errors import DataError, ScoringError, StoreError, TrainingError
from emotion_core.names import folder_name
from emotion_core.settings import Settings
from emotion_core.store import batches, datasets, models, reports, training_runs
from emotion_core.store.database import Database
from emotion_core.store.migrations import require_current_schema

if TYPE_CHECKING:
    from emotion_core.training.labelled_set import LabelledSet
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
        request.require_usable(labelled_set)
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
        from emotion_core.training.class_folders import read_class_folders
        from emotion_core.training.loop import train
        from emotion_core.training.pretraining import Pretraining, finished, pretrain
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
            stage: Pretraining | None = None
            if recipe.pretraining_epochs:
                earlier = read_class_folders(Path(str(request.pretraining_data)))
                stages = self.settings.runs_dir / "stages"
                for epoch in pretrain(
                    recipe,
                    earlier,
                    stages,
                    device=self.settings.device,
                    weights_dir=self.settings.weights_dir,
                ):
                    log.info("on %s: %s", earlier.name, epoch.describe())
                stage = finished(recipe, earlier, stages)
            for epoch in train(
                recipe,
                labelled_set,
                split,
                folder,
                device=self.settings.device,
                weights_dir=self.settings.weights_dir,
                pretraining=stage,
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
            training_runs.record_calibration(connection, record.id, result.summary["calibration"])
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

    def doubt_labels(self, name: str, data: Path, folds: Sequence[Path]) -> int:
        """Enter the labels that a cross-validation doubts; returns how many.

        Args:
            name: Of the cross-validation, for the rows; the same name replaces them.
            data: The labelled set that was cross-validated.
            folds: Its finished run directories.

        Raises:
            TrainingError: A fold is not finished, or two held out the same sample.
            DataError: The folds were made with other data.
        """
        from emotion_core.training.affectnet import read_affectnet
        from emotion_core.training.doubtful_labels import doubtful_labels
        from emotion_core.training.pooling import pooled_predictions
        from emotion_core.training.run_directory import RunDirectory
        from emotion_core.training.split import split_by_content

        runs = [RunDirectory(folder).read() for folder in folds]
        labelled_set = read_affectnet(data)
        for folder, run in zip(folds, runs, strict=True):
            if run.summary["dataset"]["fingerprint"] != labelled_set.fingerprint:
                raise DataError(f"{folder} was trained on other data than {data}")
        doubts = doubtful_labels(pooled_predictions(runs))
        recipe = runs[0].recipe
        split = split_by_content(labelled_set, recipe.seed, recipe.validation_share, recipe.fold)
        self._register_data(labelled_set, split)
        with self.database.transaction("emotion_train") as connection:
            datasets.record_doubtful_labels(
                connection,
                fingerprint=labelled_set.fingerprint,
                group_key=name,
                doubts=doubts,
            )
        return len(doubts)

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
            chosen = _model(connection, model_name)
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

    # --- scoring --------------------------------------------------------------------------

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
            StoreError: No such model.
            ScoringError: The inbox cannot be read.
        """
        from emotion_core.scoring.intake import take_in

        if source is None and self.settings.inbox == str(self.settings.inbox_dir):
            self.settings.inbox_dir.mkdir(parents=True, exist_ok=True)
        with self.database.transaction("emotion_score") as connection:
            chosen = _model(connection, model)
            batch = batches.open_batch(
                connection,
                run_key=run_key,
                source=source or self.settings.inbox,
                model_version_id=chosen.id,
            )
        intake = take_in(
            self.database, batch, settle_seconds, only=only, plan_known=source is not None
        )
        log.info("%s scores with %s: %s", run_key, chosen.name, intake)
        return asdict(intake)

    def score(self, run_key: str, worker: str, *, chunk: int = 128) -> dict[str, float]:
        """Work on the batch's model until nothing waits; returns what this worker did."""
        from emotion_core.scoring.tally import Tally
        from emotion_core.scoring.worker import work
        from emotion_core.store.throughput import record_throughput
        from emotion_core.vision.scorer import Scorer

        with self.database.transaction("emotion_score") as connection:
            batch = batches.batch_by_key(connection, run_key)
            model = models.model_versions(connection, id=batch.model_version_id)[0]
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
                fold=split.fold,
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
    return labelled_set, split_by_content(
        labelled_set, recipe.seed, recipe.validation_share, recipe.fold
    )


def _model(connection: Any, name: str | None) -> models.ModelVersion:
    if name is None:
        champion = models.current_model(connection)
        if champion is None:
            raise NoChampionError(
                "no model is champion yet: run train_and_compare, then promote a model"
            )
        return champion
    found = models.model_versions(connection, name=name)
    if not found:
        known = ", ".join(model.name for model in models.model_versions(connection)) or "none yet"
        raise StoreError(f"there is no model {name!r}; there are: {known}")
    return found[0]


def _sentence(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:500]
