"""The cleaner's handler against a real S3 server: events in, tags and deletions out."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from cleaner_lambda import ledger_document as ledgers
from cleaner_lambda.errors import RequestError
from release_log.instants import parse_instant
from release_log.policy_settings import Policy
from tests.http.in_process import SMALL_PART, publish_here
from tests.wake_ups import wake_ups

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from examples.embedded_aws import EmbeddedAws
    from release_log.layout import Layout
    from tests.http.conftest import Uploader

    Folder = Callable[[str, dict[str, str]], Path]
    Cleaner = Callable[..., dict[str, Any]]


def marker_event(bucket: str, key: str) -> dict[str, Any]:
    """EventBridge's event for a marker."""
    return {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {"bucket": {"name": bucket}, "object": {"key": key}},
    }


def keys(entries: list[dict[str, Any]]) -> list[str]:
    """The keys of some entries of an answer."""
    return [entry["key"] for entry in entries]


def test_a_superseded_version_is_tagged_then_deleted(uploader: Uploader, site_folder: Folder, cleaner: Cleaner) -> None:
    """After the marker's event, with a policy without any waiting."""
    first = publish_here(uploader, site_folder("a", {"app-3f9c2ab1.js": "1"}), "r1")
    assert cleaner(marker_event(uploader.bucket, first.key))["current"] == {"default": first.id}
    second = publish_here(uploader, site_folder("b", {"app-4a1b2c3d.js": "2"}), "r2")
    planned = cleaner(dry_run=True)
    assert keys(planned["delete"]) == ["assets/app-3f9c2ab1.js"]
    assert "assets/app-3f9c2ab1.js" in uploader.keys()
    done = cleaner(marker_event(uploader.bucket, second.key))
    assert {**done, "dry_run": True, "at": ""} == {**planned, "at": ""}
    assert [key for key in uploader.keys() if ".releases" not in key] == ["assets/app-4a1b2c3d.js"]


@pytest.mark.usefixtures("small_parts")
def test_what_an_upload_sent_retires_and_what_only_a_marker_names_stays(
    uploader: Uploader, site_folder: Folder, cleaner: Cleaner, layout: Layout
) -> None:
    """Also what was sent in parts retires. The object of others is due at once, and is neither tagged nor deleted."""
    s3, theirs, ours = uploader.aws.client("s3"), "assets/photo.jpg", ["assets/about.html", "assets/film.mp4"]
    s3.put_object(Bucket=uploader.bucket, Key=theirs, Body=b"theirs")
    build = site_folder("a", {"about.html": "1", "film.mp4": "2" * (SMALL_PART + 1)})
    first = publish_here(uploader, build, "r1")
    cleaner(marker_event(uploader.bucket, first.key))
    named = json.loads(s3.get_object(Bucket=uploader.bucket, Key=first.key)["Body"].read())
    named["assets"]["assets/app.js"] = named["assets"][ours[0]] | {"key": theirs, "size": 6}
    forged = layout.marker_key(f"{first.id}2")
    s3.put_object(Bucket=uploader.bucket, Key=forged, Body=json.dumps(named).encode())
    assert cleaner(marker_event(uploader.bucket, forged))["current"] == {"default": f"{first.id}2"}
    last = publish_here(uploader, site_folder("b", {"app-4a1b2c3d.js": "2"}), "r3")
    done = cleaner(marker_event(uploader.bucket, last.key))
    assert (keys(done["tag"]), keys(done["delete"]), keys(done["set_aside"])) == (ours, [], [theirs])
    tagged = [key for key in (*ours, theirs) if s3.get_object_tagging(Bucket=uploader.bucket, Key=key).get("TagSet")]
    assert (tagged, theirs in uploader.keys()) == (ours, True)


