"""The stack gives all the rights that are needed and no other, tried against an AWS that enforces them."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from cleaner_lambda.errors import CleanerError
from examples.embedded_aws import REGION, EmbeddedAws
from examples.installation import wait
from release_log.ledger_file import FORMAT, HEAD_FORMAT
from tests.e2e.cloudformation import deploy
from tests.e2e.enforced import Stack, Statement, actions, look_at, without_one
from tests.e2e.stories import (
    KEPT_MARKERS,
    LAYOUT,
    POLICY,
    SENT,
    Visitor,
    clean,
    clean_everything,
    is_wake_up_set,
    release,
    upload_everything,
    write_builds,
)
from tests.e2e.strict_s3 import StrictS3
from tests.http.in_process import SMALL_PART

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.stories import Cleaned

UNENFORCED = {
    "logs:CreateLogStream": "https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html",
    "logs:PutLogEvents": "https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html",
    "iam:PassRole": "https://docs.aws.amazon.com/scheduler/latest/UserGuide/security_iam_id-based-policy-examples.html",
    "sqs:SendMessage": "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html",
    "events:PutEvents": "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-identity-based.html",
    "xray:PutTelemetryRecords": "https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html",
    "xray:PutTraceSegments": "https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html",
}
"""Rights that the cleaner needs by AWS's documentation, although the embedded AWS does not ask for them."""

MARKER = LAYOUT.marker_key("20260101T000000Z-r")
PIN = LAYOUT.pin_key("20260101T000000Z-r")
INTENT = LAYOUT.pending_key("20260101T000000Z-r")
ASSET = "assets/app-1a2b3c4d.js"
NEIGHBOURS = ("assets-2/app.js", "app.js", ".releases/ledger.json.gz")
LEDGERS_AROUND = (".releases/ledger.json.gz",)
"""What both may read, and do no more with: the ledger of a site around their own."""
TAGS = {"Tagging": {"TagSet": [{"Key": "removed_at", "Value": "2026-01-01T00:00:00Z"}]}}


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The stack, installed into an embedded AWS that checks signatures and policies."""
    with EmbeddedAws(enforce_iam=True) as aws, StrictS3(aws.url) as strict:
        deployed = deploy(aws, POLICY)
        made = look_at(deployed, aws, strict)
        made.give_role(made.cleaner)
        yield made


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Builds to upload."""
    directory = tmp_path_factory.mktemp("builds")
    write_builds(directory)
    return directory


@pytest.fixture(scope="module")
def by_root(stack: Stack) -> Callable[[int], Cleaned]:
    """What comes of all that the cleaner does, with root's rights, by the ledger's format; done once."""
    return cache(lambda ledger_format: clean_everything(stack.visitor(None), ledger_format))


def s3_of(visitor: Visitor, endpoint: str | None = None) -> Any:  # noqa: ANN401 (a boto3 client)
    """A client with the visitor's keys, at a bucket with content to lose; by default not at the strict S3."""
    root: Any = visitor.aws.client("s3")
    for key in (ASSET, MARKER, INTENT, LAYOUT.ledger, *NEIGHBOURS):
        root.put_object(Bucket=visitor.bucket, Key=key, Body=b"x")
    return client_of(visitor, endpoint)


def client_of(visitor: Visitor, endpoint: str | None = None) -> Any:  # noqa: ANN401 (a boto3 client)
    """A client with the visitor's keys; by default not at the strict S3."""
    create: Any = boto3.client
    return create(
        "s3",
        endpoint_url=endpoint or visitor.aws.url,
        region_name=REGION,
        aws_access_key_id=visitor.keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=visitor.keys["AWS_SECRET_ACCESS_KEY"],
    )


def refused(request: Callable[[], object]) -> bool:
    """Whether S3 denies the call."""
    try:
        request()
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        return True
    return False


def logged(aws: EmbeddedAws, group: str) -> str:
    """Every message of a log group."""
    pages = aws.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
    return "\n".join(event["message"] for page in pages for event in page["events"])


