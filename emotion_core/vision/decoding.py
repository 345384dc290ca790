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
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from emotion_core.errors import ImageRefused
from emotion_core.vision.decoder_process import SLOTS, DecoderGone, DecoderProcess
from emotion_core.vision.preprocessing import Preprocessing

BYTES_PER_REQUEST = 32 * 1024 * 1024
"""A request holds fewer images when its files are large, so that children stay small."""

SECONDS_PER_IMAGE = 10.0
"""Wall-clock limit. 40 megapixels take about one second."""

MEMORY_LIMIT = 1024 * 1024 * 1024
"""Address space in bytes beyond what a fresh child has: several times what 40 megapixels need."""


class DecodePool:
    """Child processes that turn files into a network's input pixels.

    Safe to use from several threads at once, also from a process in which torch runs threads:
    children are started afresh, never forked. Use it as a context manager or call :meth:`close`;
    children also end by themselves when this process does.

    Args:
        preprocessing: Decides the size of the result; part of the model.
        processes: Children side by side. One decodes as fast as the same code in this process.
        seconds_per_image: Wall-clock limit for one image, in seconds.
        memory_limit: Bytes of address space that decoding may use in a child (RLIMIT_AS, beyond
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
        processes = max(1, processes)
        self._threads = ThreadPoolExecutor(processes, thread_name_prefix="decode")
        self._all = [
            DecoderProcess(preprocessing, seconds_per_image, memory_limit) for _ in range(processes)
        ]
        self._free: queue.SimpleQueue[DecoderProcess] = queue.SimpleQueue()
        try:
            for child in self._all:
                child.start()
            for child in self._all:
                child.wait_until_ready()
                self._free.put(child)
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
        requests = list(_requests(files))
        list(self._threads.map(lambda rows: self._decode(files, rows, out, outcomes), requests))
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
        for child in self._all:
            child.close()

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

    def _decode(
        self,
        files: Sequence[bytes],
        rows: range,
        out: NDArray[np.uint8],
        outcomes: list[ImageRefused | None],
    ) -> None:
        """Decode one request's rows, however many children that takes."""
        while rows:
            try:
                self._ask(files, rows, out, outcomes)
                return
            except DecoderGone as gone:
                # What was answered before is good; the image at which the child ended is
                # suspected, but an earlier one may have damaged the child's memory.
                suspect = rows[gone.count_answered]
            try:
                self._ask(files, range(suspect, suspect + 1), out, outcomes, is_fresh=True)
            except DecoderGone as again:
                outcomes[suspect] = again.refusal
            rows = range(suspect + 1, rows.stop)

    def _ask(
        self,
        files: Sequence[bytes],
        rows: range,
        out: NDArray[np.uint8],
        outcomes: list[ImageRefused | None],
        *,
        is_fresh: bool = False,
    ) -> None:
        child = self._free.get()
        try:
            if is_fresh:
                child.end()
            answers = child.decode(files[rows.start : rows.stop], out[rows.start : rows.stop])
            for row, refusal in enumerate(answers, rows.start):
                outcomes[row] = refusal
        except DecoderGone:
            self.count_replaced += 1
            raise
        finally:
            self._free.put(child)


def _requests(files: Sequence[bytes]) -> Iterator[range]:
    start, size = 0, 0
    for number, file in enumerate(files):
        if number > start and (number - start == SLOTS or size + len(file) > BYTES_PER_REQUEST):
            yield range(start, number)
            start, size = number, 0
        size += len(file)
    if start < len(files):
        yield range(start, len(files))
