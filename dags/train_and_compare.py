"""### Train and compare

Trains each chosen network on the chosen data, registers the models, and renders the comparison report from the
tables.

| task | does | on a retry |
|---|---|---|
| `prepare` | checks the form, reads and decodes every image once, enters data set and split | reads again, finds its rows |
| `train` | one task per network, fold and seed, in pool `gpu`; each epoch is a row as soon as it ends | goes on from the last finished epoch |
| `clean_up` | removes the decoded images (the teardown of `prepare`) | has nothing left to do |
| `register` | run directory -> metrics with intervals, predictions, model version, its speed | writes the same rows again |
| `compare` | tables -> report; open it in this run's tab *Emotion report* | renders again |

**This DAG is idempotent**: its rows are keyed by this run's id and the network.

**Connection**: `emotion_db` where it exists; otherwise `EMOTION_DATABASE_URL`.

**If the log says …**
- *put … into …*: the ImageNet weights cannot be downloaded here. Put the named file into the named folder, or
  choose weights `none`.
- *no usable image*, *holds no images*: the sentence goes on with what was found and what to do.
- *expressions and affect do not fit together*: the labels are in another order than AffectNet's, or valence and
  arousal were changed; the sentence names the order that would fit. The report carries the warning.
- *schema version*: run `emotion db migrate` with the code that the workers run.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import Asset, Param, dag, get_current_context, task, task_group

from emotion_core.airflow.dag_defaults import DAG_DEFAULTS, TASK_DEFAULTS
from emotion_core.airflow.form_fields import number_field, text_field
from emotion_core.airflow.form_offers import offer_data_set, offered_data_sets
from emotion_core.airflow.task_context import installation

NETWORKS = {
    "resnet50": "ResNet50",
    "efficientnet_b0": "EfficientNet-B0",
    "efficientnet_lite0": "EfficientNet-Lite0 (its ImageNet weights need no internet)",
}
PRESETS = {
    "seed": "seed: the original paper's recipe (GPU)",
    "tuned": "tuned: the best we know for a few thousand faces (GPU)",
    "quick": "quick: small images, a few minutes on two cores",
}
INSTEAD = "Instead of the preset's values"
PRETRAINING = "A stage before the main one"
PARAMS = {
    "networks": Param(
        ["resnet50", "efficientnet_b0"],
        type="array",
        minItems=1,
        uniqueItems=True,
        items={"type": "string", "enum": list(NETWORKS)},
        examples=list(NETWORKS),
        values_display=NETWORKS,
        title="Networks",
        description="Trained one after the other, then compared on the same held-out images.",
    ),
    "preset": Param(
        "seed",
        type="string",
        enum=list(PRESETS),
        values_display=PRESETS,
        title="Preset",
        description="Fills every field below that you leave empty.",
    ),
    "data": text_field(
        "Data set",
        "One that was used here (in the list), or any folder or zip on the workers, in AffectNet's layout: "
        "images/<id>.jpg and annotations/<id>_exp.npy, _val.npy, _aro.npy, at any depth.",
        examples=offered_data_sets(),
    ),
    "weights": text_field(
        "Starting weights",
        "Random weights learn far less from a small set than ImageNet's.",
        enum=[None, "imagenet", "none"],
        values_display={
            "null": "as the preset says",
            "imagenet": "ImageNet",
            "none": "none: random weights",
        },
    ),
    "note": text_field("Note", "Why this run is made; shown in the report.", most=2000, lines=True),
    "epochs": number_field("Epochs", "Empty: what the preset says.", None, 1, 500, section=INSTEAD),
    "keep": text_field(
        "Epoch to keep",
        "The best is chosen on the images that the report scores: its metrics are too high, the more so the fewer "
        "images and the more epochs. The report says by how much.",
        enum=[None, "last", "best"],
        values_display={
            "null": "as the preset says (the last)",
            "last": "the last",
            "best": "the best on the held-out images",
        },
        section=INSTEAD,
    ),
    "batch_size": number_field(
        "Batch size (images)", "Empty: what the preset says.", None, 2, 4096, section=INSTEAD
    ),
    "learning_rate": number_field(
        "Learning rate",
        "Empty: what the preset says.",
        None,
        0,
        1,
        kind="number",
        above=True,
        section=INSTEAD,
    ),
    "folds": number_field(
        "Folds",
        "1: one split. More: each network is trained once per fold, so that every image is held out once and the "
        "report can tell a better network from a lucky training.",
        1,
        1,
        10,
    ),
    "repeats": number_field("Seeds", "All of it again with the next seed, as often.", 1, 1, 5),
    "seed": number_field(
        "Seed",
        "Of the split, the starting weights and the order of the images.",
        None,
        0,
        2**31 - 1,
        section=INSTEAD,
    ),
    "excluded_share_limit": number_field(
        "Unusable share allowed",
        "A data set with a larger share of unusable samples (corrupt images, missing or impossible labels) is "
        "refused. The log lists what is left out in any case.",
        0.05,
        0,
        1,
        kind="number",
        section=INSTEAD,
    ),
    "pretraining_data": text_field(
        "Other faces to learn first",
        "Folder or zip on the workers with one folder per expression (happy/1.jpg …; 48×48 grey will do). "
        "Empty: none.",
        section=PRETRAINING,
    ),
    "pretraining_epochs": number_field(
        "Epochs on them", "Fill in both fields, or neither.", None, 0, 500, section=PRETRAINING
    ),
}


@dag(
    **DAG_DEFAULTS | {"max_active_runs": 4},
    dag_display_name="Train and compare",
    doc_md=__doc__,
    tags=["emotion", "training"],
    schedule=None,
    params=PARAMS,
    default_args=TASK_DEFAULTS,
)
def train_and_compare() -> None:
    @task(task_display_name="Check form and data")
    def prepare(run_id: str, params: dict[str, Any]) -> list[int]:
        from emotion_core.steps import training_data

        with installation() as here:
            trainings = training_data.prepare(here, run_id, params)
        offer_data_set(params["data"])
        return trainings

    @task(
        pool="gpu",
        queue="gpu",
        task_display_name="Train",
        map_index_template="{{ training_label | default(task.op_kwargs['training']) }}",
        execution_timeout=timedelta(hours=24),
    )
    def train(training: int, run_id: str, params: dict[str, Any]) -> str:
        from emotion_core.steps.training import train, training_label

        with installation() as here:
            get_current_context()["training_label"] = training_label(training, params)
            return train(here, run_id, training, params)

    @task(
        task_display_name="Register",
        map_index_template="{{ model_label | default(task.op_kwargs['run_key'].partition('/')[2]) }}",
    )
    def register(run_key: str) -> str:
        from emotion_core.steps import training

        with installation() as here:
            model = training.register(here, run_key)
        get_current_context()["model_label"] = model
        return model

    # Also when a training failed: the report shows that failure and the others' metrics.
    # report_models waits for the event: once a run, when all its models are registered.
    @task(
        task_display_name="Compare",
        trigger_rule="all_done_min_one_success",
        outlets=[Asset("emotion_model_version")],
    )
    def compare(run_id: str) -> str:
        from emotion_core.steps import reports

        with installation() as here:
            return reports.compare(here, run_id)

    @task(task_display_name="Remove decoded images")
    def clean_up(run_id: str) -> None:
        from emotion_core.steps import training_data

        with installation() as here:
            training_data.clean_up(here, run_id)

    # Together, so that each training is registered as soon as it has ended, whatever became of others.
    @task_group(group_display_name="Train and register", prefix_group_id=False)
    def train_and_register(training: int) -> None:
        register(run_key=train(training=training))

    trainings = prepare()
    each = train_and_register.expand(training=trainings)
    each >> compare()
    # A teardown: it runs though a training failed, and whoever clears a training prepares again.
    each >> clean_up().as_teardown(setups=trainings)


train_and_compare()
