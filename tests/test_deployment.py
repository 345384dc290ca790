"""docker-compose.yaml, read as what it will be: valid, without a default secret, checked."""

import re
import secrets
import stat
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, entry_points, requires
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from emotion_core.store.weak_secrets import weak_variables

ROOT = Path(__file__).parents[1]
COMPOSE = ROOT / "docker-compose.yaml"


@pytest.fixture(scope="module")
def compose() -> dict:
    return yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))


def test_the_file_follows_the_compose_specification() -> None:
    result = subprocess.run(
        [
            Path(sys.executable).with_name("check-jsonschema"),
            *("--builtin-schema", "vendor.compose-spec", COMPOSE),
        ],
        capture_output=True,
        text=True,
    )

    assert result.returncode == 0, result.stdout + result.stderr


def test_every_secret_must_be_given_and_none_has_a_default(compose: dict) -> None:
    text = COMPOSE.read_text(encoding="utf-8")
    secret_variables = re.findall(r"\$\{(\w*(?:PASSWORD|SECRET|KEY)\w*)(:?[^}]*)\}", text)

    assert len(secret_variables) > 10
    for name, rest in secret_variables:
        assert rest == ":?run make secrets", name


def test_make_secrets_draws_exactly_what_is_asked_for(tmp_path: Path) -> None:
    text = COMPOSE.read_text(encoding="utf-8")
    asked = set(re.findall(r"\$\{(\w+):\?", text))
    script = ROOT / "deploy" / "make_secrets.py"

    for _ in range(2):
        subprocess.run([sys.executable, script, tmp_path / ".env"], check=True, capture_output=True)
        first = (tmp_path / ".env").read_text(encoding="utf-8")

    drawn = dict(line.split("=", 1) for line in first.splitlines())
    assert set(drawn) == asked
    assert all(len(value) >= 20 for value in drawn.values())
    assert len(set(drawn.values())) == len(drawn)
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


WEAK = {
    "AIRFLOW_ADMIN_PASSWORD": "admin",
    "AIRFLOW__API_AUTH__JWT_SECRET": "change-me-change-me-change-me",
    "AIRFLOW__API__SECRET_KEY": "temporary_key",
    "AIRFLOW__CELERY__BROKER_URL": "redis://:redis@redis:6379/0",
    "AIRFLOW__CORE__FERNET_KEY": "A" * 43 + "=",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql+psycopg2://airflow:airflow@postgres/airflow",
    "EMOTION_DATABASE_URL": "postgresql://emotion_app:postgres@postgres/emotion",
    "EMOTION_ERASURE_KEY": "secret-secret-secret-secret-secret",
    "EMOTION_MIGRATE_DATABASE_URL": "postgresql://emotion_migrate:password12345678@postgres/emotion",
}


def test_every_secret_of_init_is_looked_at_and_a_weak_one_keeps_it_from_starting(
    compose: dict,
) -> None:
    given = compose["services"]["init"]["environment"]
    holding = {
        name
        for name, value in given.items()
        if re.search(r"\$\{\w*(PASSWORD|SECRET|KEY)\w*:\?", str(value))
    }
    strong = {name: re.sub(r"\$\{\w+:\?[^}]*\}", drawn(), str(given[name])) for name in holding}

    assert holding - {"AIRFLOW__CELERY__RESULT_BACKEND"} == set(WEAK)
    assert weak_variables(strong) == []
    for name, value in WEAK.items():
        said = start("init.sh", {**strong, name: value})
        assert said.splitlines()[0].startswith(f"error: the secret in {name} "), said
        assert "nothing was started" in said and value not in said


def test_what_opens_other_systems_is_theirs_to_judge() -> None:
    others = {"AIRFLOW_CONN_SMTP_DEFAULT": "smtp://me:1234@mail", "AWS_SECRET_ACCESS_KEY": "short"}

    assert weak_variables(others) == []


def test_databases_are_not_made_with_a_short_password(compose: dict) -> None:
    given = {name for name in compose["services"]["postgres"]["environment"] if "PASSWORD" in name}
    strong = {name: drawn() for name in given}

    assert len(given) == 5
    for name in given:
        for weak in ("postgres", ""):
            said = start("databases.sh", {**strong, name: weak})
            assert said.startswith(f"error: the secret in {name} is shorter"), said


def drawn() -> str:
    return secrets.token_urlsafe(24)


