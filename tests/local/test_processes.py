"""Processes are recognised, found and ended; what is not ours is left alone."""

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from waiting import wait_until

from emotion_core.local import processes
from emotion_core.local.guardian import Guardian
from emotion_core.local.home import Home
from emotion_core.local.processes import Record
from emotion_core.local.shutdown import end_everything
from emotion_core.local.watch import Stop, Watch

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "print('deaf', flush=True); time.sleep(600)",
]
PARENT = [
    sys.executable,
    "-c",
    "import subprocess, sys, time; "
    f"subprocess.Popen([sys.executable, '-c', {SLEEP[2]!r}], start_new_session=True); "
    "time.sleep(600)",
]


def test_a_process_is_not_taken_for_a_later_one_with_its_number(home: Home) -> None:
    child = processes.start(home, "sleeper", SLEEP, {})
    record = Record.of("sleeper", child.popen.pid)

    earlier = replace(record, created=record.created - 3600)

    assert record.process() is not None
    assert earlier.process() is None
    end_everything(home)
    child.reap()


def test_ending_everything_ends_children_in_sessions_of_their_own(home: Home) -> None:
    child = processes.start(home, "parent", PARENT, {})
    wait_until(lambda: len(processes.of_home(home)) == 2)
    family = processes.of_home(home)

    ended = end_everything(home)

    child.reap()
    assert len(family) == 2
    assert ended == ["parent"]
    assert processes.of_home(home) == []
    assert processes.recorded(home) == []


def test_an_orphan_without_a_record_is_found_by_its_marker(home: Home) -> None:
    child = processes.start(home, "parent", PARENT, {})
    wait_until(lambda: len(processes.of_home(home)) == 2)
    processes.forget(home)
    child.popen.kill()
    child.reap()

    orphans = processes.of_home(home)
    end_everything(home)

    assert len(orphans) == 1
    assert processes.of_home(home) == []


def test_a_process_that_gave_itself_a_title_is_found_by_its_marker(home: Home) -> None:
    titled = "from setproctitle import *; setproctitle('airflow worker'); print(1, flush=True)"
    command = [sys.executable, "-c", f"{titled}; import time; time.sleep(600)"]
    # As Airflow's processes are started; without it the title overwrites the environment.
    child = processes.start(home, "worker", command, {"SPT_NOENV": "1"})
    wait_until(lambda: child.last_lines() == "1")
    processes.forget(home)

    found = processes.of_home(home)
    end_everything(home)
    child.reap()

    assert [process.pid for process in found] == [child.popen.pid]


def test_a_process_that_ignores_the_request_is_killed(home: Home) -> None:
    child = processes.start(home, "stubborn", STUBBORN, {})
    wait_until(lambda: "deaf" in child.last_lines())

    processes.end([psutil.Process(child.popen.pid)], patience_s=0.2)

    assert child.popen.wait(timeout=10) == -9


def test_processes_of_another_home_are_left_alone(home: Home, tmp_path: Path) -> None:
    other = Home(tmp_path / "other")
    other.make()
    child = processes.start(other, "sleeper", SLEEP, {})

    assert end_everything(home) == []

    assert child.is_alive
    end_everything(other)
    child.reap()


def test_the_log_of_the_time_before_is_kept(home: Home) -> None:
    for text in ("first", "second"):
        child = processes.start(home, "speaker", [sys.executable, "-c", f"print({text!r})"], {})
        child.popen.wait()

    assert child.last_lines() == "second"
    assert (home.logs_dir / "speaker.log.1").read_text() == "first\n"


def test_a_log_that_grows_long_starts_anew(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_MAX_LOG_BYTES", 10)
    speak = "import sys\nfor line in sys.stdin: print(line.strip(), flush=True)"
    child = processes.start(
        home, "speaker", [sys.executable, "-c", f"print('x' * 50)\n{speak}"], {}
    )
    child.popen.wait()

    child.keep_log_small()

    assert child.log_path.stat().st_size == 0
    assert (home.logs_dir / "speaker.log.1").read_text() == "x" * 50 + "\n"


def test_the_guardian_ends_what_a_killed_starter_left(home: Home) -> None:
    script = (
        "import os, sys; from pathlib import Path\n"
        "from emotion_core.local import processes\n"
        "from emotion_core.local.guardian import Guardian\n"
        "from emotion_core.local.home import Home\n"
        "home = Home(Path(sys.argv[1]))\n"
        "with Guardian(home):\n"
        f"    processes.start(home, 'sleeper', {SLEEP!r}, {{}})\n"
        "    os.kill(os.getpid(), 9)\n"
    )

    done = subprocess.run([sys.executable, "-c", script, str(home.path)], check=False)
    left = processes.of_home(home)
    wait_until(lambda: processes.of_home(home) == [] and processes.recorded(home) == [])

    assert done.returncode == -9
    assert len(left) == 1
    assert processes.of_home(home) == []


def test_the_guardian_of_an_orderly_end_touches_nothing(home: Home) -> None:
    with Guardian(home):
        child = processes.start(home, "sleeper", SLEEP, {})

    assert child.is_alive
    end_everything(home)
    child.reap()


def test_the_end_of_a_child_is_a_reason_to_stop_that_shows_its_last_words(home: Home) -> None:
    with pytest.raises(Stop) as stopped, Watch(print) as watch:
        watch.add(
            processes.start(home, "speaker", [sys.executable, "-c", "print('no more room')"], {})
        )
        time.sleep(60)

    assert stopped.value.is_failure
    assert "speaker ended by itself" in stopped.value.reason
    assert "no more room" in stopped.value.reason


def test_a_signal_is_a_reason_to_stop_until_we_are_stopping(home: Home) -> None:
    said: list[str] = []
    with Watch(said.append) as watch:
        with pytest.raises(Stop) as stopped:
            psutil.Process().send_signal(2)
            time.sleep(60)
        watch.stand_down()
        psutil.Process().send_signal(2)

    assert not stopped.value.is_failure
    assert said == ["SIGINT received: stopping", "still stopping …"]


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
