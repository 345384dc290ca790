"""The best peer: ONNX Runtime and OpenCV, decoding in threads, rows by COPY. Own environment.

Run by ``scoring.py`` with an interpreter that has ``requirements-peers.txt``; prints a JSON line.
"""

import io
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import psycopg2

BATCH = 32


def main(model: str, folder: str, url: str, side: int, cores: int) -> None:
    """Score every file of ``folder`` into the table ``peer_prediction``."""
    cv2.setNumThreads(1)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cores
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    mean = np.array([0.485, 0.456, 0.406], np.float32) * 255
    scale = 1 / (np.array([0.229, 0.224, 0.225], np.float32) * 255)

    def read(path: Path) -> np.ndarray:
        pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
        if pixels.shape[:2] != (side, side):
            pixels = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_LINEAR)
        return ((cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB) - mean) * scale).transpose(2, 0, 1)

    def decoded(paths: list[Path]) -> np.ndarray:
        return np.stack([read(path) for path in paths])

    session.run(None, {"pixels": np.zeros((BATCH, 3, side, side), np.float32)})
    began = time.perf_counter()
    paths = sorted(Path(folder).glob("*.jpg"))
    batches = [paths[start : start + BATCH] for start in range(0, len(paths), BATCH)]
    with psycopg2.connect(url) as connection, ThreadPoolExecutor(1) as ahead:
        waiting = ahead.submit(decoded, batches[0])
        for number, batch in enumerate(batches):
            pixels = waiting.result()
            if number + 1 < len(batches):
                waiting = ahead.submit(decoded, batches[number + 1])
            logits, affect = session.run(None, {"pixels": pixels})
            likely = np.exp(logits - logits.max(1, keepdims=True))
            likely /= likely.sum(1, keepdims=True)
            lines = io.StringIO()
            for path, row, va in zip(batch, likely, affect, strict=True):
                lines.write("\t".join([path.name, *map(str, row), *map(str, va)]) + "\n")
            lines.seek(0)
            with connection.cursor() as cursor:
                cursor.copy_from(lines, "peer_prediction")
            connection.commit()
    seconds = time.perf_counter() - began
    print(json.dumps({"images": len(paths), "seconds": seconds}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
