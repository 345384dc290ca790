"""Stages that work at the same time, joined by short queues.

A queue's length bounds the memory: a stage that is ahead waits. Whatever a stage raises stops all
of them and is raised again to whoever runs them.
"""

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

_LOOK_SECONDS = 0.1


class Stages:
    """Threads that end together."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        """Set when any stage has failed or the work was called off."""
        self._threads: list[threading.Thread] = []
        self._failure: BaseException | None = None

    def start(self, name: str, run: Callable[[], None]) -> None:
        """Run a stage in a thread of its own."""

        def guarded() -> None:
            try:
                run()
            except BaseException as error:  # raised again in join()
                self.fail(error)

        thread = threading.Thread(target=guarded, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def fail(self, error: BaseException) -> None:
        """Stop every stage; the first failure is the one that counts."""
        if self._failure is None:
            self._failure = error
        self.stop.set()

    def join(self) -> None:
        """Wait for every thread.

        Raises:
            BaseException: What the first failing stage raised.
        """
        for thread in self._threads:
            thread.join()
        if self._failure is not None:
            raise self._failure


class Belt(Generic[T]):
    """A short queue from one stage to the next.

    Args:
        length: How many parcels may lie on it.
    """

    def __init__(self, stages: Stages, length: int) -> None:
        self._stop = stages.stop
        self._queue: queue.Queue[T | None] = queue.Queue(length)

    def put(self, parcel: T) -> None:
        """Hand a parcel over, waiting for room; dropped once the stages are to stop."""
        self._put(parcel)

    def end(self) -> None:
        """No further parcel comes."""
        self._put(None)

    def __iter__(self) -> Iterator[T]:
        """Parcels until the end, or until the stages are to stop."""
        while not self._stop.is_set():
            try:
                parcel = self._queue.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                continue
            if parcel is None:
                return
            yield parcel

    def _put(self, parcel: T | None) -> None:
        while not self._stop.is_set():
            try:
                self._queue.put(parcel, timeout=_LOOK_SECONDS)
                return
            except queue.Full:
                continue
