"""docker-compose.yaml, read as what it will be: valid, without a default secret, checked."""

import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

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


def test_every_lasting_service_is_health_checked_and_limited(compose: dict) -> None:
    for name, service in compose["services"].items():
        if name == "init":
            continue
        assert service.get("healthcheck"), name
        assert service["deploy"]["resources"]["limits"]["memory"], name
        assert service["logging"]["options"]["max-size"], name


def test_only_the_ui_is_published_and_only_to_this_machine(compose: dict) -> None:
    published = {name: s["ports"] for name, s in compose["services"].items() if s.get("ports")}

    assert list(published) == ["airflow-apiserver"]
    assert published["airflow-apiserver"][0].startswith("${EMOTION_BIND:-127.0.0.1}:")


def test_the_gpu_worker_reserves_a_gpu_and_serves_its_queue(compose: dict) -> None:
    worker = compose["services"]["worker-gpu"]
    device = worker["deploy"]["resources"]["reservations"]["devices"][0]

    assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])
    assert worker["command"][3:5] == ["--queues", "gpu"]


def test_pools_of_the_deployment_are_those_the_dags_use() -> None:
    import json

    pools = json.loads((ROOT / "deploy" / "pools.json").read_text(encoding="utf-8"))
    used = {
        name
        for path in (ROOT / "dags").glob("*.py")
        for name in re.findall(r'pool="(\w+)"', path.read_text(encoding="utf-8"))
    }

    assert used == set(pools)


def test_files_that_the_containers_run_exist(compose: dict) -> None:
    init = compose["services"]["init"]["command"]

    assert (ROOT / Path(init[-1]).relative_to("/opt/emotion")).is_file()
    for volume in compose["services"]["postgres"]["volumes"][1:]:
        assert (ROOT / volume.split(":")[0]).exists(), volume