def test_what_is_tried_here_is_what_the_stack_synthesises(stack: Stack) -> None:
    """The embedded AWS deploys every statement of the template, resolved, and no other."""

    def outline(statements: list[Statement]) -> list[tuple[Any, ...]]:
        return [(each.get("Sid"), each["Effect"], actions(each), each.get("Condition")) for each in statements]

    for kind, name, tried in (
        ("AWS::IAM::ManagedPolicy", "UploaderPolicy", stack.uploader),
        ("AWS::IAM::Policy", "CleanerRole", stack.cleaner),
    ):
        (synthesised,) = (
            resource["Properties"]["PolicyDocument"]["Statement"]
            for logical_id, resource in stack.deployed.template["Resources"].items()
            if resource["Type"] == kind and logical_id.startswith(name)
        )
        assert outline(tried) == outline(synthesised)
        assert stack.site.bucket in json.dumps(tried)
        assert "Fn::" not in json.dumps(tried)


class TestEnough:
    """No right is missing."""

    def test_the_deployed_stack_publishes_and_cleans(self, stack: Stack, tmp_path: Path) -> None:
        """The build job by its policy, the function by its role: tags come and go, a wake-up is set, an asset goes.

        Commands that only read need no more than the build job.
        """
        site, arn = stack.site, stack.deployed.outputs["UploaderPolicyArn"]
        job = Visitor(stack.aws, site.bucket, stack.strict.url, stack.user(policy_arn=arn))
        film, logo, marks = bytes(SMALL_PART + 1), "assets/logo-5d6e7f8a.png", []
        for number, names in enumerate(
            (("app-3f9c2ab1.js", "logo-5d6e7f8a.png"), ("app-4a1b2c3d.js",), ("app-4a1b2c3d.js", "logo-5d6e7f8a.png"))
        ):
            directory = tmp_path / f"r{number}"
            directory.mkdir()
            for name in (*names, "film.mp4"):
                (directory / name).write_bytes(film if name == "film.mp4" else b"1")
            answer = job.upload(directory)
            assert (answer.returncode, answer.stderr) == (0, "")
            release_id = json.loads(answer.stdout)["release"]
            site.wait_until_cleaned(release_id)
            due = number > 0
            wait(partial(is_wake_up_set, stack.aws, site.bucket), due.__eq__, f"wake-up is not {due}")
            marks.append(list(site.tags(logo)))
        assert marks == [[], ["removed_at"], []]
        assert set(site.assets()) == {"assets/app-4a1b2c3d.js", logo, "assets/film.mp4"}
        assert site.invoke({"full": True})["failed"] == []
        for look in (["releases"], ["status"], ["report"], ["verify"], ["verify", "--release", release_id]):
            answer = job.uploader(*look)
            assert (answer.returncode, answer.stderr) == (0, ""), look

    @pytest.mark.parametrize("strict", [False, True], ids=["S3 tells what is missing", "S3 hides what is missing"])
    def test_the_doctor_finds_nothing_wrong_with_the_build_job(self, stack: Stack, *, strict: bool) -> None:
        """It says "unknown" of all that its rights cannot show, such as deletions where S3 hides missing keys."""
        site, arn = stack.site, stack.deployed.outputs["UploaderPolicyArn"]
        url = stack.strict.url if strict else stack.aws.url
        answer = Visitor(stack.aws, site.bucket, url, stack.user(policy_arn=arn)).uploader("doctor")
        assert (answer.returncode, answer.stderr) == (0, "")
        found = {each["check"]: each["state"] for each in json.loads(answer.stdout)["findings"]}
        rights = {name: found[name] for name in ("list", "read", "write", "ledger", "intents", "delete", "neighbours")}
        assert rights == dict.fromkeys(rights, "ok")
        assert {found[name] for name in ("EventBridge", "versioning", "lifecycle", "function")} == {"unknown"}

    def test_the_uploader_does_all_it_can_do(self, stack: Stack, builds: Path) -> None:
        """Also when S3 does not tell it whether a key is missing or forbidden."""
        assert upload_everything(stack.visitor(stack.uploader), builds) == []

    @pytest.mark.parametrize("ledger_format", [FORMAT, HEAD_FORMAT])
    def test_the_cleaner_does_all_that_root_can_do(
        self, stack: Stack, by_root: Callable[[int], Cleaned], ledger_format: int
    ) -> None:
        """Tags, untags, deletes, prunes its log, sets its wake-up."""
        cleaned = clean_everything(stack.visitor(stack.cleaner), ledger_format)
        assert [counts["delete"] for counts in cleaned.counts] == [0, 1, 0]
        assert cleaned.marks == [[], ["removed_at"], []]
        assert cleaned.wake_ups[1:] == [True, True]
        own = {LAYOUT.ledger, LAYOUT.checkpoint} | ({LAYOUT.ledger_files} if ledger_format == HEAD_FORMAT else set())
        assert own <= set(cleaned.left)
        log = sorted(key for key in cleaned.left if key.startswith(LAYOUT.log) and key not in own)
        assert len(log) == KEPT_MARKERS
        assert all(key.startswith(LAYOUT.markers) for key in log), "what has expired is left"
        assert cleaned == by_root(ledger_format)


