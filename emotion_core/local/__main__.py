"""``python -m emotion_core.local``: what the Makefile's targets call."""

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from emotion_core.cli.machine import sentence
from emotion_core.errors import EmotionError, LocalSystemError
from emotion_core.local import processes
from emotion_core.local.display import Display, complain
from emotion_core.local.guardian import Guardian, end_everything
from emotion_core.local.home import Home
from emotion_core.local.instance import Instance, State, show_access, supervisor
from emotion_core.local.postgres import PostgresServer
from emotion_core.local.watch import Stop, Watch
from emotion_core.settings import Settings
from emotion_core.store.address import psql_address

_OTHERS_PATIENCE_S = 300.0
_STOPPING_PATIENCE_S = 75.0

Work = Callable[[State], None]
"""What to do with a running system."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except EmotionError as error:
        complain(str(error))
    except OSError as error:
        reason = sentence(error)
        if reason is None:
            raise
        complain(reason)
    except Stop as stop:
        if not stop.is_failure:
            return 130
        complain(stop.reason)
    except KeyboardInterrupt:
        return 130
    else:
        return 0
    return 1


def _up(options: argparse.Namespace) -> None:
    display = Display()
    _run(display, _port(options.port), lambda state: show_access(display, state), stays=True)


def _demo(options: argparse.Namespace) -> None:
    from emotion_core.local.demo import Demo, existing_data, starting_weights

    # Before anything is started: a slip of the pen in a path should not cost a minute.
    data = existing_data(options.data) if options.data else None
    port = _port(options.port)
    settings = Settings.from_environment()
    display = Display()
    with starting_weights(settings) as weights:

        def work(state: State) -> None:
            demo = Demo(settings, state, display, faces=options.faces, epochs=options.epochs)
            demo.run(data, weights)

        _run(display, port, work, stays=not options.exit)


def _run(display: Display, port: int | None, work: Work, stays: bool) -> None:
    """Start the system, or join the one that runs already in this home."""
    home = Home(Settings.from_environment().home)
    home.make()
    deadline = time.monotonic() + _OTHERS_PATIENCE_S
    while time.monotonic() < deadline:
        with home.locked() as is_ours:
            if is_ours:
                return _start(home, display, port, work, stays)
        if (state := State.read(home)) is not None:
            return _join(home, state, display, work)
        with display.waiting("another process is starting or stopping the system here …"):
            time.sleep(1.0)
    raise LocalSystemError(
        f"another process has been starting or stopping the system in {home.path} for "
        f"{_OTHERS_PATIENCE_S:.0f} seconds; run `make down` and try again"
    )


def _start(home: Home, display: Display, port: int | None, work: Work, stays: bool) -> None:
    with Watch(display.say) as watch, Guardian(home):
        instance = Instance(home, Settings.from_environment(), dict(os.environ), display, watch)
        try:
            work(instance.start(port))
            if stays:
                display.show("Ctrl-C stops everything.")
                watch.wait()
            else:
                display.say("stopping, as EXIT=1 asks; `make up` starts it again")
        except Exception:
            watch.wait_for_reason()
            raise
        finally:
            instance.stop()


def _join(home: Home, state: State, display: Display, work: Work) -> None:
    display.say(f"already running: {state.airflow_url}  (make down stops it)")
    try:
        work(state)
    except Exception as error:
        if State.read(home) is None:
            raise LocalSystemError("the system was stopped from elsewhere meanwhile") from error
        raise


def _down(options: argparse.Namespace) -> None:
    home = Home(Settings.from_environment().home)
    if home.is_made:
        home.require_owner()
    Display().say("stopped" if _stop(home) else "nothing runs here")


def _stop(home: Home) -> bool:
    """End what runs in this home, also where the folder was removed by hand."""
    if not home.is_made:
        return bool(end_everything(home))
    running = supervisor(home)
    if running is not None:
        with Display().waiting("stopping …"):
            processes.send([running], signal.SIGTERM)
            left = processes.wait_for_end([running], _STOPPING_PATIENCE_S)
            processes.send(left, signal.SIGKILL)
    with home.locked(_STOPPING_PATIENCE_S) as is_ours:
        if not is_ours:
            raise LocalSystemError(
                f"another process is starting or stopping the system in {home.path}; try again"
            )
        return bool(end_everything(home)) or running is not None


def _clean(options: argparse.Namespace) -> None:
    display = Display()
    home = Home(Settings.from_environment().home)
    if home.path.exists():
        home.require_removable()
    _stop(home)
    PostgresServer(home, "").remove()  # its socket may lie outside of the home
    if home.path.exists():
        home.remove()
    display.say(f"removed {home.path} with its databases, models, reports and logs")
    display.say("kept .venv: `make distclean` removes it too")


def _psql(options: argparse.Namespace) -> None:
    state = _running_state()
    environment = dict(os.environ)
    address, password = psql_address(state.database_url, "EMOTION_DATABASE_URL")
    if password and address in state.psql:  # a server of the user's own
        environment["PGPASSWORD"] = password
    command = [*state.psql, *(("-c", options.command) if options.command else ())]
    try:
        os.execvpe(command[0], command, environment)  # noqa: S606 - replaces this process
    except FileNotFoundError as error:
        raise LocalSystemError("there is no psql here: install postgresql-client") from error


def _emotion(options: argparse.Namespace) -> None:
    environment = dict(os.environ)
    if "EMOTION_DATABASE_URL" not in environment:
        # In the environment, not on a command line: it holds a password.
        environment["EMOTION_DATABASE_URL"] = _running_state().database_url
    command = [sys.executable, "-m", "emotion_core.cli", *options.arguments]
    os.execve(command[0], command, environment)  # noqa: S606 - replaces this process


def _running_state() -> State:
    state = State.read(Home(Settings.from_environment().home))
    if state is None:
        raise LocalSystemError("nothing runs here; start it with `make up` or `make demo`")
    return state


def _port(text: str | None) -> int | None:
    if not text:
        return None
    if not text.isdecimal():
        raise LocalSystemError(f"PORT is {text!r}; use a number from 1 to 65535")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m emotion_core.local", description=__doc__)
    commands = parser.add_subparsers(required=True)

    def add(name: str, run: Callable[[argparse.Namespace], None], meaning: str) -> Any:
        command = commands.add_parser(name, help=meaning)
        command.set_defaults(run=run)
        return command

    up = add("up", _up, "start PostgreSQL and Airflow; Ctrl-C stops them")
    demo = add("demo", _demo, "the whole job once: train, compare, promote, score")
    demo.add_argument("--data", help="folder or zip in AffectNet's layout; default: drawn faces")
    demo.add_argument("--exit", action="store_true", help="stop everything afterwards")
    demo.add_argument("--faces", type=int, help="how many to draw per expression")
    demo.add_argument("--epochs", type=int, help="of training; default: what the preset says")
    for command in (up, demo):
        command.add_argument("--port", help="for Airflow's pages; default: 8080 or the next free")
    add("down", _down, "stop what runs here")
    add("clean", _clean, "stop, then remove all state")
    psql = add("psql", _psql, "psql on the running system's database, as the analyst")
    psql.add_argument("--command", help="one statement instead of a session")
    emotion = add("emotion", _emotion, "the command `emotion` on the running system")
    emotion.add_argument("arguments", nargs=argparse.REMAINDER)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
