"""Draw docs/pictures/house.svg: the rooms of emotion_core, floor by floor, from what they import.

A room stands one floor above the highest room that it imports; a line leads to each room that is
reached in no other way. A test fails when the picture is stale.

python scripts/house.py
"""

import ast
from graphlib import TopologicalSorter
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "emotion_core"
PICTURE = ROOT / "docs" / "pictures" / "house.svg"
_WIDTH, _ROOM, _HEIGHT, _FLOOR = 960, (168, 46), 46, 96


def main() -> None:
    """Write the picture."""
    PICTURE.write_text(drawn(rooms()), encoding="utf-8")


def rooms() -> dict[str, set[str]]:
    """Each room and the rooms that it imports, the four loose modules included."""
    found: dict[str, set[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.relative_to(PACKAGE).with_suffix("").parts[0]
        if room == "__init__":
            continue
        others = found.setdefault(room, set())
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    parts = f"{node.module}.{alias.name}".split(".")
                    if parts[0] == "emotion_core" and parts[1] != "__version__":
                        others.add(parts[1])
        others.discard(room)
    return found


def drawn(imported: dict[str, set[str]]) -> str:
    """The picture as SVG; colours follow the reader's light or dark mode."""
    level: dict[str, int] = {}
    for room in TopologicalSorter(imported).static_order():
        level[room] = 1 + max((level[other] for other in imported[room]), default=-1)
    highest = max(level.values())
    places = {}
    for floor in range(highest + 1):
        on_floor = sorted(room for room in level if level[room] == floor)
        step = _WIDTH / len(on_floor)
        for index, room in enumerate(on_floor):
            places[room] = (step * (index + 0.5), 40 + (highest - floor) * _FLOOR)
    height = 40 + (highest + 1) * _FLOOR
    lines = [
        f'<path d="M{x:.0f} {y + _HEIGHT / 2:.0f} L{u:.0f} {v - _HEIGHT / 2:.0f}"/>'
        for room, others in sorted(imported.items())
        for other in sorted(others - _reached_through(others, imported))
        for (x, y), (u, v) in [(places[room], places[other])]
    ]
    boxes = [
        f'<g><rect x="{x - _ROOM[0] / 2:.0f}" y="{y - _HEIGHT / 2:.0f}" width="{_ROOM[0]}" '
        f'height="{_HEIGHT}" rx="6"/><text x="{x:.0f}" y="{y + 5:.0f}">{escape(room)}</text></g>'
        for room, (x, y) in sorted(places.items())
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
            'aria-label="The rooms of emotion_core: each imports only what stands below it">',
            "<style>svg{font:15px system-ui,sans-serif}rect{fill:#eef2f7;stroke:#57606a}"
            "text{text-anchor:middle;fill:#1f2328}path{stroke:#8b949e;fill:none}"
            "@media(prefers-color-scheme:dark){rect{fill:#21262d}text{fill:#e6edf3}}</style>",
            *lines,
            *boxes,
            "</svg>",
            "",
        ]
    )


def _reached_through(others: set[str], imported: dict[str, set[str]]) -> set[str]:
    """Rooms that one of ``others`` leads to already."""
    reached: set[str] = set()
    waiting = [below for other in others for below in imported[other]]
    while waiting:
        room = waiting.pop()
        if room not in reached:
            reached.add(room)
            waiting.extend(imported[room])
    return reached


if __name__ == "__main__":
    main()
