"""Erasing, keeping, holding and recording from a shell."""

import pytest
from click.testing import Result
from deliveries import Site, picture
from typer.testing import CliRunner

from emotion_core.cli import app
from emotion_core.errors import EmotionError


@pytest.fixture
def shell(site: Site, monkeypatch: pytest.MonkeyPatch) -> "Shell":
    site.set_environment(monkeypatch)
    return Shell()


class Shell:
    """``emotion …`` in this process."""

    def says(self, *arguments: str) -> str:
        result: Result = CliRunner().invoke(app, list(arguments))
        if result.exception is not None:
            raise result.exception
        return result.output


def test_an_image_is_erased_and_the_request_is_listed(shell: Shell, site: Site) -> None:
    hashes = site.deliver(mia=801)
    site.score_night()

    told = shell.says("erase", "--content", hashes["mia"], "--reason", "request 12/2026")
    listed = shell.says("erasures")

    assert "1 images, 1 files, 1 predictions" in told
    assert "request 12/2026" in listed and hashes["mia"] not in listed
    assert site.count_predictions(hashes["mia"]) == 0
    assert shell.says("erase", "--finish") == shell.says("erase", "--replay")
    kept = site.inbox.parent / "kept.jsonl"
    assert "1 tombstones" in shell.says("tombstones", str(kept))


def test_what_was_never_here_is_said_apart_from_the_tombstone_that_stands(
    shell: Shell, site: Site
) -> None:
    unseen = "cd" * 32
    lying = site.inbox / "fresh.jpg"
    lying.write_bytes(picture(802))

    first = shell.says("erase", "--content", f" {unseen.upper()} ", "--reason", "request 13")
    again = shell.says("erase", "--content", unseen, "--reason", "request 14")
    elsewhere = shell.says("erase", "--file", str(lying), "--reason", "request 15")

    assert first == (
        "nothing with this content is here; its tombstone stands: the same bytes are refused from "
        "now on\n"
    )
    assert "is here; it was erased on 20" in again and "are gone" not in first + again
    assert "nothing with this content is here" in elsewhere


@pytest.mark.parametrize("number", ["zz", "ab" * 31, "ab" * 33, "ab " * 32, "", "0x" + "ab" * 31])
def test_a_hash_that_is_none_is_refused(shell: Shell, number: str) -> None:
    for command in (("erase",), ("hold", "place")):
        with pytest.raises(EmotionError, match=r"is no SHA-256|name one of"):
            shell.says(*command, "--content", number, "--reason", "request 16")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--subject", "never seen", "--reason", "x"),
        ("--file", "/never/seen.jpg", "--reason", "x"),
        ("--file", "/" + "x" * 300, "--reason", "x"),
        ("--finish", "--replay"),
        ("--finish", "--content", "ab" * 32, "--reason", "x"),
        ("--finish", "--tombstones", "/no/such/file"),
        ("--replay", "--tombstones", "/no/such/file"),
        ("--content", "ab" * 32, "--file", "/x", "--reason", "x"),
    ],
)
def test_what_cannot_be_erased_so_is_refused(shell: Shell, arguments: tuple[str, ...]) -> None:
    with pytest.raises((EmotionError, OSError)):
        shell.says("erase", *arguments)


def test_erasing_asks_for_a_reason(shell: Shell) -> None:
    with pytest.raises(EmotionError, match="say why"):
        shell.says("erase", "--content", "ab" * 32)


def test_days_are_set_listed_and_enforced(shell: Shell) -> None:
    told = shell.says("retention", "set", "audit", "30")
    listed = shell.says("retention")
    ran = shell.says("retention", "run")
    forever = shell.says("retention", "set", "audit", "forever")

    assert told == "audit: kept for 30 days\n"
    assert "30 days" in listed and "ever" in listed
    assert "audit: 0 removed, 0 held, 0 not removable" in ran
    assert forever == "audit: kept for ever\n"
    with pytest.raises(EmotionError, match="no number of days"):
        shell.says("retention", "set", "audit", "soon")


def test_a_hold_is_placed_listed_and_lifted(shell: Shell) -> None:
    told = shell.says("hold", "place", "--reason", "case 7", "--source", "s3://bucket/in")
    number = told.split()[1]
    listed = shell.says("hold", "list")
    lifted = shell.says("hold", "lift", number)

    assert "nothing it names is here yet" in told
    assert "s3://bucket/in" in listed and "case 7" in listed
    assert lifted == f"hold {number} is lifted\n"
    with pytest.raises(EmotionError, match="no hold"):
        shell.says("hold", "lift", number)
    with pytest.raises(EmotionError, match="name one of"):
        shell.says("hold", "place", "--reason", "case 8")
    with pytest.raises(EmotionError, match="no data set"):
        shell.says("hold", "place", "--reason", "case 8", "--dataset", "no such thing")


def test_a_hold_says_how_much_of_what_it_names_is_here(shell: Shell, site: Site) -> None:
    hashes = site.deliver(mia=803, ben=804)
    site.score_night()
    place = ("hold", "place", "--reason", "case 9")

    source = shell.says(*place, "--source", site.settings.inbox)
    content = shell.says(*place, "--content", hashes["mia"])
    inside = shell.says(*place, "--source", f"{site.settings.inbox}/slip")
    subject = shell.says(*place, "--subject", "nobody")
    purpose = shell.says("source", "set", site.settings.inbox, "--purpose", "research")

    assert ": 2 kept now" in source and ": 1 kept now" in content
    assert "nothing it names is here" in inside and "nothing it names" in subject
    assert "no batch" not in purpose


def test_a_purpose_is_recorded_and_shown(shell: Shell) -> None:
    told = shell.says("source", "set", "/srv/staff", "--purpose", "workplace")
    shell.says(
        *("source", "set", "/srv/drivers", "--purpose", "workplace"),
        *("--basis", "safety", "--note", "risk assessment 12/2026"),
    )
    listed = shell.says("source").splitlines()

    assert "refused without a medical or safety basis" in told
    assert "no batch has read from it yet" in told
    assert next(line for line in listed if "/srv/staff" in line).split()[-2] == "no"
    drivers = next(line for line in listed if "/srv/drivers" in line)
    assert drivers.split()[-2] == "yes" and "risk assessment 12/2026" in drivers


def test_health_before_and_after_the_first_look(shell: Shell) -> None:
    before = shell.says("health")
    after = shell.says("health", "--now")

    assert "no health check yet" in before
    assert "freshness_hours" in after and "backlog_hours" in after
