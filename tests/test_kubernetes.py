"""deploy/kubernetes, compared with the chart's keys, the Dockerfile and docker-compose.yaml.

Nothing here was applied to a cluster, and no chart is rendered: neither is at hand.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from moto.server import ThreadedMotoServer

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "deploy" / "kubernetes"
# Objects whose keys are Kubernetes' or Airflow's, not the chart's.
FREE = ("nodeSelector", "tolerations", "resources", "annotations", "config", "capabilities")


@pytest.fixture(scope="module")
def values() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / "values.yaml").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yaml").read_text("utf-8"))
    return found


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """What deploy/kubernetes/secrets.py prints from drawn secrets, by name."""
    env_file = tmp_path_factory.mktemp("secrets") / ".env"
    for command in (
        [ROOT / "deploy" / "make_secrets.py", env_file],
        [FOLDER / "secrets.py", "--postgres", "db.example.org:5433", "--env", env_file],
    ):
        done = subprocess.run([sys.executable, *command], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    manifests = json.loads(done.stdout)["items"]
    assert {(one["apiVersion"], one["kind"]) for one in manifests} == {("v1", "Secret")}
    return {one["metadata"]["name"]: one["stringData"] for one in manifests}


def paths(value: Any, above: str = "") -> Iterator[tuple[str, str]]:
    """Each leaf, with the type that JSON has for it; lists and free-form objects are leaves."""
    if isinstance(value, dict) and above.rsplit(".", 1)[-1] not in FREE:
        for name, inner in value.items():
            yield from paths(inner, f"{above}.{name}".lstrip("."))
    else:
        kinds = {dict: "object", list: "array", bool: "boolean", int: "integer", str: "string"}
        yield above, kinds[type(value)]


def test_every_key_is_one_of_the_charts_and_of_its_type(values: dict[str, Any]) -> None:
    lines = (FOLDER / "chart_keys.txt").read_text(encoding="utf-8").splitlines()
    known = dict(line.split(" ", 1) for line in lines if line and not line.startswith("#"))

    found = dict(paths(values))

    assert len(found) > 60
    assert {path: kind for path, kind in found.items() if known.get(path) != kind} == {}
    assert set(known) == set(found)


def test_the_image_is_the_worker_of_this_release(values: dict[str, Any]) -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    image = values["images"]["airflow"]

    assert f"\napache-airflow=={values['airflowVersion']} " in lock
    assert f'\nversion = "{image["tag"]}"\n' in project
    assert image["repository"].endswith("/emotion-batch-scoring-worker")
    # What S3 needs is in it.
    assert "\napache-airflow-providers-amazon==" in lock
    assert "apache-airflow-providers-amazon" not in (ROOT / "deploy/not_in_images.txt").read_text()


def test_nobody_is_root_and_nothing_gains_rights(values: dict[str, Any]) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    [(user, group)] = re.findall(r"^USER (\d+):(\d+)$", dockerfile, re.MULTILINE)
    pod = values["securityContexts"]["pod"]

    assert (pod["runAsUser"], pod["runAsGroup"]) == (int(user), int(group))
    assert (values["uid"], values["gid"]) == (int(user), int(group))
    assert pod["runAsNonRoot"] is values["redis"]["securityContexts"]["pod"]["runAsNonRoot"] is True
    for part in (
        *("apiServer", "scheduler", "dagProcessor", "triggerer", "workers"),
        *("migrateDatabaseJob", "redis"),
    ):
        container = values[part]["securityContexts"]["container"]
        assert container == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
        assert values[part]["resources"]["limits"]["memory"], part


def test_every_secret_it_names_is_made_with_the_key_it_reads(
    values: dict[str, Any], secrets: dict[str, dict[str, str]]
) -> None:
    data = values["data"]
    read = {
        **{data[name]: {"connection"} for name in data},
        values["redis"]["passwordSecretName"]: {"password"},
        values["fernetKeySecretName"]: {"fernet-key"},
        values["apiSecretKeySecretName"]: {"api-secret-key"},
        values["jwtSecretName"]: {"jwt-secret"},
    }
    for one in values["secret"]:
        read.setdefault(one["secretName"], set()).add(one["secretKey"])
    [script] = [word for word in values["migrateDatabaseJob"]["args"] if "\n" in word]
    [mounted] = values["migrateDatabaseJob"]["extraVolumes"]
    read[mounted["secret"]["secretName"]] = set(re.findall(r"/run/emotion-init/([\w-]+)", script))

    assert {name: set(keys) for name, keys in secrets.items()} == read


def test_addresses_hold_the_drawn_passwords_and_the_hosts(
    secrets: dict[str, dict[str, str]],
) -> None:
    databases = {
        "airflow": secrets["emotion-airflow-database"]["connection"],
        "emotion_app": secrets["emotion-app"]["database-url"],
        "emotion_migrate": secrets["emotion-init"]["migrate-database-url"],
    }
    broker = urlsplit(secrets["emotion-celery-broker"]["connection"])

    for login, address in databases.items():
        parts = urlsplit(address)
        assert (parts.username, parts.hostname, parts.port) == (login, "db.example.org", 5433)
        assert len(unquote(parts.password or "")) >= 20
    assert unquote(broker.password or "") == secrets["emotion-redis"]["password"]
    assert secrets["emotion-celery-results"]["connection"].startswith("db+postgresql://airflow:")


def test_no_secret_is_written_into_the_values(values: dict[str, Any]) -> None:
    for one in values["env"]:
        assert not re.search("PASSWORD|SECRET|_KEY|DATABASE_URL|WEBHOOK", one["name"]), one
    assert not re.search(r"://[^/\s]*:[^/\s]*@", (FOLDER / "values.yaml").read_text("utf-8"))
    assert values["webserver"]["defaultUser"]["enabled"] is False  # its password would be `admin`
    assert values["postgresql"]["enabled"] is False  # its password would be `postgres`


def test_only_the_job_that_migrates_may_change_tables(
    values: dict[str, Any], secrets: dict[str, dict[str, str]]
) -> None:
    everywhere = {one["secretName"] for one in values["secret"]}
    holders = [
        part
        for part, section in values.items()
        if isinstance(section, dict)
        for volume in section.get("extraVolumes", [])
        if volume.get("secret", {}).get("secretName") == "emotion-init"
    ]

    assert "emotion-init" not in everywhere
    assert holders == ["migrateDatabaseJob"]
    assert (ROOT / "deploy" / "init.sh").is_file()


def test_settings_are_those_of_the_composed_installation_but_for_addresses(
    values: dict[str, Any], compose: dict[str, Any]
) -> None:
    here = {one["name"] for one in values["env"]} | {one["envName"] for one in values["secret"]}
    there = set(compose["services"]["airflow-scheduler"]["environment"])
    # By the chart itself, or by keys of their own in values.yaml.
    by_the_chart = {
        "AIRFLOW__API_AUTH__JWT_SECRET",
        "AIRFLOW__API__SECRET_KEY",
        "AIRFLOW__CELERY__BROKER_URL",
        "AIRFLOW__CELERY__RESULT_BACKEND",
        "AIRFLOW__CORE__AUTH_MANAGER",
        "AIRFLOW__CORE__DAGS_FOLDER",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL",
        "AIRFLOW__CORE__EXECUTOR",
        "AIRFLOW__CORE__FERNET_KEY",
        "AIRFLOW__CORE__LOAD_EXAMPLES",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
    }
    of_the_reader = {
        "AIRFLOW__METRICS__OTEL_ON",
        "EMOTION_ALERT_EMAIL",
        "EMOTION_ALERT_WEBHOOK",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
    }
    in_compose_alone = {"AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK"}

    assert here - there == {"AIRFLOW_CONN_AWS_DEFAULT"}
    assert there - here == by_the_chart | of_the_reader | in_compose_alone


def test_folders_and_commands_are_those_of_the_image(values: dict[str, Any]) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copied = set(re.findall(r"^COPY (?!--from)\S+ (\S+)$", dockerfile, re.MULTILINE))
    env = {one["name"]: one["value"] for one in values["env"]}
    text = (FOLDER / "values.yaml").read_text(encoding="utf-8")

    assert {values["config"]["core"]["dags_folder"], env["AIRFLOW__CORE__PLUGINS_FOLDER"]} <= copied
    assert values["volumeMounts"][0]["mountPath"] == env["EMOTION_HOME"]
    assert "/entrypoint" not in text and "/clean-logs" not in text
    for part in ("scheduler", "dagProcessor", "triggerer", "workers"):
        assert values[part]["livenessProbe"]["command"][:2] == ["sh", "-c"]
        assert values[part]["logGroomerSidecar"]["enabled"] is False


def test_workers_have_a_gpu_and_serve_every_queue_of_the_dags(values: dict[str, Any]) -> None:
    workers = values["workers"]
    env = {one["name"]: one["value"] for one in values["env"]}
    named = {
        name
        for path in (ROOT / "dags").glob("*.py")
        for name in re.findall(r'queue="(\w+)"', path.read_text(encoding="utf-8"))
    }

    served = set(re.findall(r"--queues ([\w,]+)", workers["args"][-1])[0].split(","))

    assert served == named | {env["AIRFLOW__OPERATORS__DEFAULT_QUEUE"]}
    assert workers["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert workers["tolerations"] == [
        {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
    ]
    assert workers["nodeSelector"] == {"nvidia.com/gpu.present": "true"}
    assert {"name": "EMOTION_DEVICE", "value": "cuda"} in workers["env"]


def test_logs_of_tasks_go_to_the_bucket_that_it_names(
    values: dict[str, Any], tmp_path: Path
) -> None:
    """Airflow's own upload, with these very settings, to a server that speaks S3."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    settings = {
        f"AIRFLOW__LOGGING__{name.upper()}": value
        for name, value in values["config"]["logging"].items()
    }
    store = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "a secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    program = (
        "import boto3, pathlib\n"
        "boto3.client('s3').create_bucket(Bucket='emotion-logs')\n"
        "from airflow.config_templates.airflow_local_settings import REMOTE_TASK_LOG as remote\n"
        "written = pathlib.Path(remote.base_log_folder, 'dag_id=x/attempt=1.log')\n"
        "written.parent.mkdir(parents=True)\n"
        "written.write_text('said a task')\n"
        "remote.upload(written)\n"
        "stored = boto3.client('s3').get_object(\n"
        "    Bucket='emotion-logs', Key='airflow/dag_id=x/attempt=1.log')\n"
        "print(stored['Body'].read().decode(), written.exists())\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        env={
            "AIRFLOW_HOME": str(tmp_path),
            "AIRFLOW_CONN_AWS_DEFAULT": {e["name"]: e["value"] for e in values["env"]}[
                "AIRFLOW_CONN_AWS_DEFAULT"
            ],
            "PYTHONWARNINGS": "ignore",
            "NO_PROXY": "*",
            **settings,
            **store,
        },
        capture_output=True,
        text=True,
    )
    server.stop()

    assert done.stdout.splitlines()[-1:] == ["said a task False"], done.stderr[-2000:]
