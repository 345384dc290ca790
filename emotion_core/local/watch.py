"""Reasons to stop: a signal, the end of whoever started us, the end of something we started."""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from types import FrameType, TracebackType

from emotion_core.local.processes import Child

_POLL_S = 0.5
_REPEAT_S = 3.0


class Stop(BaseException):
    """Raised in the main thread, wherever it is. Not an error: nothing may swallow it by habit."""

    def __init__(self, reason: str, *, is_failure: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_failure = is_failure


class Watch:
    """For the length of a ``with`` block, turns every reason to stop into :class:`Stop`."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._children: list[Child] = []
        self._parent = os.getppid()
        self._stop: Stop | None = None
        self._is_stopping = False
        self._before: dict[signal.Signals, object] = {}

    def add(self, child: Child) -> None:
        """From now on, the end of this process is a reason to stop."""
        self._children.append(child)

    def wait_for_reason(self) -> None:
        """After an error: wait until the end of something that we started would have been noticed.

        Raises:
            Stop: It was; that is the reason, and the error its consequence.
        """
        time.sleep(2 * _POLL_S)

    def wait(self) -> None:
        """Wait until somebody asks us to stop.

        Raises:
            Stop: Something else was a reason to.
        """
        try:
            while True:
                signal.pause()
        except Stop as stop:
            if stop.is_failure:
                raise

    def stop_watching(self) -> None:
        """From now on nothing interrupts us: we are stopping."""
        self._is_stopping = True

    def __enter__(self) -> "Watch":
        handlers = dict.fromkeys((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), self._on_signal)
        handlers[signal.SIGALRM] = self._on_alarm
        self._before = {number: signal.signal(number, do) for number, do in handlers.items()}
        self._timer_before = signal.setitimer(signal.ITIMER_REAL, _POLL_S, _POLL_S)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop_watching()
        signal.setitimer(signal.ITIMER_REAL, *self._timer_before)
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        if self._is_stopping:
            if number == signal.SIGINT:
                self._say("still stopping …")
        elif self._stop is None:  # closing a terminal sends several signals at once
            self._say(f"{name} received: stopping")
            self._raise(Stop(f"{name} received", is_failure=False))

    def _on_alarm(self, number: int, frame: FrameType | None) -> None:
        if not self._is_stopping and (stop := self._stop or self._find_reason()) is not None:
            self._raise(stop)

    def _raise(self, stop: Stop) -> None:
        self._stop = stop
        # Raised again after a while, should somebody have swallowed it.
        signal.setitimer(signal.ITIMER_REAL, _REPEAT_S, _REPEAT_S)
        raise stop

    def _find_reason(self) -> Stop | None:
        if os.getppid() != self._parent:
            return Stop("the program that started this one has ended", is_failure=True)
        for child in self._children:
            with contextlib.suppress(OSError):
                child.keep_log_small()
            if not child.is_alive:
                return Stop(
                    f"{child.name} ended by itself; the end of {child.log_path}:\n"
                    f"{child.last_lines()}",
                    is_failure=True,
                )
        return None
