"""### Train and compare

Trains each chosen network on the chosen data, registers what came of it, and renders the
comparison report from the tables.

| task | does | on a retry |
|---|---|---|
| `prepare` | checks the form, reads and decodes every image once, enters data set and split | reads again, finds its rows |
| `train` | one per network, in pool `gpu`; epochs are rows as they finish | goes on from the last finished epoch |
| `clean_up` | removes the decoded images (the teardown of `prepare`) | has nothing left to do |
| `register` | run directory -> metrics with intervals, predictions, model version, its speed | writes the same rows again |
| `compare` | tables -> report; open it in this run's tab *Emotion report* | renders again |

**This DAG is idempotent**: its rows are keyed by this run's id and the network.

**Connection** `emotion_db` names the database where there is one; `EMOTION_DATABASE_URL` otherwise.

**If the log says …**
- *put … into …*: the ImageNet weights cannot be downloaded here. Put the named file where it says,
  or choose weights `none`.
- *no usable image*, *holds no images*: the sentence goes on with what was found and what to do.
- *expressions and affect do not fit together*: the labels stand in another order than AffectNet's, or valence and
  arousal were changed; the sentence names the order that would fit. The report carries the warning.
- *schema version*: run `emotion db migrate` with the code that the workers run.
"""

from datetime import timedelta

from airflow.sdk import (
    Asset,
    Param,
    dag,
    get_current_context,
    task,
)

from emotion_core.airflow.alerts import FailureNotifier
from emotion_core.airflow.form_offers import offer_data_set, offered_data_sets

PARAMS = {
    "networks": Param(
        ["resnet50", "efficientnet_b0"],
        type="array",
        minItems=1,
        uniqueItems=True,
        items={"type": "string", "enum": ["resnet50", "efficientnet_b0", "efficientnet_lite0"]},
        examples=["resnet50", "efficientnet_b0", "efficientnet_lite0"],
        values_display={
            "resnet50": "ResNet50",
            "efficientnet_b0": "EfficientNet-B0",
            "efficientnet_lite0": "EfficientNet-Lite0 (its ImageNet weights need no internet)",
        },
        title="Networks",
        description="Trained one after the other, then compared on the same held-out images.",
    ),
    "preset": Param(
        "seed",
        type="string",
        enum=["seed", "tuned", "quick"],
        values_display={
            "seed": "seed: the original paper's recipe (GPU)",
            "tuned": "tuned: the best we know for a few thousand faces (GPU)",
            "quick": "quick: small images, a few minutes on two cores",
        },
        title="Preset",
        description="Fills every field below that you leave empty.",
    ),
    "data": Param(
        None,
        type=["null", "string"],
        examples=offered_data_sets(),
        title="Data set",
        description="One that was used here (in the list), or any folder or zip on the workers, in AffectNet's layout: "
        "images/<id>.jpg and annotations/<id>_exp.npy, _val.npy, _aro.npy, at any depth.",
    ),
    "weights": Param(
        None,
        type=["null", "string"],
        enum=[None, "imagenet", "none"],
        values_display={
            "null": "as the preset says",
            "imagenet": "ImageNet",
            "none": "none: random weights",
        },
        title="Starting weights",
        description="Random weights learn far less from a small set than ImageNet's.",
    ),
    "note": Param(
        None,
        type=["null", "string"],
        format="multiline",
        maxLength=2000,
        title="Note",
        description="Why this run is made. Shown in the report.",
    ),
    "epochs": Param(
        None,
        type=["null", "integer"],
        minimum=1,
        maximum=500,
        title="Epochs",
        description="1 to 500. Empty: what the preset says.",
        section="Instead of the preset's values",
    ),
    "keep": Param(
        None,
        type=["null", "string"],
        enum=[None, "last", "best"],
        values_display={
            "null": "as the preset says (the last)",
            "last": "the last",
            "best": "the best on the held-out images",
        },
        title="Epoch to keep",
        description="The best is chosen on the images that are reported: its metrics read too "
        "high, the more the fewer images and the more epochs. The report says by how much.",
        section="Instead of the preset's values",
    ),
    "batch_size": Param(
        None,
        type=["null", "integer"],
        minimum=2,
        maximum=4096,
        title="Batch size",
        description="Images a step, 2 to 4096. Empty: what the preset says.",
        section="Instead of the preset's values",
    ),
    "learning_rate": Param(
        None,
        type=["null", "number"],
        exclusiveMinimum=0,
        maximum=1,
        title="Learning rate",
        description="Above 0, at most 1. Empty: what the preset says.",
        section="Instead of the preset's values",
    ),
    "seed": Param(
        None,
        type=["null", "integer"],
        minimum=0,
        maximum=2**31 - 1,
        title="Seed",
        description="Of the split, the starting weights and the order of the images.",
        section="Instead of the preset's values",
    ),
    "excluded_share_limit": Param(
        0.05,
        type="number",
        minimum=0,
        maximum=1,
        title="Unusable share allowed",
        description="A data set of which a larger share cannot be used (corrupt images, missing "
        "or impossible labels) is refused, 0 to 1. What is left out is listed in any case.",
        section="Instead of the preset's values",
    ),
    "pretraining_data": Param(
        None,
        type=["null", "string"],
        title="Other faces to learn first",
        description="Folder or zip on the workers with one folder per expression "
        "(happy/1.jpg …; 48×48 grey will do). Empty: none.",
        section="A stage before the main one",
    ),
    "pretraining_epochs": Param(
        None,
        type=["null", "integer"],
        minimum=0,
        maximum=500,
        title="Epochs on them",
        description="0 to 500. Give both fields, or neither.",
        section="A stage before the main one",
    ),
}


