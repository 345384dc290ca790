"""The process that decodes: reads files from a socket, writes pixels into shared memory.

Started by :class:`emotion_core.vision.decoding.DecodePool`. It limits itself before it reads the
first byte: address space, the time of each image (the kernel's alarm ends a decoder that loops in
C), no core dumps, no file written.
"""

import json
import mmap
import os
import resource
import signal
import socket
import struct
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emotion_core.errors import ImageRefused
from emotion_core.vision.decoder_process import ANSWER
from emotion_core.vision.images import decode_pixels, prepare_decoders
from emotion_core.vision.preprocessing import Preprocessing


def serve(options: dict[str, Any]) -> None:
    """Answer requests until the other end closes the socket."""
    preprocessing = Preprocessing.from_dict(options["preprocessing"])
    side = preprocessing.image_size
    shape = (int(options["slots"]), side, side, 3)
    memory = mmap.mmap(int(options["pixels"]), int(np.prod(shape)))
    slots: NDArray[np.uint8] = np.frombuffer(memory, np.uint8).reshape(shape)
    prepare_decoders()
    _limit(int(options["memory_limit"]))
    with socket.socket(fileno=int(options["socket"])) as connection:
        connection.sendall(b"R")
        for files in _requests(connection):
            for slot, data in enumerate(files):
                # SIGALRM's default action ends the process, whatever C code is doing.
                signal.setitimer(signal.ITIMER_REAL, float(options["seconds_per_image"]))
                answer = _answer(data, preprocessing, slots[slot])
                signal.setitimer(signal.ITIMER_REAL, 0)
                connection.sendall(answer)


def _answer(data: bytes, preprocessing: Preprocessing, slot: NDArray[np.uint8]) -> bytes:
    try:
        decode_pixels(data, preprocessing, slot)
        return ANSWER.pack(1, 0)
    except ImageRefused as refusal:
        code, detail = refusal.code, refusal.detail
    except MemoryError:
        code, detail = "too_much_memory", "decoding it asked for too much memory"
    except Exception as error:  # whatever else a hostile file provokes is its own fault
        code, detail = "decode_error", f"{type(error).__name__}: {error}"[:200]
    text = json.dumps([code, detail]).encode()
    return ANSWER.pack(0, len(text)) + text


def _requests(connection: socket.socket) -> Iterator[list[bytes]]:
    with connection.makefile("rb") as stream:
        while len(head := stream.read(4)) == 4:
            (count,) = struct.unpack("<I", head)
            lengths = struct.unpack(f"<{count}I", stream.read(4 * count))
            files = [stream.read(length) for length in lengths]
            if [len(file) for file in files] != list(lengths):
                return
            yield files


def _limit(memory: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this one
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
            used = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:  # macOS tells no address space, and does not enforce this limit either
        return
    resource.setrlimit(resource.RLIMIT_AS, (used + memory, used + memory))


if __name__ == "__main__":
    serve(json.loads(sys.argv[1]))
