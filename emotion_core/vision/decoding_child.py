"""The process that decodes: reads files from a socket, writes pixels into shared memory.

Started by :class:`emotion_core.vision.decoding.DecodePool`. It limits itself before it reads the
first byte: address space, the time of each image (the kernel's alarm ends a decoder that loops in
C), no core dumps, no file written.
"""

import json
import os
import resource
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emotion_core.errors import ImageRefused
from emotion_core.vision.decoder_process import shared_pixels
from emotion_core.vision.images import decode_pixels, prepare_decoders
from emotion_core.vision.preprocessing import Preprocessing


def serve(
    *,
    preprocessing: dict[str, Any],
    seconds_per_image: float,
    memory_limit: int,
    memory: int,
    connection: int,
) -> None:
    """Answer requests until the other end closes the socket.

    Args:
        memory: File descriptor of the shared pixels.
        connection: File descriptor of the socket. A request is a line with the lengths of its
            files, then the files; the answer to each file is a line: null, or code and detail.
    """
    prepared = Preprocessing.from_dict(preprocessing)
    slots = shared_pixels(memory, prepared.image_size)
    prepare_decoders()
    _limit(memory_limit)
    with socket.socket(fileno=connection) as ours, suppress(ConnectionError):
        ours.sendall(b"null\n")
        requests = ours.makefile("rb")
        for line in requests:
            files = [requests.read(length) for length in json.loads(line)]
            for slot, data in zip(slots, files, strict=False):
                # SIGALRM's default action ends the process, whatever C code is doing.
                signal.setitimer(signal.ITIMER_REAL, seconds_per_image)
                refusal = _refusal(data, prepared, slot)
                signal.setitimer(signal.ITIMER_REAL, 0)
                ours.sendall(json.dumps(refusal).encode() + b"\n")


def _refusal(
    data: bytes, preprocessing: Preprocessing, slot: NDArray[np.uint8]
) -> tuple[str, str] | None:
    try:
        decode_pixels(data, preprocessing, slot)
    except ImageRefused as refusal:
        return refusal.code, refusal.detail
    except MemoryError:
        return "too_much_memory", "decoding it asked for too much memory"
    except Exception as error:  # whatever else a hostile file provokes is its own fault
        return "decode_error", f"{type(error).__name__}: {error}"[:200]
    return None


def _limit(memory: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this one
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    with suppress(OSError):  # macOS tells no address space, and does not enforce this limit either
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * os.sysconf("SC_PAGE_SIZE") + memory
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    serve(**json.loads(sys.argv[1]))
