"""Stages that work at the same time, joined by short queues.

A queue's length bounds the memory: a stage that is ahead waits. Whatever a stage raises stops all
of them and is raised again to whoever runs them.
"""

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

_POLL_SECONDS = 0.1


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


class BoundedQueue(Generic[T]):
    """A short queue from one stage to the next.

    Args:
        length: How many items may wait in it.
    """

    def __init__(self, stages: Stages, length: int) -> None:
        self._stop = stages.stop
        self._queue: queue.Queue[T | None] = queue.Queue(length)

    def put(self, item: T | None) -> None:
        """Hand an item over, waiting for room; None says that no further one comes.

        Dropped once the stages are to stop.
        """
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=_POLL_SECONDS)
                return
            except queue.Full:
                continue

    def __iter__(self) -> Iterator[T]:
        """Items until the end, or until the stages are to stop."""
        while not self._stop.is_set():
            try:
                item = self._queue.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
            if item is None:
                return
            yield item
