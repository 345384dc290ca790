"""One decoding process as its parent sees it: its start, its socket, its memory and its end.

Lines of JSON go both ways, so that nothing a hostile image makes of the child can run code here.
"""

import json
import mmap
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from emotion_core.errors import ImageRefused, ScoringError
from emotion_core.settings import PACKAGE_DIR
from emotion_core.vision.preprocessing import Preprocessing

SLOTS: Final = 32
"""Images that one request may hold."""

# Beyond the child's own alarm, for a child that is stopped or starved of processor time.
_PATIENCE = 30.0
_START_SECONDS = 60.0
_LONGEST_ANSWER = 10_000
_KEPT_VARIABLES = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV"),
    "PYTHONPATH",
)


class DecoderGone(Exception):  # noqa: N818  - an event that is handled, not an error
    """A child ended before it had answered."""

    def __init__(self, count_answered: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.count_answered = count_answered
        self.refusal = ImageRefused(code, detail)


class DecoderProcess:
    """A process that is started again whenever it is needed and gone.

    Args:
        preprocessing: Decides the size of the pixels.
        seconds_per_image: Wall-clock limit for one image.
        memory_limit: Bytes of address space beyond what a fresh child has.
    """

    def __init__(
        self, preprocessing: Preprocessing, seconds_per_image: float, memory_limit: int
    ) -> None:
        self._seconds = seconds_per_image
        self._memory = (
            os.fdopen(os.memfd_create("decoded pixels"), "r+b")
            if hasattr(os, "memfd_create")
            else tempfile.TemporaryFile()  # noqa: SIM115  - held as long as this object
        )
        self._memory.truncate(SLOTS * preprocessing.image_size**2 * 3)
        self._pixels = shared_pixels(self._memory.fileno(), preprocessing.image_size)
        self._options = {
            "preprocessing": preprocessing.to_dict(),
            "seconds_per_image": seconds_per_image,
            "memory_limit": memory_limit,
            "memory": self._memory.fileno(),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process; it imports its decoders beside this one's work.

        Raises:
            ScoringError: The system starts no more processes.
        """
        self._socket, theirs = socket.socketpair()
        self._answers = self._socket.makefile("rb")
        options = json.dumps(self._options | {"connection": theirs.fileno()})
        module = "emotion_core.vision.decoding_child"
        with theirs:
            try:
                self._process = subprocess.Popen(  # noqa: S603  - our own module
                    [sys.executable, "-W", "ignore", "-m", module, options],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(), self._memory.fileno()),
                    env=_environment(),
                )
            except OSError as error:
                raise ScoringError(
                    f"no process can be started to decode images: {error}"
                ) from error

    def wait_until_ready(self) -> None:
        """Returns when the child has imported its decoders.

        Raises:
            ScoringError: It ended instead.
        """
        self._socket.settimeout(_START_SECONDS)
        with suppress(OSError, EOFError):
            self._answer()
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
            ScoringError: No child can be started.
        """
        if self._process is None:
            self.start()
            self.wait_until_ready()
        refusals: list[ImageRefused | None] = []
        try:
            self._socket.settimeout(self._seconds + _PATIENCE)
            self._socket.sendall(json.dumps([len(file) for file in files]).encode() + b"\n")
            for file in files:
                self._socket.sendall(file)
            for _ in files:
                reason = self._answer()
                refusals.append(reason and ImageRefused(*reason))
                yield refusals[-1]
        except (OSError, EOFError) as error:
            raise self._why_gone(len(refusals), error) from None
        except BaseException:  # whoever asked gave up: what the child still says is nobody's
            self.end()
            raise
        finally:
            good = [row for row, refusal in enumerate(refusals) if refusal is None]
            if len(good) == len(files):  # one copy, during which other threads run
                out[: len(files)] = self._pixels[: len(files)]
            else:
                out[good] = self._pixels[good]

    def close(self) -> None:
        """End the child for good and give its memory back."""
        self.end()
        self._memory.close()

    def end(self) -> int | None:
        """Kill the child, if there is one; returns its exit code."""
        process, self._process = self._process, None
        if process is None:
            return None
        self._answers.close()
        self._socket.close()
        process.kill()
        return process.wait()

    def _answer(self) -> Any:
        line = self._answers.readline(_LONGEST_ANSWER)
        if not line.endswith(b"\n"):
            raise EOFError
        return json.loads(line)

    def _why_gone(self, answered: int, error: Exception) -> DecoderGone:
        is_silent = isinstance(error, TimeoutError)
        if self._process is not None and not is_silent:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_PATIENCE)
        code = self.end() or 0
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


def shared_pixels(memory: int, side: int) -> NDArray[np.uint8]:
    """What a child writes and its parent reads: uint8 [SLOTS, side, side, 3].

    Args:
        memory: A file descriptor of as many bytes.
    """
    shape = (SLOTS, side, side, 3)
    return np.frombuffer(mmap.mmap(memory, SLOTS * side * side * 3), np.uint8).reshape(shape)


def _environment() -> dict[str, str]:
    """What a child needs of ours, without credentials, and with an allocator that gives back."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    path = [str(PACKAGE_DIR.parent), *filter(None, [kept.get("PYTHONPATH")])]
    return kept | {
        "PYTHONPATH": os.pathsep.join(path),
        "OPENBLAS_NUM_THREADS": "1",  # its threads' stacks would count as memory
        "OMP_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "1",
    }
