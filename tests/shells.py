"""``emotion …`` in this process: what a shell would be told, without an interpreter per command."""

import io
import logging
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from unittest.mock import patch

from emotion_core.cli import main
from emotion_core.cli.console import console

WIDTH = 200


@dataclass(frozen=True)
class Answer:
    """Of one command; names as :class:`subprocess.CompletedProcess` has them."""

    returncode: int
    stdout: str
    stderr: str


def emotion(*arguments: str, **environment: str) -> Answer:
    """Run one command on the CPU, with these variables besides the process's own."""
    out, err = io.StringIO(), io.StringIO()
    messages = logging.StreamHandler(err)
    root = logging.getLogger()
    given = {"COLUMNS": str(WIDTH), "EMOTION_DEVICE": "cpu", **environment}
    console.width = WIDTH
    root.addHandler(messages)
    level = root.level
    root.setLevel(logging.INFO)
    try:
        with (
            patch.dict(os.environ, given),
            patch.object(sys, "argv", ["emotion", *arguments]),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    finally:
        root.setLevel(level)
        root.removeHandler(messages)
    return Answer(code, out.getvalue(), err.getvalue())
