"""Sixty thousand images on a night when everything fails."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chaos import make_chaos
from nights import MakeNight, Restartable

COUNT = int(os.environ.get("EMOTION_CHAOS_ITEMS", "60000"))
"""`make soak` takes a million."""


@pytest.mark.timeout(60 + COUNT // 100)
def test_nothing_is_lost_doubled_or_mixed_up_while_everything_fails(
    make_night: MakeNight,
    restartable: Restartable,
    start_process: Callable[..., Any],
    say: Callable[[str], None],
    tmp_path: Path,
) -> None:
    night = make_night(COUNT, count_twins=COUNT // 20)

    chaos = make_chaos(
        restartable,
        night,
        start_process,
        tmp_path / "errors",
        workers=3,
        chunk=200,
        infer_seconds=0.15,
        kill_every=0.15,
        restart_every=2.5,
        most_kills=max(120, COUNT // 500),
    )

    closes, faults = night.closes(), night.faults()
    say(
        f"{COUNT:,} items, {chaos.count_kills} kills, {chaos.count_restarts} immediate database "
        f"restarts, {chaos.count_frozen} freezes past the lease, {chaos.count_cut_off} connections "
        f"cut: {faults['lost']} lost, {faults['duplicated']} duplicated, "
        f"{faults['mismatched']} mismatched, in {chaos.seconds:.0f} s"
    )
    assert chaos.count_kills >= 80 and chaos.count_restarts >= 5
    assert faults == {"lost": 0, "duplicated": 0, "mismatched": 0}
    # An attempt to write a row twice would have been a worker's last.
    assert set(chaos.errors) <= {
        "StoreError",
        "OperationalError",
        "InterfaceError",
        "DatabaseError",
    }
    assert closes
