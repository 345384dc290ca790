"""Decoding in child processes: whatever an image does to its decoder, only a child goes down.

Image decoders are C code that reads what strangers wrote. Here they run in small processes that
hold no connection and no credentials, and that are limited in time, memory and files. A child that
crashes, hangs or eats memory is replaced; the image it was at is tried once more alone in a fresh
child, and refused when that one ends too. Its neighbours are decoded as if nothing had happened.

Importing this module needs neither torch nor Pillow's decoders; see ``decoding_child`` for what
runs in a child.
"""

import queue
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from emotion_core.errors import ImageRefused
from emotion_core.vision.decoder_process import DecoderGone, DecoderProcess
from emotion_core.vision.preprocessing import Preprocessing

FILES_PER_TRIP = 32
"""Images that travel to a child at once: the round trip costs nothing beside decoding them."""

BYTES_PER_TRIP = 32 * 1024 * 1024
"""A trip ends earlier when its files are large, so that children stay small."""

SECONDS_PER_IMAGE = 10.0
"""Wall-clock limit. 40 megapixels take about one second."""

MEMORY_LIMIT = 1024 * 1024 * 1024
"""Address space in bytes beyond what a fresh child has: several times what 40 megapixels need."""


@dataclass
class _Trip:
    """Images that one child is asked for: ``files[start:stop]``."""

    start: int
    stop: int


class DecodePool:
    """Child processes that turn files into a network's input pixels.

    Safe to use from several threads at once, also from a process in which torch runs threads:
    children are started afresh, never forked. Use it as a context manager or call :meth:`close`;
    children also end by themselves when this process does.

    Args:
        preprocessing: Decides the size of the result; part of the model.
        processes: Children side by side. One decodes as fast as the same code in this process.
        seconds_per_image: Wall-clock limit for one image, in seconds.
        memory_limit: Bytes of address space that decoding may take in a child (RLIMIT_AS, beyond
            what a fresh child has).

    Raises:
        ScoringError: No child can be started.
    """

    def __init__(
        self,
        preprocessing: Preprocessing,
        processes: int = 1,
        *,
        seconds_per_image: float = SECONDS_PER_IMAGE,
        memory_limit: int = MEMORY_LIMIT,
    ) -> None:
        self.preprocessing = preprocessing
        self.count_replaced = 0
        """Children that crashed, hung or ate memory, and were replaced."""
        self._options = {
            "preprocessing": preprocessing.to_dict(),
            "seconds_per_image": seconds_per_image,
            "memory_limit": memory_limit,
            "slots": FILES_PER_TRIP,
        }
        self._threads = ThreadPoolExecutor(max(1, processes), thread_name_prefix="decode")
        # None is the place of a child that is gone: whoever takes it starts another.
        self._children: queue.SimpleQueue[DecoderProcess | None] = queue.SimpleQueue()
        self._all: set[DecoderProcess] = set()
        try:
            for child in [self._start() for _ in range(max(1, processes))]:
                child.wait_until_ready()
                self._children.put(child)
        except BaseException:
            self.close()
            raise

    def decode_into(
        self, files: Sequence[bytes], out: NDArray[np.uint8]
    ) -> list[ImageRefused | None]:
        """Decode files straight into the caller's array, in order.

        Args:
            files: N whole files.
            out: uint8 [≥ N, S, S, 3], C-contiguous; row i becomes the pixels of file i exactly as
                ``preprocessing.pixels(decode(file))`` gives them. The row of a refused file is
                left as it was.

        Returns:
            N outcomes: None where the row holds pixels, otherwise why the file was refused. Codes
            are those of :func:`emotion_core.vision.images.decode` and ``decoder_crashed``,
            ``decode_timeout``, ``too_much_memory``.

        Raises:
            ScoringError: Children cannot be started any more (no memory, no processes left).
        """
        outcomes: list[ImageRefused | None] = [None] * len(files)
        trips = list(_trips(files))
        for _ in self._threads.map(lambda trip: self._travel(files, trip, out, outcomes), trips):
            pass
        return outcomes

    def decode_many(self, files: Sequence[bytes]) -> list[NDArray[np.uint8] | ImageRefused]:
        """As :meth:`decode_into`, with an array made here.

        Returns:
            For each file its pixels, uint8 [S, S, 3] (rows of one array), or its refusal.
        """
        side = self.preprocessing.image_size
        out = np.empty((len(files), side, side, 3), np.uint8)
        outcomes = self.decode_into(files, out)
        return [out[row] if refusal is None else refusal for row, refusal in enumerate(outcomes)]

    def close(self) -> None:
        """End every child; the pool cannot be used afterwards."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        for child in list(self._all):
            child.end()
        self._all.clear()

    def __enter__(self) -> "DecodePool":
        """The pool itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Ends every child."""
        self.close()

    def _travel(
        self,
        files: Sequence[bytes],
        trip: _Trip,
        out: NDArray[np.uint8],
        outcomes: list[ImageRefused | None],
    ) -> None:
        """Bring one trip to its end, however many children that takes."""
        start, stop = trip.start, trip.stop
        while start < stop:
            try:
                self._ask(files[start:stop], out[start:stop], outcomes, start)
                return
            except DecoderGone as gone:
                # What was answered before is good; the image at which the child ended is
                # suspected, but an earlier one may have damaged the child's memory.
                suspect = start + gone.count_answered
            try:
                self._ask(
                    files[suspect : suspect + 1], out[suspect:], outcomes, suspect, is_fresh=True
                )
            except DecoderGone as again:
                outcomes[suspect] = again.refusal
            start = suspect + 1

    def _ask(
        self,
        files: Sequence[bytes],
        out: NDArray[np.uint8],
        outcomes: list[ImageRefused | None],
        first: int,
        *,
        is_fresh: bool = False,
    ) -> None:
        child = self._children.get()
        try:
            if child is not None and is_fresh:
                self._all.discard(child)
                child.end()
                child = None
            if child is None:
                child = self._start()
                child.wait_until_ready()
            for number, refusal in enumerate(child.decode(files, out)):
                outcomes[first + number] = refusal
        except BaseException as error:
            if child is not None:
                child.end()
                self._all.discard(child)
                child = None
            if isinstance(error, DecoderGone):
                self.count_replaced += 1
            raise
        finally:
            self._children.put(child)

    def _start(self) -> "DecoderProcess":
        child = DecoderProcess(self._options, self.preprocessing.image_size)
        self._all.add(child)
        return child


def _trips(files: Sequence[bytes]) -> Iterator[_Trip]:
    start, size = 0, 0
    for number, file in enumerate(files):
        if number > start and (
            number - start == FILES_PER_TRIP or size + len(file) > BYTES_PER_TRIP
        ):
            yield _Trip(start, number)
            start, size = number, 0
        size += len(file)
    if start < len(files):
        yield _Trip(start, len(files))
