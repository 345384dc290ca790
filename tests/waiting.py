"""Waiting for another process, by looking now and then."""

import time
from collections.abc import Callable


def wait_until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    """Look until it holds: often at first, then seldom, since a look at Airflow costs a core.

    Raises:
        AssertionError: It did not, for so long that it never will.
    """
    deadline, pause = time.monotonic() + seconds, 0.005
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s"
        time.sleep(pause)
        pause = min(1.2 * pause, 0.5)