class TestNothingSpare:
    """Without any one action of any statement, something fails or is no longer forbidden."""

    def test_the_uploader_needs_every_action(self, stack: Stack, builds: Path) -> None:
        """The test removes each in turn."""
        tried = without_one(stack.uploader, "Allow")
        assert len(tried) == 7, "deleting counts twice: intents, and staged releases; and reading: the ledger around"
        assert [action for action, rights in tried if not upload_everything(stack.visitor(rights), builds)] == []

    def test_the_cleaner_needs_every_action(self, stack: Stack, by_root: Callable[[int], Cleaned]) -> None:
        """The test removes each in turn, except those that the embedded AWS does not ask for."""
        whole, spare = by_root(FORMAT), []
        for action, rights in without_one(stack.cleaner, "Allow"):
            if action in UNENFORCED:
                continue
            try:
                cleaned = clean_everything(stack.visitor(rights), usual=whole)
            except (ClientError, CleanerError):
                continue
            if cleaned == whole:
                spare.append(action)
        assert spare == []

    def test_every_denial_forbids_something(self, stack: Stack) -> None:
        """The test removes each in turn: the forbidden request is then allowed."""
        requests: dict[tuple[str, str], list[Callable[[Any, str], object]]] = {
            ("uploader", "s3:PutObject"): [
                lambda s3, bucket: s3.put_object(Bucket=bucket, Key=LAYOUT.checkpoint),
                lambda s3, bucket: s3.put_object(Bucket=bucket, Key=LAYOUT.ledger),
            ],
            ("cleaner", "s3:DeleteObject"): [
                lambda s3, bucket: s3.delete_object(Bucket=bucket, Key=PIN),
                lambda s3, bucket: s3.delete_object(Bucket=bucket, Key=LAYOUT.checkpoint),
                lambda s3, bucket: s3.delete_object(Bucket=bucket, Key=LAYOUT.ledger),
            ],
            ("cleaner", "s3:PutObjectTagging"): [
                lambda s3, bucket: s3.put_object_tagging(Bucket=bucket, Key=MARKER, **TAGS)
            ],
        }
        for who, rights in (("uploader", stack.uploader), ("cleaner", stack.cleaner)):
            for action, less in without_one(rights, "Deny"):
                request = requests[who, action].pop(0)
                for given, expected in ((rights, True), (less, False)):
                    visitor = stack.visitor(given)
                    assert refused(partial(request, s3_of(visitor), visitor.bucket)) is expected, (who, action)
        assert not any(requests.values())

    def test_what_is_not_asked_for_is_really_not_asked_for(self, stack: Stack) -> None:
        """Without it the deployed function logs, sets a wake-up, and hands a failed run over.

        If this fails, the embedded AWS now asks for the right: then remove the action from `UNENFORCED`.
        """
        kept = [each for each in stack.cleaner if not UNENFORCED.keys() & set(actions(each))]
        taken = [action for each in stack.cleaner if each not in kept for action in actions(each)]
        assert sorted(taken) == sorted(UNENFORCED), "they are in the template, and in statements of their own"
        stack.give_role(kept)
        try:
            s3, site = stack.aws.client("s3"), stack.site
            function, queue = stack.aws.client("lambda"), stack.aws.client("sqs")
            function.invoke(FunctionName=site.function, InvocationType="Event", Payload='{"unmistakable": 1}')
            for name, assets in (("a", {"app.js": ASSET, "logo.png": "assets/logo.png"}), ("b", {"app.js": ASSET})):
                for key in assets.values():
                    s3.put_object(Bucket=site.bucket, Key=key, Body=b"1", Metadata=SENT)
                # Newer than all others by its key too, which orders the markers of one second.
                s3.put_object(
                    Bucket=site.bucket, Key=LAYOUT.marker_key(f"99991231T235959Z-{name}"), Body=release(assets)
                )
                site.wait_until_cleaned(f"99991231T235959Z-{name}")
            wait(partial(is_wake_up_set, stack.aws, site.bucket), bool, "no wake-up")
            log = function.get_function_configuration(FunctionName=site.function)["LoggingConfig"]["LogGroup"]
            wait(partial(logged, stack.aws, log), lambda said: "unmistakable" in said, "the run is not logged")
            (url,) = (
                name
                for logical_id, name in stack.deployed.names.items()
                if re.match("FailedRuns[0-9A-F]{8}$", logical_id)
            )
            wait(lambda: queue.receive_message(QueueUrl=url).get("Messages"), bool, "no failed run in the queue")
        finally:
            stack.give_role(stack.cleaner)


