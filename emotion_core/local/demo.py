"""The demo: draw or read a data set, train, compare, promote, score a batch."""

import hashlib
import json
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from emotion_core.drawn_faces.dataset import draw_dataset
from emotion_core.errors import DataError, LocalSystemError, PromotionRefusedError
from emotion_core.files import folder_name
from emotion_core.local.airflow_api import AirflowApi
from emotion_core.local.demo_batch import drop, faces_to_score
from emotion_core.local.demo_summary import batch_tables, comparison_table, verdict
from emotion_core.local.display import Display
from emotion_core.local.home import PROJECT_DIR
from emotion_core.local.instance import State, show_access, wait_until_healthy
from emotion_core.settings import Settings
from emotion_core.steps import promotion, reports, sources
from emotion_core.steps.installation import Installation
from emotion_core.store import models, training_runs
from emotion_core.training.affectnet import read_affectnet
from emotion_core.training.labelled_set import LabelledSet
from emotion_core.training.recipe import Recipe
from emotion_core.training.source_files import nature
from emotion_core.training.split import split_by_content
from emotion_core.vision.architectures import MAIN_NETWORKS

TRAINING = "train_and_compare"
SCORING = "score_new_images"
FACES_PER_EXPRESSION = 128

_PRESET = "quick"
_DRAWING_SEED = 1
_POLL_S = 1.0
_WORDS = {
    "running": "…",
    "success": "done",
    "up_for_retry": "failed; Airflow tries it again",
    "failed": "failed",
    "skipped": "skipped",
}
_ASK = """
import sys
from pathlib import Path
from emotion_core.vision.pretrained import imagenet_available
folder = Path(sys.argv[1]) if sys.argv[1] else None
has_all = all(imagenet_available(name, folder) for name in sys.argv[2:])
print("imagenet" if has_all else "none")
"""


def existing_data(text: str) -> Path:
    """The data set that the user named, with its path made absolute.

    Raises:
        DataError: It is not there, or is neither a folder nor a zip file.
    """
    try:
        path = Path(text).expanduser().absolute()
    except RuntimeError:
        raise DataError(f"DATA={text}: that user has no home folder; name a whole path") from None
    if not path.exists():
        raise DataError(f"DATA={text}: there is no {path}")
    if not path.is_dir() and not zipfile.is_zipfile(path):
        raise DataError(f"DATA={text}: {path} is neither a folder nor a zip file{nature(path)}")
    return path