@pytest.mark.scenario("T2", "T27", "L14")
def test_the_users_tags_stay_and_ours_come_and_go(uploader: Uploader, site_folder: Folder, cleaner: Cleaner) -> None:
    """Read, merge, write; an asset that comes back loses our tags although no file was sent."""
    s3, key = uploader.aws.client("s3"), "assets/about.html"
    publish_here(uploader, site_folder("a", {"about.html": "1", "index.html": "1"}), "r1")
    team = [{"Key": "team", "Value": "web"}]
    s3.put_object_tagging(Bucket=uploader.bucket, Key=key, Tagging={"TagSet": team})
    cleaner()
    publish_here(uploader, site_folder("b", {"index.html": "1"}), "r2")
    (tagged,) = cleaner()["tag"]
    assert (tagged["key"], tagged["state"], tagged["reason"]) == (key, "removed", "removed")
    tags = {tag["Key"]: tag["Value"] for tag in s3.get_object_tagging(Bucket=uploader.bucket, Key=key)["TagSet"]}
    assert tags == {"team": "web", "removed_at": tagged["since"]}
    again = publish_here(uploader, site_folder("a", {"about.html": "1", "index.html": "1"}), "r3")
    assert again.uploads == ()
    assert keys(cleaner()["untag"]) == [key]
    assert s3.get_object_tagging(Bucket=uploader.bucket, Key=key)["TagSet"] == team


def test_an_object_stored_over_a_tagged_one_may_keep_or_lose_the_tag(
    uploader: Uploader, site_folder: Folder, cleaner: Cleaner
) -> None:
    """S3 drops the tags of an overwritten object, this server keeps them: with both, none of ours remains."""
    s3, key = uploader.aws.client("s3"), "assets/about.html"
    publish_here(uploader, site_folder("a", {"about.html": "1", "index.html": "1"}), "r1")
    cleaner()
    publish_here(uploader, site_folder("b", {"index.html": "1"}), "r2")
    cleaner()
    s3.delete_object_tagging(Bucket=uploader.bucket, Key=key)
    publish_here(uploader, site_folder("c", {"about.html": "new", "index.html": "1"}), "r3")
    assert keys(cleaner()["untag"]) == [key]
    assert s3.get_object_tagging(Bucket=uploader.bucket, Key=key)["TagSet"] == []