def start(script: str, environment: dict[str, str]) -> str:
    """What a script of deploy/ says as it refuses; no program but Python and the shell is near."""
    python = f"{Path(sys.executable).parent}"
    done = subprocess.run(
        ["sh", ROOT / "deploy" / script],
        env={"PATH": f"{python}:/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    return done.stderr


def test_every_variable_is_documented_with_its_default(compose: dict) -> None:
    text = "\n".join(
        line
        for line in COMPOSE.read_text(encoding="utf-8").splitlines()
        if not line.lstrip().startswith("#")
    )
    asked = dict(re.findall(r"\$\{(\w+):[-?]([^}]*)\}", text))
    page = (ROOT / "docs" / "deploy" / "deployment.md").read_text(encoding="utf-8")
    documented = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", page, re.MULTILINE))

    assert {name: documented.get(name, "missing").strip("`") for name in asked} == {
        name: "drawn" if default == "run make secrets" else default or "none"
        for name, default in asked.items()
    }
    assert not re.findall(r"(?<!\$)\$\{?(\w+)\}?", re.sub(r"\$\{\w+:[-?][^}]*\}", "", text))


def test_no_password_or_key_is_written_into_the_file(compose: dict) -> None:
    for name, service in compose["services"].items():
        for variable, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET|KEY|_CONN$|BACKEND|BROKER|DATABASE_URL", variable):
                assert re.search(r"\$\{\w+:\?run make secrets\}", str(value)), (name, variable)


def test_every_service_is_limited_and_its_logs_rotate(compose: dict) -> None:
    for name, service in compose["services"].items():
        assert service["deploy"]["resources"]["limits"]["memory"], name
        assert set(service["logging"]["options"]) == {"max-size", "max-file"}, name


def test_every_lasting_service_is_health_checked(compose: dict) -> None:
    lasting = {name: s for name, s in compose["services"].items() if s["restart"] != "no"}

    assert set(compose["services"]) - set(lasting) == {"init"}
    assert [name for name, service in lasting.items() if not service.get("healthcheck")] == []


def test_services_wait_for_what_they_need(compose: dict) -> None:
    services = compose["services"]
    ready = {"postgres": "service_healthy", "redis": "service_healthy"}
    made = {"init": "service_completed_successfully"}

    def awaited(name: str) -> dict[str, str]:
        found = services[name].get("depends_on", {})
        return {other: how["condition"] for other, how in found.items()}

    assert awaited("init") == {"postgres": "service_healthy"}
    for name in set(services) - {"postgres", "redis", "init"}:
        assert awaited(name) == ready | made, name


def test_nothing_runs_as_root_or_gains_rights(compose: dict) -> None:
    for name, service in compose["services"].items():
        assert service["user"].split(":")[0] not in ("", "0", "root"), name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["cap_drop"] == ["ALL"], name
        assert not service.get("privileged"), name


def test_what_people_mount_is_read_only_but_the_inbox_where_erasing_may_remove_files(
    compose: dict,
) -> None:
    asked = "${EMOTION_INBOX:-./inbox}:/srv/inbox:${EMOTION_INBOX_MODE:-ro}"
    keeping = (ROOT / "dags" / "apply_retention.py").read_text(encoding="utf-8")

    writable = [
        (name, volume)
        for name, service in compose["services"].items()
        for volume in service.get("volumes", [])
        if volume.startswith((".", "/", "$")) and not volume.endswith(":ro")
    ]

    assert writable == [("worker-cpu", asked)]
    assert "queue=" not in keeping  # so it runs on the default queue, which worker-cpu serves
    for name, service in compose["services"].items():
        for volume in service.get("volumes", []):
            if not volume.startswith((".", "/", "$")):
                assert volume.split(":")[0] in compose["volumes"], (name, volume)


def test_the_worker_of_both_queues_mounts_what_the_others_do(compose: dict) -> None:
    def places(name: str) -> set[str]:
        return {
            volume.split(":/")[1].split(":")[0] for volume in compose["services"][name]["volumes"]
        }

    assert places("worker-cpu") == places("worker-gpu") == places("airflow-apiserver")


def test_people_log_in_through_fab_and_tasks_go_through_celery(compose: dict) -> None:
    for name in ("airflow-apiserver", "airflow-scheduler", "worker-cpu", "init"):
        environment = compose["services"][name]["environment"]
        assert environment["AIRFLOW__CORE__AUTH_MANAGER"].endswith(".FabAuthManager")
        assert environment["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"


def test_without_the_gpu_profile_every_queue_of_the_dags_is_served(compose: dict) -> None:
    always = [s for s in compose["services"].values() if not s.get("profiles")]
    words = [str(word) for s in always for word in s.get("command", [])]
    served = {
        queue
        for words in words
        if (found := re.fullmatch(r"\$\{EMOTION_CPU_QUEUES:-([\w,]+)\}", words))
        for queue in found[1].split(",")
    }
    named = {
        name
        for path in (ROOT / "dags").glob("*.py")
        for name in re.findall(r'queue="(\w+)"', path.read_text(encoding="utf-8"))
    }

    default = compose["services"]["worker-cpu"]["environment"]["AIRFLOW__OPERATORS__DEFAULT_QUEUE"]
    assert served == named | {default}


def test_only_workers_carry_torch(compose: dict) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^FROM code AS (\w+)$", dockerfile, re.MULTILINE))
    used = {
        name: service["build"]["target"]
        for name, service in compose["services"].items()
        if "build" in service
    }

    assert targets == {"control", "worker"} == set(used.values())
    assert {name for name, target in used.items() if target == "worker"} == {
        "worker-cpu",
        "worker-gpu",
    }
    assert re.search(r"^USER 50000", dockerfile, re.MULTILINE)


def test_what_the_images_go_without_is_in_the_lock_and_missed_by_nobody() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = set(re.findall(r"^([a-z0-9][\w.-]*)==", lock, re.MULTILINE))
    developers, heavy = (names_in(f"not_in_{image}.txt") for image in ("images", "control"))

    assert developers | heavy <= locked
    assert {name for name in locked if name.startswith(("nvidia-", "cuda-"))} <= heavy
    for kept, left_out in ((locked - developers, developers), (locked - developers - heavy, heavy)):
        assert {name: missed for name in kept if (missed := required_by(name) & left_out)} == {}


def test_the_control_plane_runs_without_what_its_image_goes_without() -> None:
    program = """
import importlib.util, sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BLOCKED:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Block())
import emotion_core.cli, emotion_core.steps, emotion_core.airflow.task_context
spec = importlib.util.spec_from_file_location("pages", "plugins/emotion_pages.py")
spec.loader.exec_module(importlib.util.module_from_spec(spec))
"""
    blocked = {"torch", "torchvision", "timm", "openvino", "simplejpeg", "triton"}

    result = subprocess.run(
        [sys.executable, "-c", f"BLOCKED = {blocked!r}\n{program}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert result.returncode == 0, result.stderr[-2000:]


def test_programs_that_the_services_run_come_with_the_lock(compose: dict) -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    scripts = {script.name: script for script in entry_points(group="console_scripts")}
    ours = [s for s in compose["services"].values() if "build" in s]
    programs = {s["command"][0] for s in ours} - {"sh"}
    shell = " ".join(
        word for s in ours for word in s.get("healthcheck", {}).get("test", []) if " " in word
    )
    programs |= {name for name in ("airflow", "celery") if f"{name} " in shell}

    assert programs == {"airflow", "celery"}
    for name in programs:
        assert re.search(rf"^{scripts[name].dist.name}==", lock, re.MULTILINE), name


def names_in(file: str) -> set[str]:
    lines = (ROOT / "deploy" / file).read_text(encoding="utf-8").splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def required_by(name: str) -> set[str]:
    """What a package cannot do without on Linux, without its extras."""
    try:
        found = [Requirement(text) for text in requires(name) or []]
    except PackageNotFoundError:  # for another Python or system than this one
        return set()
    return {
        canonicalize_name(one.name)
        for one in found
        if one.marker is None or one.marker.evaluate({"extra": ""})
    }


def test_only_the_ui_is_published_and_only_to_this_machine(compose: dict) -> None:
    published = {name: s["ports"] for name, s in compose["services"].items() if s.get("ports")}

    assert list(published) == ["airflow-apiserver"]
    assert published["airflow-apiserver"][0].startswith("${EMOTION_BIND:-127.0.0.1}:")


def test_the_gpu_worker_reserves_a_gpu_and_serves_its_queue(compose: dict) -> None:
    worker = compose["services"]["worker-gpu"]
    device = worker["deploy"]["resources"]["reservations"]["devices"][0]

    assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])
    assert worker["command"][-4:-2] == ["--queues", "gpu"]


def test_files_that_the_containers_run_exist(compose: dict) -> None:
    init = compose["services"]["init"]["command"]
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)

    assert (ROOT / Path(init[-1]).relative_to("/opt/emotion")).is_file()
    for volume in compose["services"]["postgres"]["volumes"][1:]:
        assert (ROOT / volume.split(":")[0]).exists(), volume
    assert len(copied) > 5
    for name in " ".join(copied).split():
        assert (ROOT / name).exists(), name