@dag(
    schedule=None,
    catchup=False,
    params=PARAMS,
    tags=["emotion", "training"],
    doc_md=__doc__,
    on_failure_callback=FailureNotifier(),
    dag_display_name="Train and compare",
    max_active_runs=4,
    default_args={
        "owner": "emotion",
        "retries": 2,
        "retry_delay": timedelta(seconds=20),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=10),
        "execution_timeout": timedelta(hours=1),
    },
)
def train_and_compare() -> None:
    @task(pool="cpu", task_display_name="Check form and data")
    def prepare() -> list[str]:
        from emotion_core.airflow.task_context import installation
        from emotion_core.steps import training

        context = get_current_context()
        with installation() as here:
            networks = training.prepare(here, context["run_id"], dict(context["params"]))
        offer_data_set(context["params"]["data"])
        return networks

    @task(
        pool="gpu",
        queue="gpu",
        task_display_name="Train",
        map_index_template="{{ network_label | default(task.op_kwargs['network']) }}",
        execution_timeout=timedelta(hours=24),
    )
    def train(network: str) -> str:
        from emotion_core.airflow.task_context import installation
        from emotion_core.steps import training

        context = get_current_context()
        form = dict(context["params"])
        with installation() as here:
            context["network_label"] = training.training_label(network, form)
            return training.train(here, context["run_id"], network, form)

    @task(
        pool="cpu",
        task_display_name="Register",
        map_index_template="{{ model_label | default(task.op_kwargs['run_key'].split('/')[-1]) }}",
    )
    def register(run_key: str) -> str:
        from emotion_core.airflow.task_context import installation
        from emotion_core.steps import training

        with installation() as here:
            model = training.register(here, run_key)
        get_current_context()["model_label"] = model
        return model

    # One network that failed must not hide what the other reached: the report shows both.
    # Once a run, when all its models are there: report_models waits for the event.
    @task(
        pool="cpu",
        task_display_name="Compare",
        trigger_rule="all_done_min_one_success",
        outlets=[Asset("emotion_model_version")],
    )
    def compare(models: list[str]) -> str:
        from emotion_core.airflow.task_context import installation
        from emotion_core.steps import reports

        with installation() as here:
            return reports.compare(here, get_current_context()["run_id"])

    @task(pool="cpu", task_display_name="Remove decoded images")
    def clean_up() -> None:
        from emotion_core.airflow.task_context import installation
        from emotion_core.steps import training

        with installation() as here:
            training.clean_up(here, get_current_context()["run_id"])

    networks = prepare()
    trained = train.expand(network=networks)
    compare(register.expand(run_key=trained))
    # A teardown: it runs though a training failed, and whoever clears a training prepares again.
    trained >> clean_up().as_teardown(setups=networks)


train_and_compare()
