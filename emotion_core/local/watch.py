"""Reasons to stop: a signal, the end of whoever started us, the end of something we started."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType

from emotion_core.local.processes import Child

_POLL_S = 0.5
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
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
        self._pending: Stop | None = None
        self._raised_at = -_REPEAT_S
        self._is_stopping = False
        self._ended = threading.Event()
        self._before: dict[int, object] = {}

    def add(self, child: Child) -> None:
        """From now on, the end of this process is a reason to stop."""
        self._children = [*self._children, child]

    def reap(self) -> None:
        """Take note of the end of every process that was ended."""
        for child in self._children:
            child.reap()

    def give_way(self) -> None:
        """After an error: wait until the end of something that we started would have been noticed.

        Raises:
            Stop: It was; that is the reason, and the error its consequence.
        """
        time.sleep(2 * _POLL_S)

    def stand_down(self) -> None:
        """From now on nothing interrupts us: we are stopping."""
        self._is_stopping = True

    def __enter__(self) -> "Watch":
        self._before = {number: signal.signal(number, self._on_signal) for number in _SIGNALS}
        threading.Thread(target=self._poll, name="watch", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stand_down()
        self._ended.set()
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _poll(self) -> None:
        while not self._ended.wait(_POLL_S):
            if self._is_stopping or self._pending is not None:
                continue
            if os.getppid() != self._parent:
                self._pending = Stop("the program that started this one has ended", is_failure=True)
            for child in self._children:
                with contextlib.suppress(OSError):
                    child.keep_log_small()
                if not child.is_alive:
                    self._pending = Stop(
                        f"{child.name} ended by itself; the end of {child.log_path}:\n"
                        f"{child.last_lines()}",
                        is_failure=True,
                    )
                    break
            if self._pending is not None:
                # Wakes the main thread, which alone may be interrupted.
                os.kill(os.getpid(), signal.SIGTERM)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._is_stopping:
            if number == signal.SIGINT:
                self._say("still stopping …")
            return
        # Closing a terminal sends several signals at once; one is enough, but should somebody
        # have swallowed it, a later one counts again.
        if time.monotonic() - self._raised_at < _REPEAT_S:
            return
        self._raised_at = time.monotonic()
        if self._pending is None:
            name = signal.Signals(number).name
            self._say(f"{name} received: stopping")
            raise Stop(f"{name} received", is_failure=False)
        raise self._pending