class TestForbidden:
    """Requests that S3 denies even to our defects and to a stolen key."""

    @pytest.mark.scenario("A8")
    def test_the_uploader_can_neither_delete_what_is_published_nor_leave_its_prefix(self, stack: Stack) -> None:
        """Nor write the ledger, nor give itself more rights."""
        visitor = stack.visitor(stack.uploader)
        s3 = s3_of(visitor)
        assert_refused(
            visitor,
            s3,
            [
                *(partial(s3.delete_object, Key=key) for key in (ASSET, MARKER, PIN, LAYOUT.ledger, *NEIGHBOURS)),
                *(
                    partial(s3.delete_objects, Delete={"Objects": [{"Key": key}]})
                    for key in (ASSET, MARKER, LAYOUT.ledger)
                ),
                *(partial(s3.put_object, Key=key) for key in (LAYOUT.ledger, *NEIGHBOURS)),
                *(partial(s3.get_object, Key=key) for key in NEIGHBOURS if key not in LEDGERS_AROUND),
                partial(s3.create_multipart_upload, Key=LAYOUT.ledger),
                partial(s3.put_object_tagging, Key=ASSET, **TAGS),
            ],
        )

    @pytest.mark.scenario("L10")
    def test_the_cleaner_can_neither_write_assets_nor_lose_its_ledger_nor_leave_its_prefix(self, stack: Stack) -> None:
        """Nor write or tag the release log."""
        visitor = stack.visitor(stack.cleaner)
        s3 = s3_of(visitor)
        assert_refused(
            visitor,
            s3,
            [
                *(partial(s3.delete_object, Key=key) for key in (PIN, LAYOUT.ledger, *NEIGHBOURS)),
                partial(s3.delete_objects, Delete={"Objects": [{"Key": LAYOUT.ledger}]}),
                *(partial(s3.put_object, Key=key) for key in (ASSET, MARKER, INTENT, PIN, *NEIGHBOURS)),
                *(partial(s3.get_object, Key=key) for key in NEIGHBOURS if key not in LEDGERS_AROUND),
                *(
                    partial(s3.put_object_tagging, Key=key, **TAGS)
                    for key in (MARKER, INTENT, LAYOUT.ledger, *NEIGHBOURS)
                ),
            ],
        )

    def test_nobody_overwrites_what_the_release_log_says(self, stack: Stack) -> None:
        """Neither in place nor by a copy; a new key can be written. The S3 of the other tests refuses the same."""
        visitor = stack.visitor(stack.uploader)
        s3 = s3_of(visitor, visitor.endpoint)
        new = (LAYOUT.key_in(folder, "20260102T000000Z-r") for folder in (LAYOUT.markers, LAYOUT.pins, LAYOUT.staged))
        for key in (MARKER, INTENT, *new):
            source = {"Bucket": visitor.bucket, "Key": MARKER}
            for request in (s3.put_object, partial(s3.copy_object, CopySource=source)):
                assert refused(partial(request, Bucket=visitor.bucket, Key=key)), key
            if key not in {MARKER, INTENT}:
                s3.put_object(Bucket=visitor.bucket, Key=key, IfNoneMatch="*")
        s3.put_object(Bucket=visitor.bucket, Key=ASSET)

    def test_no_upload_sets_a_tag_or_an_acl_by_a_header(self, stack: Stack) -> None:
        """A tag says what the cleaner may do: it needs a right of its own, also as a header of a write."""
        tag = {"Tagging": "removed_at=2026-01-01T00%3A00%3A00Z"}
        right: Statement = {
            "Effect": "Allow",
            "Action": "s3:PutObjectTagging",
            "Resource": f"arn:aws:s3:::{stack.site.bucket}/*",
        }
        for statements, expected in ((stack.uploader, True), ([*stack.uploader, right], False)):
            visitor = stack.visitor(statements)
            s3 = s3_of(visitor, visitor.endpoint)
            for request in (s3.put_object, s3.create_multipart_upload):
                assert refused(partial(request, Bucket=visitor.bucket, Key=ASSET, **tag)) is expected
            assert refused(partial(s3.put_object, Bucket=visitor.bucket, Key=ASSET, ACL="public-read"))
            assert not refused(partial(s3.put_object, Bucket=visitor.bucket, Key=ASSET))

    @pytest.mark.parametrize(("method", "key"), [("put_object", LAYOUT.ledger), ("delete_object", MARKER)])
    def test_a_conditional_write_needs_the_right_to_read(self, stack: Stack, method: str, key: str) -> None:
        """The cleaner has it, for its ledger."""
        blind = [each for each in stack.cleaner if "s3:GetObject" not in actions(each)]
        for statements, expected in ((stack.cleaner, False), (blind, True)):
            visitor = stack.visitor(statements)
            request = getattr(s3_of(visitor, visitor.endpoint), method)
            etag = visitor.aws.client("s3").head_object(Bucket=visitor.bucket, Key=key)["ETag"]
            assert refused(partial(request, Bucket=visitor.bucket, Key=key, IfMatch=etag)) is expected


