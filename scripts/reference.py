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


_WHICH_PRESET = """\
| machine | take | why |
|---|---|---|
| two CPU cores | `quick` | 64 pixels, 3 epochs: minutes per network. It shows that the system \
works; its metrics are low. |
| a few CPU cores and a few hours | `tuned` with `image_size` 96 and 8 epochs | \
[experiments](experiments.md) were run so on two cores. |
| a GPU, a few thousand faces | `tuned` | 224 pixels, 12 epochs; the best that is known for so few \
faces ([what each choice is worth](experiments.md)). |
| a GPU, to reproduce the original paper | `seed` | the original paper's recipe, unchanged: 224 \
pixels, 12 epochs, a constant rate, no augmentation. |

Without ImageNet's weights ([networks](../vision/networks.md)) set `weights` to `none`;
`efficientnet_lite0` brings its own. Every preset keeps the last epoch's weights and holds out 15 %
of the images, by seed 42.
"""


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
    for text in _documented_fields("settings.py", "Settings").values():
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

    meanings = _documented_fields("training/recipe.py", "Recipe")
    rows = [
        f"| `{name}` | "
        + " | ".join(f"`{PRESETS[preset][name]}`" for preset in PRESETS)
        + f" | {_cell(meanings[name].replace('``', '`'))} |"
        for name in meanings
        if name in PRESETS["seed"]
    ]
    return "\n".join(
        [
            "# Presets",
            "",
            "A preset is a recipe to start from: the form, the command line and Python can set "
            "each field otherwise.",
            "",
            *_WHICH_PRESET.splitlines(),
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


def _documented_fields(file: str, name: str) -> dict[str, str]:
    """The fields of a dataclass, in its order, with the text below each."""
    tree = ast.parse((ROOT / "emotion_core" / file).read_text(encoding="utf-8"))
    body = next(
        node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name
    )
    texts: dict[str, str] = {}
    for node, following in pairwise([*body, ast.Pass()]):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            match following:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    texts[node.target.id] = text
                case _:
                    texts[node.target.id] = ""
    return texts


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
