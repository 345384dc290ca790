"""The page as a file: self-contained, escaped, repeatable, and never half written."""

import base64
import dataclasses
import hashlib
import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from comparison_factory import (
    MADE_AT,
    RECIPE,
    make_failed_run,
    make_run_facts,
    make_validation_images,
)
from jinja2 import UndefinedError

from emotion_core.comparison.comparison import compare
from emotion_core.emotions import EXPRESSIONS
from emotion_core.pages import comparison_report
from emotion_core.pages.comparison_report import render_comparison
from emotion_core.pages.page import render_page
from emotion_core.statistics.metrics import METRICS

IMAGES = make_validation_images(96)
HOSTILE = (
    "<script>alert(1)</script>",
    "{{7*7}}{% raw %}",
    "\"'><img src=x onerror=alert(1)>",
    "\u202egnp.exe\u200f",
    "javascript:alert(1)",
    "]]><!--",
    "nul\x00 and bell\x07",
)
VOID = {"meta", "br", "img", "hr", "input", "link", "wbr"}


class Page(HTMLParser):
    """What a browser would find: elements, attributes, and whether tags nest."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def values(self, name: str) -> list[str]:
        return [value for _, key, value in self.attributes if key == name]


@pytest.fixture(scope="module")
def two_networks():  # type: ignore[no-untyped-def]
    return compare(
        [
            make_run_facts(images=IMAGES, skill=1.0),
            make_run_facts("efficientnet_b0", images=IMAGES, skill=0.4, seed=2),
        ],
        MADE_AT,
    )


@pytest.fixture(scope="module")
def page(two_networks, tmp_path_factory: pytest.TempPathFactory) -> str:  # type: ignore[no-untyped-def]
    folder = tmp_path_factory.mktemp("report")
    return render_comparison(two_networks, folder).read_text(encoding="utf-8")


def test_the_page_answers_in_order(page: str) -> None:
    headings = re.findall(r'<h2 id="[^"]+">([^<]+)</h2>', page)

    assert headings == [
        "Which is better",
        "By how much",
        "Is it chance",
        "How they trained",
        "Where each fails",
        "Valence and arousal",
        "Is the confidence calibrated",
        "Single images",
        "What changed in the tables",
        "What it costs to run",
        "What exactly was compared",
        "Model cards and limits of use",
        "How to read it",
        "Limits",
    ]


def test_the_page_shows_every_metric_expression_and_circumstance(page: str, two_networks) -> None:  # type: ignore[no-untyped-def]
    text = Page(page).text

    for metric in METRICS.values():
        assert metric.label in text
    for expression in EXPRESSIONS:
        assert expression in text
    for verdict in two_networks.verdicts:
        assert verdict.headline in text
        assert " ".join(verdict.sentence.split()) in text
    for words in ("NVIDIA H200", "2.11.0", "851c085d2f7be37a", "AffectNet, part", "torchvision"):
        assert words in text
    assert page.count('class="confusion"') == 2
    assert page.count('class="chart curve"') == 6
    assert page.count('class="confusion difference"') == 1
    assert page.count('class="chart plane') == 9
    assert page.count('class="chart recall"') == 8
    assert page.count('class="chart residuals"') == page.count('class="chart limits"') == 4
    assert page.count('class="chart cost"') == 2


def test_the_page_is_well_nested_and_its_ids_are_unique(page: str) -> None:
    parsed = Page(page)

    ids = parsed.values("id")
    assert [name for name, count in Counter(ids).items() if count > 1] == []
    for name in ("aria-labelledby", "href"):
        for value in parsed.values(name):
            for target in value.split():
                assert target.removeprefix("#") in ids


def test_the_page_asks_nothing_of_the_network_and_runs_only_its_own_script(page: str) -> None:
    parsed = Page(page)

    assert parsed.tags.count("script") == 1
    assert not {"link", "img", "iframe", "object", "base", "form"} & set(parsed.tags)
    assert not re.search(r"https?://|url\(|@import", page.replace("http://www.w3.org", ""))
    assert not [name for _, name, _ in parsed.attributes if name.startswith("on")]
    assert "style" not in [name for _, name, _ in parsed.attributes]


def test_the_security_policy_allows_exactly_the_inlined_style_sheet_and_script(page: str) -> None:
    style = page[page.index("<style>") + len("<style>") : page.index("</style>")]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()

    policy = next(value for value in Page(page).values("content") if "default-src" in value)

    assert policy.startswith("default-src 'none'; ")
    assert f"style-src 'sha256-{digest}';" in policy
    script = page[page.index("<script>") + len("<script>") : page.index("</script>")]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy
    assert "unsafe" not in policy


def test_tables_have_captions_and_headings_with_a_scope(page: str) -> None:
    parsed = Page(page)

    assert parsed.tags.count("table") == parsed.tags.count("caption") > 5
    assert parsed.tags.count("th") == len(parsed.values("scope"))
    assert parsed.tags.count("h1") == 1
    assert page.index('class="skip"') < page.index("<header")


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    rendered = []
    for name in ("first", "second"):
        comparison = compare([make_run_facts(images=IMAGES), make_failed_run()], MADE_AT)
        render_comparison(comparison, tmp_path / name)
        rendered.append([path.read_bytes() for path in sorted((tmp_path / name).iterdir())])

    assert rendered[0] == rendered[1]
    assert sorted(path.name for path in (tmp_path / "first").iterdir()) == [
        "comparison.html",
        "comparison.json",
    ]


def test_the_facts_lie_beside_the_page(two_networks, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = render_comparison(two_networks, tmp_path / "deep" / "folder")

    facts = json.loads(path.with_name("comparison.json").read_text(encoding="utf-8"))
    assert facts["summary"] == two_networks.summary


@pytest.mark.parametrize("broken", ["template", "facts"])
def test_the_old_page_stays_when_a_new_one_cannot_be_made(
    two_networks,  # type: ignore[no-untyped-def]
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    broken: str,
) -> None:
    path = render_comparison(two_networks, tmp_path)
    before = {file.name: file.read_bytes() for file in tmp_path.glob("*.*")}

    def fail(*_: object, **__: object) -> None:
        raise OSError("the disk is full")

    if broken == "template":
        monkeypatch.setattr(comparison_report, "render_page", fail)
    else:
        monkeypatch.setattr(Path, "write_text", fail)
    later = dataclasses.replace(two_networks, summary="another")
    with pytest.raises(OSError, match="disk is full"):
        render_comparison(later, tmp_path)

    assert path.exists()
    assert {file.name: file.read_bytes() for file in tmp_path.glob("*.*")} == before


def test_a_name_that_a_template_does_not_get_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="comparison"):
        render_page("comparison.html")


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_foreign_text_is_shown_and_never_obeyed(hostile: str, tmp_path: Path) -> None:
    facts = make_run_facts(
        hostile,
        images=IMAGES,
        run_key=hostile,
        group_key=hostile,
        preset=hostile,
        dataset_name=hostile,
        dataset_fingerprint=hostile,
        device=hostile,
        versions={hostile: hostile},
        git_revision=hostile,
        weights_origin=hostile,
        recipe=RECIPE | {hostile: hostile},
        note=hostile,
        model_name=hostile,
        aliases=(hostile,),
    )
    failed = make_failed_run(hostile, failure=hostile, group_key=hostile)

    html = render_comparison(compare([facts, failed], MADE_AT), tmp_path).read_text("utf-8")

    parsed = Page(html)
    assert parsed.tags.count("script") == 1
    assert "img" not in parsed.tags
    assert "49" not in re.findall(r"alert\D*(\d+)", parsed.text)
    assert "{{7*7}}" in parsed.text or "{{" not in hostile
    assert not [value for value in parsed.values("href") if not value.startswith("#")]
    assert not [name for _, name, _ in parsed.attributes if name.startswith("on")]
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200e\u200f\x00\x07]", html)


def test_ten_thousand_characters_do_not_drown_the_page(tmp_path: Path) -> None:
    long = "x" * 10_000
    facts = make_run_facts(long, images=IMAGES, note=long, dataset_name=long, group_key=long)
    usual = make_run_facts(images=IMAGES)

    sizes = [
        render_comparison(compare([run], MADE_AT), tmp_path / name).stat().st_size
        for name, run in (("long", facts), ("usual", usual))
    ]

    assert sizes[0] < sizes[1] + 20_000


@pytest.mark.parametrize("count", range(1, 9))
def test_one_to_eight_runs_have_a_page(count: int, tmp_path: Path) -> None:
    images = make_validation_images(48)
    runs = [
        make_failed_run(f"network{n}")
        if n == 2
        else make_run_facts(f"network{n}", images=images, skill=0.3 * n, seed=n)
        for n in range(count)
    ]

    html = render_comparison(compare(runs, MADE_AT), tmp_path).read_text("utf-8")

    parsed = Page(html)
    assert all(f"network{n}" in parsed.text for n in range(count))
    assert [name for name, seen in Counter(parsed.values("id")).items() if seen > 1] == []


def test_a_page_of_failures_alone_still_says_what_was_tried(tmp_path: Path) -> None:
    comparison = compare([make_failed_run("resnet50"), make_failed_run()], MADE_AT)

    text = Page(render_comparison(comparison, tmp_path).read_text("utf-8")).text

    assert "No result" in text
    assert "CUDA out of memory" in text
    assert "Where each fails" not in text and "Single images" not in text


def test_drawn_faces_are_announced_before_any_verdict(tmp_path: Path) -> None:
    comparison = compare([make_run_facts(images=IMAGES, dataset_is_drawn=True)], MADE_AT)

    html = render_comparison(comparison, tmp_path).read_text("utf-8")

    assert html.index("Drawn faces") < html.index("Which is better</h2>")
    assert "as reported" not in html
