"""An inbox in an object store, against a real server that speaks S3 over HTTP."""

import hashlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import s3fs
from factories import make_batch, make_jpeg

from emotion_core.errors import ScoringError, SourceUnreachableError
from emotion_core.scoring.inbox import Scan, read_arrived
from emotion_core.scoring.ingest import ingest
from emotion_core.scoring.object_store import _entry
from emotion_core.scoring.sources import get_source
from emotion_core.settings import Settings
from emotion_core.steps import scoring
from emotion_core.steps.installation import Installation
from emotion_core.store.batches import ArrivedFile, held_folders
from emotion_core.store.database import Database
from emotion_core.store.ledger import claim_items

PICTURE = make_jpeg()


@pytest.fixture(scope="module")
def object_server() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(300):
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    yield f"http://127.0.0.1:{port}"
    process.kill()
    process.wait()


@pytest.fixture
def bucket(
    object_server: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> "Bucket":
    monkeypatch.setenv("AWS_ENDPOINT_URL", object_server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return Bucket(hashlib.sha256(request.node.name.encode()).hexdigest()[:20])


class Bucket:
    """A bucket of one test's own, filled by another program than the one under test."""

    def __init__(self, name: str) -> None:
        import boto3

        self.name = name
        self._client: Any = boto3.client("s3")
        self._client.create_bucket(Bucket=name)

    def put(self, key: str, data: bytes) -> None:
        self._client.put_object(Bucket=self.name, Key=key, Body=data)

    def delete(self, key: str) -> None:
        self._client.delete_object(Bucket=self.name, Key=key)


def scan(address: str, settle_seconds: float = 3600) -> tuple[dict[bytes, ArrivedFile], Scan]:
    looked = Scan(get_source(address), now_ns=time.time_ns(), settle_seconds=settle_seconds)
    return {found.path: found for found in looked.files()}, looked


def test_markers_settling_and_ignored_names_mean_the_same_as_in_a_folder(bucket: Bucket) -> None:
    for key in ("night/_SUCCESS", "night/a.jpg", "night/deep/grüße.jpg", "night/b.jpg.part"):
        bucket.put(f"in/{key}", PICTURE)
    bucket.put("in/loose.jpg", PICTURE)
    bucket.put("in/", b"")

    files, looked = scan(f"s3://{bucket.name}/in")
    settled, _ = scan(f"s3://{bucket.name}/in/", settle_seconds=0)

    assert set(files) == {b"night/a.jpg", "night/deep/grüße.jpg".encode()}
    assert (looked.count_ignored, looked.count_unsettled) == (2, 1)
    assert set(settled) == {*files, b"loose.jpg"}


def test_every_key_ends_in_a_file_or_a_reason(bucket: Bucket) -> None:
    for key in ("/b.jpg", "sub//c.jpg", "./d.jpg", "../e.jpg", "f.jpg/", "", "//g.jpg"):
        bucket.put(f"in/{key}", PICTURE)
    for key in ("%2F.jpg", "a b?c#d.jpg", "@eaDir/h.jpg", "i/"):
        bucket.put(f"in/{key}", PICTURE if key != "i/" else b"")
    bucket.put("in", PICTURE)

    files, looked = scan(f"s3://{bucket.name}/in", settle_seconds=0)
    reasons = {
        path: read_arrived(looked.source, found).code  # type: ignore[union-attr]
        for path, found in files.items()
    }

    odd = (b"/b.jpg", b"sub//c.jpg", b"./d.jpg", b"../e.jpg", b"f.jpg/", b"/", b"//g.jpg")
    assert reasons == dict.fromkeys(odd, "unusable_name") | {
        b"%2F.jpg": None,
        b"a b?c#d.jpg": None,
    }
    assert looked.count_ignored == 1


def test_a_misspelt_marker_holds_a_prefix(bucket: Bucket) -> None:
    for key in ("in/night/MANIFEST.CSV", "in/night/a.jpg", "in/b.jpg"):
        bucket.put(key, PICTURE)

    files, looked = scan(f"s3://{bucket.name}/in", settle_seconds=0)

    assert set(files) == {b"b.jpg"}
    assert [(held.folder, held.code) for held in looked.held] == [(b"night", "misnamed_marker")]


@pytest.mark.parametrize(
    "modified",
    [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, tzinfo=UTC),
        datetime(9999, 12, 31, tzinfo=UTC),
    ],
)
def test_an_object_of_any_date_has_a_time_that_the_tables_hold(modified: datetime) -> None:
    entry = _entry({"name": "b/a.jpg", "type": "file", "size": 1, "LastModified": modified})

    assert -(2**63) <= entry.modified_ns < 2**63


def test_one_object_is_scored_by_its_address_and_a_folder_however_it_is_spelt(
    bucket: Bucket, settings: Settings
) -> None:
    for key in ("in/a.jpg", "in/twice", "in/twice/b.jpg", "c.jpg"):
        bucket.put(key, PICTURE)
    address = f"s3://{bucket.name}"
    here = Installation(settings)

    assert {
        written: scoring.place_to_score(here, written)
        for written in (
            f"{address}/in/a.jpg",
            f"{address}/c.jpg",
            f"{address}/in/twice",
            f"{address}/in/twice/",
            f"S3://{bucket.name}/in/",
            f"{address}//in/./x/..",
            address,
        )
    } == {
        f"{address}/in/a.jpg": (f"{address}/in", b"a.jpg"),
        f"{address}/c.jpg": (address, b"c.jpg"),
        f"{address}/in/twice": (f"{address}/in", b"twice"),
        f"{address}/in/twice/": (f"{address}/in/twice", None),
        f"S3://{bucket.name}/in/": (f"{address}/in", None),
        f"{address}//in/./x/..": (f"{address}/in", None),
        address: (address, None),
    }


def test_a_missing_bucket_opens_no_batch(bucket: Bucket, settings: Settings) -> None:
    here = Installation(settings)

    with pytest.raises(ScoringError, match="is not a folder that can be read"):
        scoring.open_batch(here, "missing bucket", source="s3://there-is-no-such-bucket/in")
    with pytest.raises(ScoringError, match="there is no batch"):
        scoring.close_batch(here, "missing bucket")


def test_a_manifest_holds_a_prefix_until_it_is_met(bucket: Bucket) -> None:
    digest = hashlib.sha256(PICTURE).hexdigest()
    bucket.put("in/manifest.csv", f"path,sha256\na.jpg,{digest}\nb.jpg,{digest}\n".encode())
    bucket.put("in/a.jpg", PICTURE)

    before, looked = scan(f"s3://{bucket.name}/in")
    bucket.put("in/b.jpg", PICTURE)
    after, _ = scan(f"s3://{bucket.name}/in")

    assert before == {} and [held.code for held in looked.held] == ["manifest_missing"]
    assert set(after) == {b"a.jpg", b"b.jpg"}


def test_an_object_replaced_within_the_same_second_is_another_delivery(bucket: Bucket) -> None:
    bucket.put("in/a.jpg", b"one picture")
    first, _ = scan(f"s3://{bucket.name}/in", settle_seconds=0)

    bucket.put("in/a.jpg", b"two picture")

    second, _ = scan(f"s3://{bucket.name}/in", settle_seconds=0)
    assert first[b"a.jpg"].size == second[b"a.jpg"].size
    assert first[b"a.jpg"].modified_ns != second[b"a.jpg"].modified_ns
    assert read_arrived(get_source(f"s3://{bucket.name}/in"), first[b"a.jpg"]) is None


def test_what_was_ingested_is_entered_once_and_found_again_by_a_worker(
    bucket: Bucket, database: Database
) -> None:
    address = f"s3://{bucket.name}/in"
    for number in range(30):
        bucket.put(f"in/{number}.jpg", make_jpeg((number * 8, 0, 0)))
    batch = make_batch(database, address, address)

    first = ingest(database, batch, settle_seconds=0)
    second = ingest(database, batch, settle_seconds=0)

    with database.transaction("emotion_score") as connection:
        claims = claim_items(
            connection,
            model_version_id=batch.model_version_id,
            worker="w",
            limit=100,
            lease_seconds=60,
        )
        assert held_folders(connection, address) == []
    assert (first.count_entered, first.count_planned) == (30, 30)
    assert (second.count_entered, second.count_known) == (0, 30)
    for claim in claims:
        ((source, path),) = claim.places
        data, _ = get_source(source).read(path)
        assert hashlib.sha256(data).digest() == claim.sha256


def test_an_object_that_is_gone_is_an_error_of_that_file_alone(bucket: Bucket) -> None:
    bucket.put("in/sub/a.jpg", PICTURE)
    address = f"s3://{bucket.name}/in"

    for path in (b"gone.jpg", b"sub", b"\xff.jpg"):
        with pytest.raises(FileNotFoundError):
            get_source(address).read(path)


def test_an_empty_prefix_is_an_empty_inbox_and_a_missing_bucket_a_sentence(
    bucket: Bucket,
) -> None:
    bucket.put("elsewhere", b"x")

    assert scan(f"s3://{bucket.name}/in")[0] == {}
    with pytest.raises(ScoringError, match="is not a folder that can be read"):
        scan("s3://there-is-no-such-bucket/in")


def test_a_store_that_does_not_answer_says_nothing_about_its_files(
    monkeypatch: pytest.MonkeyPatch, bucket: Bucket
) -> None:
    s3fs.S3FileSystem.clear_instance_cache()  # it keeps the endpoint it first saw
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{closed.getsockname()[1]}")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")

        with pytest.raises(SourceUnreachableError, match="does not answer") as error:
            get_source("s3://never-answers/in").read(b"a.jpg")

    s3fs.S3FileSystem.clear_instance_cache()
    assert not isinstance(error.value, OSError)


def test_the_inbox_may_be_set_to_an_address() -> None:
    settings = Settings.from_environment(
        {"EMOTION_HOME": os.curdir, "EMOTION_INBOX_DIR": "s3://bucket/in/"}
    )

    assert settings.inbox == "s3://bucket/in"
    assert settings.inbox_dir.name == "inbox"


def test_an_object_is_removed_only_while_it_holds_what_is_to_go(
    bucket: Bucket, object_server: str
) -> None:
    from emotion_core.privacy.removal import remove_content
    from emotion_core.store.tombstone_key import TombstoneKey

    key = TombstoneKey(b"k" * 32)
    mark = key.content(hashlib.sha256(PICTURE).digest())
    bucket.put("in/mia.jpg", PICTURE)
    bucket.put("in/ben.jpg", b"other bytes")
    source = f"s3://{bucket.name}/in"

    problems = [
        remove_content(source, name, mark, key) for name in (b"mia.jpg", b"ben.jpg", b"gone.jpg")
    ]

    assert problems == [None, None, None]
    assert [entry.name for entry in get_source(source).entries(b"")] == [b"ben.jpg"]
