"""Write the reference pages of docs/ from the code itself: settings, presets, commands, DAGs.

A test fails when it is stale.

python scripts/reference.py
"""

import ast
import os
import re
import sys
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from itertools import pairwise
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
_VARIABLE = re.compile(r"``(EMOTION_[A-Z_]+)``")


def main() -> None:
    """Write every page."""
    for name, text in pages().items():
        (DOCS / name).write_text(text, encoding="utf-8")


def pages() -> dict[str, str]:
    """Path below docs/ to content."""
    return {
        "settings.md": settings(),
        "training/presets.md": presets(),
        "cli/commands.md": commands(),
        "airflow/dags.md": dags(),
    }


def settings() -> str:
    """Every variable that ``emotion_core/settings.py`` reads, with what its field says."""
    meanings: dict[str, str] = {}
    for _, text in _documented_fields("settings.py", "Settings"):
        for variable in _VARIABLE.findall(text)[:1]:
            meanings[variable] = f"{meanings.get(variable, '')} {_plain(text)}".strip()
    rows = [f"| `{variable}` | {meaning} |" for variable, meaning in meanings.items()]
    return "\n".join(
        [
            "# Settings",
            "",
            "Read from the environment by `emotion_core/settings.py` alone. Airflow's own settings "
            "are Airflow's.",
            "",
            "| variable | meaning |",
            "|---|---|",
            *rows,
            "",
        ]
    )


def presets() -> str:
    """What each preset of ``emotion_core/training/recipe.py`` sets, field by field."""
    from emotion_core.training.recipe import PRESETS

    meanings = dict(_documented_fields("training/recipe.py", "Recipe"))
    rows = [
        f"| `{name}` | "
        + " | ".join(f"`{PRESETS[preset][name]}`" for preset in PRESETS)
        + f" | {_cell(meanings.get(name, '').replace('``', '`'))} |"
        for name in next(iter(PRESETS.values()))
    ]
    return "\n".join(
        [
            "# Presets",
            "",
            "A preset is a recipe to begin with; each field can be set otherwise in the form, in a "
            "shell and in Python.",
            "",
            "- `seed` is the original paper's recipe to the letter. It needs a GPU: hours on two "
            "cores.",
            "- `tuned` is the best known for a few thousand faces "
            "([what each choice is worth](experiments.md)). With a GPU take this one.",
            "- `quick` is for two cores: minutes a network at 64 pixels, to see the system work "
            "rather than for its figures.",
            "",
            f"| field | {' | '.join(f'`{name}`' for name in PRESETS)} | meaning |",
            f"|---|{'---|' * len(PRESETS)}---|",
            *rows,
            "",
        ]
    )


def commands() -> str:
    """What ``emotion --help`` knows, through Typer's own documentation."""
    from typer.main import get_command

    import emotion_core.cli as cli

    lines = [
        "# Commands",
        "",
        "`.venv/bin/emotion …` where `EMOTION_DATABASE_URL` is set; on the system that `make up` "
        "started, `make emotion ARGS='…'`. What the system refuses is one sentence and exit code "
        "1.",
        "",
    ]
    for path, command in _leaves("emotion", get_command(cli.app)):
        lines += [f"## {path}", "", _paragraph(command.help or ""), ""]
        rows = [_parameter(one) for one in command.params if one.name != "help"]
        if rows:
            lines += ["| | |", "|---|---|", *rows, ""]
    return "\n".join(lines)


def dags() -> str:
    """Each DAG's own page in Airflow, and the fields of its form."""
    lines = ["# DAGs", "", "What Airflow's UI shows of each, and its trigger form.", ""]
    for path in sorted((ROOT / "dags").glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        title, _, body = (ast.get_docstring(tree) or "").partition("\n")
        lines += [f"## {title.lstrip('# ')}", "", f"`dags/{path.name}`", "", body.strip(), ""]
        fields = getattr(_module(path), "PARAMS", {})
        if fields:
            lines += ["| field | default | meaning |", "|---|---|---|"]
        for name, field in fields.items():
            shown = field.schema.get("title", name)
            default = "" if field.value is None else f"`{field.value}`"
            lines.append(f"| {shown} (`{name}`) | {default} | {_cell(field.description or '')} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _documented_fields(file: str, name: str) -> Iterator[tuple[str, str]]:
    """The fields of a dataclass with the text below each."""
    tree = ast.parse((ROOT / "emotion_core" / file).read_text(encoding="utf-8"))
    body = next(
        node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name
    )
    for node, following in pairwise(body):
        match node, following:
            case (
                ast.AnnAssign(target=ast.Name(id=field)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield field, text


def _leaves(path: str, command: object) -> Iterator[tuple[str, "object"]]:
    inner = getattr(command, "commands", {})
    if not inner or getattr(command, "invoke_without_command", False):
        yield path, command
    for name in sorted(inner):
        yield from _leaves(f"{path} {name}", inner[name])


def _parameter(one: object) -> str:
    is_argument = one.param_type_name == "argument"
    name = str(one.name).upper() if is_argument else ", ".join(one.opts)
    return f"| `{name}` | {_cell(one.help or '')} |"


def _plain(text: str) -> str:
    without = re.sub(r"\s*\(``EMOTION_[A-Z_]+``(?:, ([^)]*))?\)", r"; \1", text)
    return _cell(without.replace("; .", ".").replace("; ;", ";").replace("``", "`")).strip("; ")


def _paragraph(text: str) -> str:
    return re.sub(r"[ \t]*\n[ \t]*", "\n", text.strip())


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _module(path: Path) -> ModuleType:
    loader = SourceFileLoader(f"reference_{path.stem}", str(path))
    module = ModuleType(loader.name)
    loader.exec_module(module)
    return module


if __name__ == "__main__":
    os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
    sys.path.insert(0, str(ROOT))
    main()