class TestStolenCredential:
    """The attacks of docs/security.md, with the build job's policy: what it says can be done is done."""

    def test_a_replaced_staged_release_is_activated_only_by_who_does_not_know_the_digest(
        self, stack: Stack, builds: Path
    ) -> None:
        visitor = stack.visitor(stack.uploader)
        thief = client_of(visitor, visitor.endpoint)
        staged = json.loads(visitor.upload(builds / "new", "--stage").stdout)
        body = json.loads(thief.get_object(Bucket=visitor.bucket, Key=staged["staged"])["Body"].read())
        body["assets"] = dict(list(body["assets"].items())[:1])
        thief.delete_object(Bucket=visitor.bucket, Key=staged["staged"])
        thief.put_object(Bucket=visitor.bucket, Key=staged["staged"], Body=json.dumps(body).encode(), IfNoneMatch="*")
        for command in ("activate", "drop"):
            answer = visitor.uploader(command, staged["release"], "--digest", staged["digest"])
            assert (answer.returncode, "was replaced since it was staged" in answer.stderr) == (1, True)
        assert not [key for key in visitor.stored() if key.startswith(LAYOUT.markers)]
        assert visitor.uploader("activate", staged["release"]).returncode == 0

    def test_a_decoy_pin_is_found(self, stack: Stack, builds: Path) -> None:
        """Only an operator removes it."""
        visitor = stack.visitor(stack.uploader)
        thief = client_of(visitor, visitor.endpoint)
        published = json.loads(visitor.upload(builds / "new").stdout)
        body = json.loads(thief.get_object(Bucket=visitor.bucket, Key=published["marker"])["Body"].read())
        body["assets"] = dict(list(body["assets"].items())[:1])
        pin = LAYOUT.pin_key(published["release"])
        thief.put_object(Bucket=visitor.bucket, Key=pin, Body=json.dumps(body).encode(), IfNoneMatch="*")
        answer = visitor.uploader("pin", published["release"])
        assert (answer.returncode, "keeps other assets than the release" in answer.stderr) == (1, True)
        assert refused(partial(thief.delete_object, Bucket=visitor.bucket, Key=pin))

    def test_two_markers_cannot_delete_what_no_upload_sent(self, stack: Stack, builds: Path) -> None:
        """Neither as a removed asset nor as an old version, and without a fingerprint whatever the marker says."""
        visitor = stack.visitor(stack.uploader)
        thief, root = client_of(visitor, visitor.endpoint), visitor.aws.client("s3")
        theirs = [f"{LAYOUT.prefix}uploads/{name}" for name in ("removed.jpg", "superseded.jpg")]
        for key in theirs:
            root.put_object(Bucket=visitor.bucket, Key=key, Body=b"1")
        assert visitor.upload(builds / "new").returncode == 0
        ours = f"{LAYOUT.prefix}index.html"
        named = [dict(zip(("a.jpg", "b.jpg"), theirs, strict=True)), {"b.jpg": f"{LAYOUT.prefix}app-3f9c2ab1.js"}]
        for number, assets in enumerate(named):
            marker = LAYOUT.marker_key(f"99991231T235959Z-{number}")
            thief.put_object(Bucket=visitor.bucket, Key=marker, Body=release(assets), IfNoneMatch="*")
            answer = clean(replace(visitor, keys=stack.user(stack.moved(stack.cleaner, visitor.bucket))))
        assert {each["key"] for each in answer["set_aside"]} >= set(theirs)
        tagged = [key for key in (*theirs, ours) if root.get_object_tagging(Bucket=visitor.bucket, Key=key)["TagSet"]]
        assert (tagged, set(theirs) <= visitor.stored()) == ([ours], True)

    def test_overwritten_objects_are_found_and_sent_again(self, stack: Stack, builds: Path) -> None:
        """Also if the thief kept size, headers and the uploader's metadata, or sent them in parts."""
        visitor = stack.visitor(stack.uploader)
        thief = client_of(visitor, visitor.endpoint)
        visitor.upload(builds / "new")
        script, page = (f"{LAYOUT.prefix}{name}" for name in ("app-3f9c2ab1.js", "index.html"))
        for number, in_parts in enumerate((False, True)):
            for key in (script, page):
                stored = thief.get_object(Bucket=visitor.bucket, Key=key)
                body = b"x" * stored["ContentLength"]
                where = {"Bucket": visitor.bucket, "Key": key}
                same = {name: stored[name] for name in ("ContentType", "CacheControl", "Metadata")}
                if not in_parts:
                    thief.put_object(**where, Body=body, **same)
                    continue
                upload = {**where, "UploadId": thief.create_multipart_upload(**where, **same)["UploadId"]}
                part = {"PartNumber": 1, "ETag": thief.upload_part(**upload, PartNumber=1, Body=body)["ETag"]}
                thief.complete_multipart_upload(**upload, MultipartUpload={"Parts": [part]})
            verified = visitor.uploader("verify")
            assert verified.returncode == 1
            found = {each["key"]: each["wrong"] for each in json.loads(verified.stdout)["findings"]}
            assert found == dict.fromkeys((script, page), "content_differs")
            again = visitor.upload(builds / "new", f"--release=again-{number}")
            assert again.returncode == 0, again.stderr
            answer = json.loads(again.stdout)
            sent = {each["key"]: each["reason"] for each in (*answer["uploaded"], *answer["placed"])}
            assert sent == dict.fromkeys((script, page), "content_differs")
            assert visitor.uploader("verify").returncode == 0

    def test_a_thief_lets_assets_go_and_keeps_others_and_ends_the_site(self, stack: Stack, builds: Path) -> None:
        """By releases and pins, by deleting what protects an upload, and by ending its parts."""
        visitor = stack.visitor(stack.uploader)
        cleaner = replace(visitor, keys=stack.user(stack.moved(stack.cleaner, visitor.bucket)))
        thief, root = client_of(visitor, visitor.endpoint), visitor.aws.client("s3")

        def write(key: str, body: bytes) -> None:
            thief.put_object(Bucket=visitor.bucket, Key=key, Body=body, IfNoneMatch="*")

        def tags(key: str) -> list[str]:
            found = root.get_object_tagging(Bucket=visitor.bucket, Key=key)["TagSet"]
            return [each["Key"] for each in found]

        assert visitor.upload(builds / "new").returncode == 0
        script, page = (f"{LAYOUT.prefix}{name}" for name in ("app-3f9c2ab1.js", "index.html"))
        write(LAYOUT.marker_key("99991231T235959Z-0"), release({"app.js": script}))
        clean(cleaner)
        assert (tags(script), tags(page)) == ([], ["removed_at"])
        write(LAYOUT.pin_key("99991231T235959Z-0"), release({"app.js": script}))
        time.sleep(1)  # of two markers of one second, whose names are far apart, it is unknown which is newer
        assert visitor.uploader("end", "--site").returncode == 0
        answer = clean(cleaner)
        assert (answer["stopped_by"], tags(page), script in visitor.stored()) == ([], ["removed_at"], True)

        others = [LAYOUT.key_in(folder, "99991231T235959Z-1") for folder in (LAYOUT.pending, LAYOUT.staged)]
        for key in others:
            root.put_object(Bucket=visitor.bucket, Key=key, Body=b"x")
            thief.delete_object(Bucket=visitor.bucket, Key=key)
        assert not visitor.stored() & set(others)
        upload = {"Bucket": visitor.bucket, "Key": f"{LAYOUT.prefix}film-1a2b3c4d.mp4"}
        upload["UploadId"] = root.create_multipart_upload(**upload)["UploadId"]
        thief.abort_multipart_upload(**upload)
        assert "Uploads" not in root.list_multipart_uploads(Bucket=visitor.bucket)

        write(LAYOUT.marker_key("99991231T235959Z-2"), b"nonsense")
        assert clean(cleaner)["stopped_by"], "nothing is deleted any more"

    def test_a_thief_reaches_neither_the_function_nor_more_rights(self, stack: Stack) -> None:
        keys = stack.user(stack.uploader)
        mine = {"aws_access_key_id": keys["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": keys["AWS_SECRET_ACCESS_KEY"]}
        create: Any = boto3.client
        function, iam = (
            create(service, endpoint_url=stack.aws.url, region_name=REGION, **mine) for service in ("lambda", "iam")
        )
        policy = json.dumps({"Version": "2012-10-17", "Statement": []})
        for request in (
            partial(function.invoke, FunctionName=stack.site.function, Payload="{}"),
            partial(function.get_function, FunctionName=stack.site.function),
            partial(
                function.put_function_concurrency, FunctionName=stack.site.function, ReservedConcurrentExecutions=0
            ),
            partial(iam.create_user, UserName="thief"),
            partial(iam.put_user_policy, UserName="thief", PolicyName="more", PolicyDocument=policy),
        ):
            with pytest.raises(ClientError, match=r"AccessDenied|not authorized"):
                request()


def assert_refused(visitor: Visitor, s3: Any, requests: list[Callable[..., object]]) -> None:  # noqa: ANN401
    """S3 denies these and all that neither side may ever do; nothing in the bucket changes."""
    root = visitor.aws.client("s3")

    def look() -> list[tuple[Any, ...]]:
        found = root.list_object_versions(Bucket=visitor.bucket)
        return [(each["Key"], each["VersionId"]) for each in (*found["Versions"], *found.get("DeleteMarkers", ()))]

    before = look()
    versions = [partial(s3.delete_object, Key=key, VersionId=version) for key, version in before]
    settings = [
        s3.list_objects_v2,
        partial(s3.list_objects_v2, Prefix="assets"),
        partial(s3.list_object_versions, Prefix=LAYOUT.prefix),
        partial(s3.put_bucket_versioning, VersioningConfiguration={"Status": "Suspended"}),
        partial(s3.put_bucket_policy, Policy="{}"),
        s3.delete_bucket_lifecycle,
        s3.delete_bucket,
    ]
    allowed = [
        request for request in (*requests, *versions, *settings) if not refused(partial(request, Bucket=visitor.bucket))
    ]
    assert allowed == []
    assert look() == before
