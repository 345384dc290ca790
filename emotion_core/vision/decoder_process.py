"""One decoding process as its parent sees it: its start, its socket, its memory and its end."""

import json
import mmap
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from emotion_core.errors import ImageRefused, ScoringError
from emotion_core.settings import PACKAGE_DIR

ANSWER = struct.Struct("<BI")
"""One answer: 1 for pixels or 0 for a refusal, then the length of the refusal's JSON."""

# Beyond the child's own alarm, for a child that is stopped or starved of processor time.
_PATIENCE = 30.0
_START_SECONDS = 60.0


class DecoderGone(Exception):  # noqa: N818  - an event that is handled, not an error
    """A child ended before it had answered."""

    def __init__(self, count_answered: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.count_answered = count_answered
        self.refusal = ImageRefused(code, detail)


class DecoderProcess:
    """One decoding process, its socket, and the shared memory into which it writes pixels.

    Raises:
        ScoringError: The system starts no more processes.
    """

    def __init__(self, options: dict[str, object], side: int) -> None:
        self._seconds = float(str(options["seconds_per_image"]))
        self._slab = _SharedPixels(int(str(options["slots"])), side)
        self._socket, theirs = socket.socketpair()
        try:
            self._process = subprocess.Popen(  # noqa: S603  - our own module, fixed arguments
                [
                    sys.executable,
                    "-W",
                    "ignore",
                    "-m",
                    "emotion_core.vision.decoding_child",
                    json.dumps(
                        options | {"socket": theirs.fileno(), "pixels": self._slab.descriptor}
                    ),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(), self._slab.descriptor),
                env=_environment(),
            )
        except OSError as error:
            self._socket.close()
            self._slab.close()
            raise ScoringError(f"no process can be started to decode images: {error}") from error
        finally:
            theirs.close()

    def wait_until_ready(self) -> None:
        """Returns when the child has imported its decoders.

        Raises:
            ScoringError: It ended instead.
        """
        self._socket.settimeout(_START_SECONDS)
        with suppress(OSError):
            if self._socket.recv(1) == b"R":
                return
        code = self.end()
        raise ScoringError(
            f"the process that decodes images did not start (exit code {code}); its own message "
            "stands above, and `python -m emotion_core.vision.decoding_child` repeats it"
        )

    def decode(
        self, files: Sequence[bytes], out: NDArray[np.uint8]
    ) -> Iterator[ImageRefused | None]:
        """Outcomes in order; pixels are in ``out`` when the last one has been given.

        Raises:
            DecoderGone: The child ended; pixels of the outcomes given before are in ``out``.
        """
        answered = 0
        good: list[int] = []
        try:
            self._socket.settimeout(self._seconds + _PATIENCE)
            self._socket.sendall(struct.pack(f"<I{len(files)}I", len(files), *map(len, files)))
            for file in files:
                self._socket.sendall(file)
            for _ in files:
                is_good, length = ANSWER.unpack(self._receive(ANSWER.size))
                refusal = None if is_good else ImageRefused(*json.loads(self._receive(length)))
                if refusal is None:
                    good.append(answered)
                answered += 1
                yield refusal
        except (OSError, EOFError) as error:
            raise self._why_gone(answered, error) from None
        finally:
            self._slab.copy(good, out)

    def end(self) -> int:
        """Kill the child and give back what it held; returns its exit code."""
        with suppress(OSError):
            self._socket.close()
        if self._process.poll() is None:
            self._process.kill()
        code = self._process.wait()
        self._slab.close()
        return code

    def _receive(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            part = self._socket.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return bytes(data)

    def _why_gone(self, answered: int, error: Exception) -> DecoderGone:
        is_silent = isinstance(error, TimeoutError)
        if is_silent:
            self._process.kill()
        try:
            code = self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        if is_silent or code == -signal.SIGALRM:
            return DecoderGone(
                answered, "decode_timeout", f"not decoded within {self._seconds:g} seconds"
            )
        if code == -signal.SIGKILL:
            return DecoderGone(
                answered, "too_much_memory", "the system killed its decoder, most likely for memory"
            )
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return DecoderGone(answered, "decoder_crashed", f"its decoder ended with {how}")


class _SharedPixels:
    """Memory that a child writes and this process reads: uint8 [slots, S, S, 3]."""

    def __init__(self, slots: int, side: int) -> None:
        shape = (slots, side, side, 3)
        size = int(np.prod(shape))
        self.descriptor = shared_memory(size)
        self._pixels = np.frombuffer(mmap.mmap(self.descriptor, size), np.uint8).reshape(shape)

    def copy(self, rows: Sequence[int], out: NDArray[np.uint8]) -> None:
        """Copy these rows to the same places of ``out``."""
        if len(rows) == 0:
            return
        if len(rows) == rows[-1] + 1:  # all good: one copy, during which other threads run
            out[: len(rows)] = self._pixels[: len(rows)]
        else:
            out[list(rows)] = self._pixels[list(rows)]

    def close(self) -> None:
        """Give the memory back."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
            del self._pixels


def shared_memory(size: int) -> int:
    """A file descriptor of ``size`` bytes of memory without a name; zero at first."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("decoded pixels", os.MFD_CLOEXEC)
    else:  # macOS
        import tempfile

        descriptor, path = tempfile.mkstemp()
        os.unlink(path)  # noqa: PTH108
    os.ftruncate(descriptor, size)
    return descriptor


def _environment() -> dict[str, str]:
    """What a child needs of ours, without credentials, and with an allocator that gives back."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
    }
    return kept | {
        "PYTHONPATH": os.pathsep.join(
            [str(PACKAGE_DIR.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
        ),
        "OPENBLAS_NUM_THREADS": "1",  # its threads' stacks would count as memory
        "OMP_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "1",
    }
