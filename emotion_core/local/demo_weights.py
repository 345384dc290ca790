"""Whether the demo can start from ImageNet weights, found out while other things start."""

import subprocess
import sys
from types import TracebackType

from emotion_core.errors import LocalSystemError
from emotion_core.local.home import PROJECT_DIR
from emotion_core.settings import Settings
from emotion_core.vision.architectures import MAIN_NETWORKS

_CHECK = """
import sys
from pathlib import Path
from emotion_core.vision.pretrained import imagenet_available
folder = Path(sys.argv[1]) if sys.argv[1] else None
sys.exit(0 if all(imagenet_available(name, folder) for name in sys.argv[2:]) else 3)
"""


class WeightsCheck:
    """Asks in a process of its own: it loads torch, which would stay in this one's memory."""

    def __init__(self, settings: Settings) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CHECK, str(settings.weights_folder or ""), *MAIN_NETWORKS],
            cwd=PROJECT_DIR,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def result(self) -> str:
        """Wait for the answer: ``imagenet`` where both main networks can have it, else ``none``.

        Raises:
            LocalSystemError: The question itself failed.
        """
        _, errors = self._process.communicate()
        if self._process.returncode in (0, 3):
            return "imagenet" if self._process.returncode == 0 else "none"
        last = errors.strip().rpartition("\n")[2]
        raise LocalSystemError(f"looking for ImageNet weights failed: {last}")

    def __enter__(self) -> "WeightsCheck":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._process:
            self._process.kill()
