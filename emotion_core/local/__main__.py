"""``python -m emotion_core.local``: what the Makefile's targets call."""

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable

from emotion_core.errors import EmotionError, LocalSystemError
from emotion_core.local import postgres_place, processes
from emotion_core.local.display import Display, complain
from emotion_core.local.guardian import Guardian
from emotion_core.local.home import Home
from emotion_core.local.instance import Instance, State, show_way_in, supervisor
from emotion_core.local.machine import sentence
from emotion_core.local.shutdown import end_everything
from emotion_core.local.watch import Stop, Watch
from emotion_core.settings import Settings
from emotion_core.store.address import psql_address

_OTHERS_PATIENCE_S = 300.0
_STOPPING_PATIENCE_S = 75.0

Journey = Callable[[State], None]
"""What to do with a running system."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except EmotionError as error:
        complain(str(error))
    except OSError as error:
        reason = sentence(error)
        if reason is None:
            raise
        complain(reason)
    except KeyboardInterrupt:
        return 130
    return 1


def _up(options: argparse.Namespace) -> int:
    display = Display()
    return _run(display, _port(options.port), journey=None, stays=True)


def _demo(options: argparse.Namespace) -> int:
    from emotion_core.local.demo import Demo, existing_data
    from emotion_core.local.demo_weights import WeightsCheck

    # Before anything is started: a slip of the pen in a path should not cost a minute.
    data = existing_data(options.data) if options.data else None
    port = _port(options.port)
    settings = Settings.from_environment()
    display = Display()
    with WeightsCheck(settings) as check:

        def journey(state: State) -> None:
            demo = Demo(settings, state, display, check, faces=options.faces, epochs=options.epochs)
            demo.run(data)

        return _run(display, port, journey=journey, stays=not options.exit)


def _run(display: Display, port: int | None, journey: Journey | None, stays: bool) -> int:
    """Start the system, or join the one that runs already in this home."""
    home = Home(Settings.from_environment().home)
    home.make()
    deadline = time.monotonic() + _OTHERS_PATIENCE_S
    is_told = False
    while True:
        with home.locked() as is_ours:
            if is_ours:
                return _start(home, display, port, journey, stays)
        state = State.read(home)
        if state is not None:
            return _join(home, state, display, journey)
        if time.monotonic() > deadline:
            raise LocalSystemError(
                f"another process has been starting or stopping the system in {home.path} for "
                f"{_OTHERS_PATIENCE_S:.0f} seconds; run `make down` and try again"
            )
        if not is_told:
            display.say("another process is starting or stopping the system here; waiting for it")
            is_told = True
        time.sleep(0.3)


def _start(
    home: Home, display: Display, port: int | None, journey: Journey | None, stays: bool
) -> int:
    is_done = False
    with Watch(display.say) as watch:
        settings = Settings.from_environment()
        instance = Instance(home, settings, dict(os.environ), display, watch)
        try:
            with Guardian(home):
                try:
                    try:
                        state = instance.start(port)
                        if journey is not None:
                            journey(state)
                    except Exception:
                        watch.give_way()
                        raise
                    is_done = True
                    if stays:
                        if journey is None:
                            show_way_in(display, state)
                        display.show("Ctrl-C stops everything.")
                        while True:
                            signal.pause()
                    display.say("ending as asked; `make up` starts it again to look around")
                finally:
                    instance.stop()
        except Stop as stop:
            if stop.is_failure:
                complain(stop.reason)
                return 1
            return 0 if is_done else 130
    return 0


def _join(home: Home, state: State, display: Display, journey: Journey | None) -> int:
    if journey is None:
        display.say(f"already running: {state.airflow_url}  (make down stops it)")
        return 0
    display.say(f"joining the system that runs here already: {state.airflow_url}")
    try:
        journey(state)
    except Exception as error:
        if State.read(home) is None:
            raise LocalSystemError("the system was stopped from elsewhere meanwhile") from error
        raise
    return 0


def _down(options: argparse.Namespace) -> int:
    display = Display()
    home = Home(Settings.from_environment().home)
    if home.is_made:
        home.require_owner()
        stopped = _stop(home, display)
    else:  # perhaps removed by hand, with what runs in it still running
        stopped = end_everything(home)
    display.say(f"stopped {', '.join(stopped)}" if stopped else "nothing runs here")
    return 0


def _stop(home: Home, display: Display) -> list[str]:
    names = [record.name for record in processes.recorded(home) if record.process() is not None]
    running = supervisor(home)
    if running is not None:
        with display.waiting("stopping …"):
            processes.send(running, signal.SIGTERM)
            processes.kill(processes.wait_for_end([running], _STOPPING_PATIENCE_S))
    with home.locked(_STOPPING_PATIENCE_S) as is_ours:
        if not is_ours:
            raise LocalSystemError(
                f"another process is starting or stopping the system in {home.path}; try again"
            )
        return names + [name for name in end_everything(home) if name not in names]


def _clean(options: argparse.Namespace) -> int:
    display = Display()
    home = Home(Settings.from_environment().home)
    if home.path.exists():
        home.require_removable()
        _stop(home, display)
    else:  # perhaps removed by hand; root's databases lie elsewhere
        end_everything(home)
    postgres_place.remove(home)
    if home.path.exists():
        home.remove()
    postgres_place.remove_shared_programs()
    display.say(f"removed {home.path} with its databases, models, reports and logs")
    display.say("kept .venv: `make distclean` removes it too")
    return 0


def _psql(options: argparse.Namespace) -> int:
    state = State.read(Home(Settings.from_environment().home))
    if state is None:
        raise LocalSystemError("nothing runs here; start it with `make up` or `make demo`")
    environment = dict(os.environ)
    if state.password_file is not None:
        environment["PGPASSFILE"] = state.password_file
    elif password := psql_address(state.database_url, "EMOTION_DATABASE_URL")[1]:
        environment["PGPASSWORD"] = password
    command = [*state.psql, *(("-c", options.command) if options.command else ())]
    try:
        os.execvpe(command[0], command, environment)  # noqa: S606 - replaces this process
    except FileNotFoundError as error:
        raise LocalSystemError("there is no psql here: install postgresql-client") from error


def _emotion(options: argparse.Namespace) -> int:
    environment = dict(os.environ)
    if "EMOTION_DATABASE_URL" not in environment:
        state = State.read(Home(Settings.from_environment().home))
        if state is None:
            raise LocalSystemError("nothing runs here; start it with `make up` or `make demo`")
        # In the environment, not on a command line: it holds a password.
        environment["EMOTION_DATABASE_URL"] = state.database_url
    command = [sys.executable, "-m", "emotion_core.cli", *options.arguments]
    os.execve(command[0], command, environment)  # noqa: S606 - replaces this process


def _port(text: str | None) -> int | None:
    if not text:
        return None
    if not text.isdecimal():
        raise LocalSystemError(f"PORT is {text!r}; use a number from 1 to 65535")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m emotion_core.local", description=__doc__)
    commands = parser.add_subparsers(required=True)
    up = commands.add_parser("up", help="start PostgreSQL and Airflow; Ctrl-C stops them")
    up.set_defaults(run=_up)
    demo = commands.add_parser("demo", help="the main job, end to end")
    demo.add_argument("--data", help="folder or zip in AffectNet's layout; default: drawn faces")
    demo.add_argument("--exit", action="store_true", help="stop everything afterwards")
    demo.add_argument("--faces", type=int, help="how many to draw per expression")
    demo.add_argument("--epochs", type=int, help="of training; default: what the preset says")
    demo.set_defaults(run=_demo)
    for command in (up, demo):
        command.add_argument("--port", help="for Airflow's pages; default: 8080 or the next free")
    down = commands.add_parser("down", help="stop what runs here")
    down.set_defaults(run=_down)
    clean = commands.add_parser("clean", help="stop, then remove all state")
    clean.set_defaults(run=_clean)
    psql = commands.add_parser("psql", help="look around in the database, as the analyst")
    psql.add_argument("--command", help="one statement instead of a session")
    psql.set_defaults(run=_psql)
    emotion = commands.add_parser("emotion", help="the command `emotion` on what runs here")
    emotion.add_argument("arguments", nargs=argparse.REMAINDER)
    emotion.set_defaults(run=_emotion)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