@pytest.mark.scenario("T29a")
def test_more_than_a_thousand_deletions_go_in_batches(
    uploader: Uploader, cleaner: Cleaner, site_folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1,100 removed assets: pages and batches of at most 1,000 (the fixture checks each request)."""
    policy = {"grace": 0, "removed_ttl": 0, "max_delete_fraction": 1.0}
    monkeypatch.setenv("SITES", json.dumps([{"bucket": uploader.bucket, "prefix": "assets/", "policy": policy}]))
    page, old = {"index.html": "1"}, {f"chunk{number}-3f9c2ab1.js": "1" for number in range(1100)}
    publish_here(uploader, site_folder("a", old | page), "r1")
    cleaner()
    publish_here(uploader, site_folder("b", page), "r2")
    answer = cleaner()
    assert answer["counts"]["delete"] == len(old)
    assert answer["counts"]["failed"] == 0
    assert cleaner(full=True)["missing"] == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"not json", "not JSON"),
        (b'{"format": 4}', "newer than 3"),
        (None, "outside the site"),
    ],
    ids=["not JSON", "newer format", "key outside the prefix"],
)
def test_a_marker_that_does_not_validate_deletes_nothing_and_raises_the_metric(  # noqa: PLR0913, PLR0917 (fixtures)
    uploader: Uploader,
    site_folder: Folder,
    cleaner: Cleaner,
    layout: Layout,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    body: bytes | None,
    words: str,
) -> None:
    """The current release is unknown, so nothing may be deleted; after the repair the cleaner goes on."""
    s3 = uploader.aws.client("s3")
    first = publish_here(uploader, site_folder("a", {"app-3f9c2ab1.js": "1"}), "r1")
    cleaner()
    publish_here(uploader, site_folder("b", {"app-4a1b2c3d.js": "2"}), "r2")
    if body is None:
        good = s3.get_object(Bucket=uploader.bucket, Key=first.key)["Body"].read()
        body = good.replace(b'"key":"assets/app', b'"key":"other/app')
    bad = layout.marker_key("20200101T000000Z-bad")
    s3.put_object(Bucket=uploader.bucket, Key=bad, Body=body)
    capsys.readouterr()
    answer = cleaner(marker_event(uploader.bucket, bad))
    assert answer["delete"] == []
    assert (answer["stopped_by"][0]["reason"], words in answer["stopped_by"][0]["message"]) == ("invalid_marker", True)
    logged = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert any(line.get("InvalidMarkers") == [1.0] for line in logged)
    assert any(record.levelname == "ERROR" and bad in record.getMessage() for record in caplog.records)
    s3.delete_object(Bucket=uploader.bucket, Key=bad)
    assert keys(cleaner()["delete"]) == ["assets/app-3f9c2ab1.js"]


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({"dryrun": True}, "unknown key 'dryrun'"),
        ({"dry_run": "yes"}, "dry_run: 'yes'"),
        ({"dry_run": True, "version_ttl": -1}, "version_ttl: -1"),
        ({"dry_run": True, "grace": 1.5}, "grace: 1.5"),
        ({"site": "other/"}, "site 'other/'"),
        ({"version_ttl": 0}, 'needs "dry_run": true'),
        (
            {"source": "aws.s3", "detail-type": "Object Created", "detail": {"object": {"key": "x"}}},
            "detail.bucket.name",
        ),
        ([], "not a JSON object"),
    ],
)
def test_a_bad_payload_is_refused_and_nothing_is_written(
    uploader: Uploader,
    cleaner: Cleaner,
    payload: object,
    words: str,
) -> None:
    """The error names the key, the value and the remedy."""
    with pytest.raises(RequestError) as caught:
        cleaner(payload)
    assert words in str(caught.value)
    assert uploader.keys() == []


@pytest.mark.scenario("T29c")
def test_a_bucket_without_a_marker_is_left_alone(uploader: Uploader, cleaner: Cleaner) -> None:
    """Without a marker there is no action, not even a ledger, whatever objects exist."""
    uploader.aws.client("s3").put_object(Bucket=uploader.bucket, Key="assets/old-3f9c2ab1.js", Body=b"")
    answer = cleaner(full=True)
    assert answer["counts"] == {"tag": 0, "untag": 0, "delete": 0, "keep": 0, "failed": 0, "set_aside": 0}
    assert uploader.keys() == ["assets/old-3f9c2ab1.js"]


def test_the_wake_up_follows_the_next_due_instant(uploader: Uploader, site_folder: Folder, cleaner: Cleaner) -> None:
    """A run sets one for the next whole minute, and none if nothing falls due; it takes none away."""
    publish_here(uploader, site_folder("a", {"old.html": "1", "index.html": "1"}), "r1")
    cleaner()
    publish_here(uploader, site_folder("b", {"index.html": "1"}), "r2")
    answer = cleaner()
    (found,) = wake_ups(uploader.aws, uploader.bucket)
    at = datetime.fromisoformat(found["ScheduleExpression"][3:-1]).replace(tzinfo=UTC)
    assert at.second == 0
    assert timedelta() <= at - parse_instant(answer["next_due"]) < timedelta(minutes=1)
    assert found["ActionAfterCompletion"] == "DELETE"
    assert json.loads(found["Target"]["Input"]) == {"site": "assets/", "bucket": uploader.bucket, "wake_up": True}
    publish_here(uploader, site_folder("c", {"index.html": "1", "old.html": "1"}), "r3")
    assert cleaner()["next_due"] is None
    assert wake_ups(uploader.aws, uploader.bucket) == [found]


def test_two_buckets_with_one_prefix_have_each_a_wake_up_of_its_own(
    uploader: Uploader, site_folder: Folder, cleaner: Cleaner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The handler understands the schedule's payload, which names one of the two sites."""
    sites = [{"bucket": name, "prefix": "assets/", "policy": {"grace": 0}} for name in (uploader.bucket, "another")]
    monkeypatch.setenv("SITES", json.dumps(sites))
    with pytest.raises(RequestError, match="which site"):
        cleaner({"site": "assets/"})
    publish_here(uploader, site_folder("a", {"old.html": "1", "index.html": "1"}), "r1")
    cleaner(site="assets/", bucket=uploader.bucket)
    second = publish_here(uploader, site_folder("b", {"index.html": "1"}), "r2")
    cleaner(marker_event(uploader.bucket, second.key))
    (wake_up,) = wake_ups(uploader.aws, uploader.bucket)
    sent = json.loads(wake_up["Target"]["Input"])
    assert cleaner(sent)["current"] == {"default": second.id}


@pytest.mark.scenario("T8b")
def test_an_unchanged_site_causes_no_write(uploader: Uploader, site_folder: Folder, cleaner: Cleaner) -> None:
    """A repeated event finds nothing to do."""
    s3 = uploader.aws.client("s3")
    publish_here(uploader, site_folder("a", {"index.html": "1"}), "r1")
    cleaner()
    ledger = s3.head_object(Bucket=uploader.bucket, Key="assets/.releases/ledger.json.gz")
    cleaner()
    assert s3.head_object(Bucket=uploader.bucket, Key="assets/.releases/ledger.json.gz")["ETag"] == ledger["ETag"]


@pytest.mark.scenario("T32b")
def test_the_log_says_what_policy_a_run_followed(cleaner: Cleaner, caplog: pytest.LogCaptureFixture) -> None:
    """A deletion of long ago can be traced to its settings."""
    cleaner(dry_run=True, removed_ttl=7)
    (begins,) = (vars(record) for record in caplog.records if record.getMessage() == "begins")
    assert begins["policy"] == {**asdict(Policy()), "grace": 0, "version_limit": 0, "version_ttl": 0, "removed_ttl": 7}
    assert begins["run"].startswith("run-1-")


def test_an_event_that_is_delivered_twice_makes_two_runs(
    uploader: Uploader, site_folder: Folder, cleaner: Cleaner, aws: EmbeddedAws, layout: Layout
) -> None:
    """Both have Lambda's request id; neither may take the other's announcement for its own."""
    runs = set()
    for number in (1, 2):
        uploader.upload(site_folder(f"{number}", {"a.txt": f"{number}" * number}), "--release", f"r{number}")
        cleaner()
        body = aws.client("s3").get_object(Bucket=uploader.bucket, Key=layout.ledger)["Body"].read()
        runs.add(ledgers.decode(body).last_run["run"])
    assert len(runs) == 2
    assert all(run.startswith("run-1-") for run in runs)


def test_cleaning_goes_on_around_a_key_that_s3_refuses(
    uploader: Uploader, site_folder: Folder, cleaner: Cleaner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A per-key error of a batch is reported, kept in the ledger, and tried again by the next run."""
    from cleaner_lambda import handler  # noqa: PLC0415

    publish_here(uploader, site_folder("a", {"a-3f9c2ab1.js": "1", "b-3f9c2ab1.js": "1"}), "r1")
    cleaner()
    publish_here(uploader, site_folder("b", {"a-4a1b2c3d.js": "1", "b-4a1b2c3d.js": "1"}), "r2")
    client = handler._s3_once()  # noqa: SLF001
    monkeypatch.setattr("cleaner_lambda.pace.time.sleep", lambda _: None)
    real: Any = client.delete_objects

    def refuse_one(**params: Any) -> dict[str, Any]:  # noqa: ANN401
        wanted = params["Delete"]["Objects"]
        answer: dict[str, Any] = real(
            **{**params, "Delete": {"Objects": [w for w in wanted if "/a-" not in w["Key"]] or [{"Key": "x"}]}}
        )
        errors = [{"Key": w["Key"], "Code": "InternalError", "Message": "again"} for w in wanted if "/a-" in w["Key"]]
        return {**answer, "Errors": errors}

    monkeypatch.setattr(client, "delete_objects", refuse_one)
    answer = cleaner()
    assert keys(answer["delete"]) == ["assets/b-3f9c2ab1.js"]
    assert (answer["counts"]["delete"], answer["counts"]["failed"]) == (1, 1)
    assert "InternalError" in answer["failed"][0]["error"]
    monkeypatch.undo()
    assert "assets/a-3f9c2ab1.js" in uploader.keys()
