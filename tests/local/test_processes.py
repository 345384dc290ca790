"""Processes are recognised, found and ended; what is not ours is left alone."""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from waiting import wait_until

from emotion_core.local import processes
from emotion_core.local.guardian import Guardian, end_everything
from emotion_core.local.home import Home
from emotion_core.local.instance import supervisor
from emotion_core.local.processes import MARKER, Child
from emotion_core.local.watch import Stop, Watch

SLEEP = "import time; time.sleep(600)"
PARENT = (
    "import subprocess, sys, time; "
    f"subprocess.Popen([sys.executable, '-c', {SLEEP!r}], start_new_session=True); {SLEEP}"
)


STARTED: list[Child] = []


def start(home: Home, script: str, **environment: str) -> Child:
    """A process of this home that runs a line of Python."""
    command = [sys.executable, "-c", script]
    STARTED.append(processes.start(home, "script", command, {MARKER: home.id, **environment}))
    return STARTED[-1]


def test_the_supervisor_is_not_taken_for_a_later_process_with_its_number(home: Home) -> None:
    us = psutil.Process()

    home.write_state({"pid": us.pid, "started": us.create_time()})
    ours = supervisor(home)
    home.write_state({"pid": us.pid, "started": us.create_time() - 3600})

    assert ours == us
    assert supervisor(home) is None


def test_ending_everything_kills_children_in_sessions_of_their_own(home: Home) -> None:
    child = start(home, PARENT)
    wait_until(lambda: len(processes.of_home(home)) == 2)
    family = processes.of_home(home)

    assert end_everything(home) == ["Airflow"]

    assert len(family) == 2
    assert processes.of_home(home) == []
    assert not child.is_alive


def test_a_supervisor_of_tasks_cannot_report_the_end_of_one(home: Home) -> None:
    reports = home.path / "reported"
    child = start(
        home,
        f"import subprocess, sys; task = subprocess.Popen([sys.executable, '-c', {SLEEP!r}]); "
        f"task.wait(); open({str(reports)!r}, 'w')",
    )
    wait_until(lambda: len(processes.of_home(home)) == 2)

    end_everything(home)

    assert not child.is_alive
    assert not reports.exists()


def test_an_orphan_is_found_by_its_marker(home: Home) -> None:
    child = start(home, PARENT)
    wait_until(lambda: len(processes.of_home(home)) == 2)
    child.popen.kill()
    child.popen.wait()

    orphans = processes.of_home(home)
    end_everything(home)

    assert len(orphans) == 1
    assert processes.of_home(home) == []


def test_a_process_that_gave_itself_a_title_is_found_by_its_marker(home: Home) -> None:
    titled = "from setproctitle import *; setproctitle('airflow worker'); print(1, flush=True)"
    # As Airflow's processes are started; without it the title overwrites the environment.
    child = start(home, f"{titled}; {SLEEP}", SPT_NOENV="1")
    wait_until(lambda: child.last_lines() == "1")

    assert [process.pid for process in processes.of_home(home)] == [child.popen.pid]


def test_a_process_that_its_parent_has_not_taken_note_of_has_ended() -> None:
    # Kept, because a Popen that is forgotten takes note of an end itself.
    dead = "import subprocess, sys; kept = subprocess.Popen(['true']); print(kept.pid, flush=True)"
    script = f"{dead}; sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        zombie = psutil.Process(int(parent.stdout.readline()))

        assert processes.wait_for_end([zombie], 30.0) == []
        assert zombie.is_running()


def test_processes_of_another_home_are_left_alone(home: Home, tmp_path: Path) -> None:
    other = Home(tmp_path / "other")
    other.make()
    child = start(other, SLEEP)

    assert end_everything(home) == []

    assert child.is_alive
    end_everything(other)


def test_the_log_of_the_time_before_is_kept(home: Home) -> None:
    for text in ("first", "second"):
        child = start(home, f"print({text!r})")
        child.popen.wait()

    assert child.last_lines() == "second"
    assert child.log_path.with_suffix(".log.1").read_text() == "first\n"
    assert child.log_path.stat().st_mode & 0o777 == 0o600


def test_a_log_that_grows_long_starts_anew(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_MAX_LOG_BYTES", 10)
    child = start(home, "print('x' * 50)")
    child.popen.wait()

    child.keep_log_small()

    assert child.log_path.stat().st_size == 0
    assert child.log_path.with_suffix(".log.1").read_text() == "x" * 50 + "\n"


def test_the_guardian_ends_what_a_killed_starter_left(home: Home) -> None:
    script = (
        "import os, sys; from pathlib import Path\n"
        "from emotion_core.local import processes\n"
        "from emotion_core.local.guardian import Guardian\n"
        "from emotion_core.local.home import Home\n"
        "home = Home(Path(sys.argv[1]))\n"
        "with Guardian(home):\n"
        f"    command = [sys.executable, '-c', {SLEEP!r}]\n"
        "    processes.start(home, 'sleeper', command, {processes.MARKER: home.id})\n"
        "    os.kill(os.getpid(), 9)\n"
    )

    done = subprocess.run([sys.executable, "-c", script, str(home.path)], check=False)
    left = processes.of_home(home)
    wait_until(lambda: processes.of_home(home) == [])

    assert done.returncode == -9
    assert len(left) == 1
    assert processes.of_home(home) == []


def test_the_guardian_of_an_orderly_end_touches_nothing(home: Home) -> None:
    with Guardian(home):
        child = start(home, SLEEP)

    assert child.is_alive


def test_the_end_of_a_child_is_a_reason_to_stop_that_shows_its_last_words(home: Home) -> None:
    with pytest.raises(Stop) as stopped, Watch(print) as watch:
        watch.add(start(home, "print('no more room')"))
        watch.wait()

    assert stopped.value.is_failure
    assert "script ended by itself" in stopped.value.reason
    assert "no more room" in stopped.value.reason


def test_a_signal_is_a_reason_to_stop_until_we_are_stopping() -> None:
    said: list[str] = []
    with Watch(said.append) as watch:
        with pytest.raises(Stop) as stopped:
            psutil.Process().send_signal(2)
            time.sleep(60)
        watch.stop_watching()
        psutil.Process().send_signal(2)

    assert not stopped.value.is_failure
    assert said == ["SIGINT received: stopping", "still stopping …"]


def test_a_reason_to_stop_that_was_swallowed_is_raised_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("emotion_core.local.watch._REPEAT_S", 0.1)
    with Watch(print):
        for _ in range(2):
            with pytest.raises(Stop):
                psutil.Process().send_signal(15)
                time.sleep(60)


def test_the_end_of_whoever_started_us_is_a_reason_to_stop(tmp_path: Path) -> None:
    inner = (
        "import sys, time; from pathlib import Path; from emotion_core.local.watch import *\n"
        "try:\n"
        "    with Watch(print):\n"
        "        Path(sys.argv[1]).write_text('up')\n"
        "        time.sleep(600)\n"
        "except Stop as stop:\n"
        "    Path(sys.argv[1]).write_text(stop.reason)\n"
    )
    told = tmp_path / "told"
    outer = "import subprocess, sys; subprocess.run([sys.executable, '-c', *sys.argv[1:]])"
    starter = subprocess.Popen([sys.executable, "-c", outer, inner, str(told)])
    wait_until(lambda: told.exists() and told.read_text() == "up")

    starter.kill()
    starter.wait()
    wait_until(lambda: told.read_text() != "up")

    assert told.read_text() == "the program that started this one has ended"
