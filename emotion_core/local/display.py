"""What people see in the terminal: one line per event, readable in a log file too."""

import contextlib
import sys
import time
from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.text import Text

_WIDTH_OF_FILES = 110


class Display:
    """Lines with the time since the start; on a terminal also what is being waited for."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        if not self._console.is_terminal:
            self._console.width = _WIDTH_OF_FILES
        self._started = time.monotonic()

    def say(self, text: str, style: str = "") -> None:
        """One line. Never fails: the terminal may be gone while we still have to stop things."""
        line = Text(f"{self._clock()}  ", style="dim") + Text(text, style=style)
        with contextlib.suppress(OSError):
            self._console.print(line, soft_wrap=True)

    def show(self, content: RenderableType = "") -> None:
        """A table or a paragraph."""
        with contextlib.suppress(OSError):
            self._console.print(content, soft_wrap=isinstance(content, str | Text))

    @contextlib.contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        """While something takes its time: a moving sign on a terminal, nothing elsewhere."""
        if not self._console.is_terminal:
            yield
            return
        with self._console.status(Text(text, style="dim")):
            yield

    def _clock(self) -> str:
        seconds = int(time.monotonic() - self._started)
        return f"{seconds // 60:3d}:{seconds % 60:02d}"


def complain(text: str) -> None:
    """An error for people, on the error stream."""
    with contextlib.suppress(OSError):
        Console(stderr=True, highlight=False).print(
            Text(f"error: {text}", style="red"), soft_wrap=True
        )
        sys.stderr.flush()