@contextmanager
def starting_weights(settings: Settings) -> Iterator[Callable[[], str]]:
    """Ask, while other things start, whether both main networks can have ImageNet weights.

    Yields a function that waits for the answer: ``imagenet`` or ``none``. A process of its own
    asks: it loads torch, which would stay in this one's memory.
    """
    asking = subprocess.Popen(
        [sys.executable, "-c", _ASK, str(settings.weights_folder or ""), *MAIN_NETWORKS],
        cwd=PROJECT_DIR,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

    def answer() -> str:
        said, errors = asking.communicate()
        if asking.returncode != 0:
            raise LocalSystemError(f"looking for ImageNet weights failed: {errors.strip()[-300:]}")
        return said.strip()

    with asking:
        try:
            yield answer
        finally:
            asking.kill()


class Demo:
    """Does what an operator does, over Airflow's REST API."""

    def __init__(
        self,
        settings: Settings,
        state: State,
        display: Display,
        *,
        faces: int | None = None,
        epochs: int | None = None,
    ) -> None:
        """``faces`` per expression and ``epochs`` for a quicker or a longer demo than usual."""
        self._settings = settings
        self._faces = faces or FACES_PER_EXPRESSION
        self._state = state
        self._display = display
        self._say = display.say
        self._overrides = {} if epochs is None else {"epochs": epochs}
        self._here = Installation(settings, state.database_url)

    def run(self, data: Path | None, weights: Callable[[], str]) -> None:
        """Train, compare, promote and score once.

        Args:
            data: A data set; None draws one.
            weights: See :func:`starting_weights`.

        Raises:
            EmotionError: A step did not succeed; says which and why.
        """
        with (
            closing(self._here.database),
            closing(
                AirflowApi(self._state.airflow_url, "admin", self._state.admin_password)
            ) as self._api,
        ):
            wait_until_healthy(self._api, self._display)
            for dag_id in (TRAINING, SCORING):
                self._api.unpause(dag_id)
            labelled_set = self._read(data or self._draw())
            group_key, is_new = self._train(labelled_set, self._choose(weights))
            # A champion that an operator chose since then is not ours to replace.
            if is_new or not self._has_champion():
                self._promote_better(group_key)
            page = reports.compare(self._here, group_key)  # it marks the champion
            self._summarise(group_key, page, self._score(labelled_set))

    def _draw(self) -> Path:
        folder = self._settings.folder("data_dir") / f"drawn_faces_{self._faces}"
        with self._display.waiting("drawing faces …"):
            return draw_dataset(folder, per_expression=self._faces, seed=_DRAWING_SEED)

    def _read(self, data: Path) -> LabelledSet:
        with self._display.waiting(f"reading {data} …"):
            labelled_set = read_affectnet(data)
        left_out = len(labelled_set.exclusions)
        self._say(
            f"{len(labelled_set.samples)} faces in {data}"
            + (f", {left_out} left out" if left_out else "")
            + (" (drawn, not photographs)" if labelled_set.is_drawn else "")
        )
        for warning in labelled_set.warnings:
            self._say(f"warning: {warning}")
        return labelled_set

    def _choose(self, weights: Callable[[], str]) -> str:
        with self._display.waiting("looking for ImageNet weights …"):
            chosen = weights()
        if chosen == "imagenet":
            self._say("starting from ImageNet weights")
        else:
            self._say(
                "no ImageNet weights here, and no way to download them: training starts from "
                "random weights (weights: none) and learns far less",
                style="yellow",
            )
        return chosen

    def _has_champion(self) -> bool:
        with self._here.database.transaction("emotion_report") as connection:
            return models.current_model(connection) is not None

    def _promote_better(self, group_key: str) -> None:
        try:
            champion = promotion.promote_better(self._here, group_key, changed_by="demo")
        except PromotionRefusedError as refusal:
            # The gate asks for more than a higher score; with a champion the demo goes on.
            if not self._has_champion():
                raise
            self._say(f"{refusal}; the present champion stays", style="yellow")
        else:
            self._say(f"{champion} has the higher mean of macro F1 and CCC and becomes champion")

    def _train(self, labelled_set: LabelledSet, weights: str) -> tuple[str, bool]:
        """The key of a finished training of both networks, and whether it ended just now."""
        recipes = [self._recipe(name, weights).to_dict() for name in MAIN_NETWORKS]
        wanted = json.dumps([labelled_set.fingerprint, recipes], sort_keys=True)
        # The same data and recipes are the same run: what was begun goes on, what is done is done.
        group_key = f"demo_{hashlib.sha256(wanted.encode()).hexdigest()[:12]}"
        match self._api.run_state(TRAINING, group_key):
            case "success":
                self._say(f"both networks were trained on these faces before, by {group_key}")
                return group_key, False
            case None:
                form = {
                    "networks": list(MAIN_NETWORKS),
                    "preset": _PRESET,
                    "data": str(labelled_set.source),
                    "weights": weights,
                    "note": "Triggered by the demo.",
                    **self._overrides,
                }
                self._api.trigger(TRAINING, group_key, form, "Triggered by the demo.")
                self._say(f"triggered {TRAINING}: {group_key}")
            case state:
                if state == "failed":
                    self._api.retry_failed(TRAINING, group_key)
                self._say(f"an earlier demo's training continues: {group_key}")
        shown: set[tuple[str, int]] = set()

        def show_epochs() -> None:
            with self._here.database.transaction("emotion_report") as connection:
                progress = training_runs.training_progress(connection, group_key)
            for epoch in progress:
                if epoch.epoch is None or (epoch.network, epoch.epoch) in shown:
                    continue
                shown.add((epoch.network, epoch.epoch))
                self._say(
                    f"  {epoch.network:16} epoch {epoch.epoch:2d} of {epoch.epochs}   "
                    f"accuracy {_number(epoch.accuracy)}   "
                    f"CCC {_number(epoch.ccc_valence)} / {_number(epoch.ccc_arousal)}   "
                    f"training loss {_number(epoch.train_loss)}"
                )

        self._follow(TRAINING, group_key, show_epochs)
        return group_key, True

    def _score(self, labelled_set: LabelledSet) -> str:
        recipe = self._recipe(MAIN_NETWORKS[0], "none")
        split = split_by_content(labelled_set, recipe.seed, recipe.validation_share)
        # New faces each time, so that a second demo has something to score.
        faces = faces_to_score(labelled_set, split, seed=int(time.time()))
        for earlier in self._api.unfinished_runs(SCORING):
            # It would score our batch as its own.
            self._say(f"waiting for {earlier}, which is still scoring")
            self._follow(SCORING, earlier)
        run_key = f"demo_{datetime.now(UTC):%Y-%m-%d_%H%M%S}"
        sources.record_source_once(self._here, self._settings.inbox, "research", recorded_by="demo")
        folder = self._settings.folder("inbox_dir") / folder_name(run_key)
        count = drop(folder, faces)
        self._say(
            f"{count} files written to {folder}: {len(faces)} faces, a copy, one file cut off, "
            "one that is no image"
        )
        form = {"workers": 1, "settle_seconds": 60}
        self._api.trigger(SCORING, run_key, form, "Triggered by the demo.")
        self._say(f"triggered {SCORING}: {run_key}")
        self._follow(SCORING, run_key)
        return run_key

    def _follow(
        self, dag_id: str, run_id: str, show_progress: Callable[[], None] = lambda: None
    ) -> None:
        """Say what changes in a run until it has ended.

        Raises:
            LocalSystemError: A task of it failed; holds the end of that task's log.
        """
        said: dict[tuple[str, int], str | None] = {}
        with self._display.waiting(f"{dag_id} is running …"):
            while True:
                state = self._api.run_state(dag_id, run_id)
                tasks = self._api.tasks(dag_id, run_id)
                show_progress()
                for task in tasks:
                    key = (task.task_id, task.map_index)
                    if task.state != said.get(key):
                        said[key] = task.state
                        if task.state in _WORDS:
                            self._say(f"{task.label} {_WORDS[task.state]}")
                if state in ("success", "failed"):
                    break
                time.sleep(_POLL_S)
        bad = [task for task in tasks if task.state in ("failed", "upstream_failed", "skipped")]
        if not bad and state == "success":
            return
        name = bad[0].label if bad else "the run itself"
        if bad and (lines := self._api.log_lines(dag_id, run_id, bad[0])):
            self._display.show(f"the end of the log of {name}:")
            self._display.show("\n".join(f"    {line}" for line in lines))
        raise LocalSystemError(f"{dag_id} did not succeed: {name} failed; run {run_id}")

    def _summarise(self, group_key: str, page: str, scored: str) -> None:
        self._display.show()
        for table in (
            comparison_table(self._here.database, group_key),
            *batch_tables(self._here.database, scored),
        ):
            self._display.show(table)
        self._display.show(f"Verdict     {verdict(self._here.database, group_key)}")
        self._display.show(f"Report      {page}")
        show_access(self._display, self._state)

    def _recipe(self, network: str, weights: str) -> Recipe:
        return Recipe.from_preset(_PRESET, network, weights=weights, **self._overrides)


def _number(value: float | None) -> str:
    return "    –" if value is None else f"{value:5.3f}"
