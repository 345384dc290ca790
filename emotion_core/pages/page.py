"""One way to a page: facts and a template give one self-contained HTML file.

jinja2 escapes every value (``autoescape``), markupsafe marks what is HTML already.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from inspect import getmembers, isfunction
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from emotion_core.charts import affect, agreement, confidence, cost, expressions, metrics
from emotion_core.comparison import formatting
from emotion_core.comparison.pair import metric_name
from emotion_core.emotions import DIMENSIONS, EXPRESSIONS
from emotion_core.files import replacing
from emotion_core.pages import health_measures
from emotion_core.settings import TEMPLATES_DIR
from emotion_core.statistics.metrics import METRICS

SCRIPTS: Final = ("sort.js", "frame.js")
"""One sorts tables; one lets a page that Airflow shows in a frame lead to Airflow's own pages."""


def render_page(template: str, **facts: Any) -> str:
    """Fill a template; the style sheet and the scripts that it names are inlined.

    A name that is not given is an error, not an empty text. Templates call the functions of
    ``emotion_core.comparison.formatting`` as filters and those of ``emotion_core.charts`` as
    functions.

    Args:
        template: A file of ``reports/templates``.
        facts: What the template names.
    """
    return _environment().get_template(template).render(facts)


def write_page(path: Path, page: str, facts: Mapping[str, Any]) -> Path:
    """Write a page and, beside it as ``.json``, its facts; returns the page's path.

    Both are written aside first: until they are complete, what stood there stays.

    Args:
        path: Of the page; its folder is made if it is not there.
        page: As HTML.
        facts: As :func:`json.dumps` takes them.
    """
    text = json.dumps(facts, indent=1, allow_nan=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as page_file, replacing(path.with_suffix(".json")) as facts_file:
        page_file.write_text(page, encoding="utf-8", newline="\n")
        facts_file.write_text(text + "\n", encoding="utf-8", newline="\n")
    return path


def script_policy() -> str:
    """The source expressions of a Content-Security-Policy that lets just our scripts run."""
    return " ".join(f"'{inlined(name)[1]}'" for name in SCRIPTS)


@cache
def inlined(name: str) -> tuple[Markup, str]:
    """A file without its comments, and its hash for the page's security policy."""
    text = (TEMPLATES_DIR / name).read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"\s*\n\s*", "\n", text).strip()
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Markup(text), f"sha256-{digest}"  # noqa: S704 - our own file


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES_DIR),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for filters in (formatting, health_measures):
        environment.filters.update(getmembers(filters, isfunction))
    environment.filters["metric_name"] = metric_name
    for charts in (affect, agreement, confidence, cost, expressions, metrics):
        environment.globals.update(getmembers(charts, isfunction))
    environment.globals.update(
        EXPRESSIONS=EXPRESSIONS,
        DIMENSIONS=DIMENSIONS,
        METRICS=METRICS,
        inlined=inlined,
        interval=formatting.interval,
    )
    return environment
