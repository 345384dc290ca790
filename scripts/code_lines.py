"""Print how many lines of code each room has: without blank lines, comments and docstrings."""

import ast
import io
import tokenize
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


def code_lines(text: str) -> int:
    """Lines of a module that hold code; a text that nothing is done with is a docstring."""
    spoken: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            spoken.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    written: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _NO_CODE:
            written.update(range(token.start[0], token.end[0] + 1))
    return len(written - spoken)


def main() -> None:
    """A line per room."""
    for top in ("emotion_core", "tests", "dags", "plugins", "benchmarks", "scripts"):
        rooms: Counter[str] = Counter()
        for path in sorted((ROOT / top).rglob("*.py")):
            parts = path.relative_to(ROOT / top).parts
            room = parts[0] if len(parts) > 1 else "(loose)"
            rooms[room] += code_lines(path.read_text(encoding="utf-8"))
        print(f"{sum(rooms.values()):7,} {top}")
        for room, count in rooms.most_common():
            print(f"{count:7,}   {room}")


if __name__ == "__main__":
    main()
