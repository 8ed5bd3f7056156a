"""How `doctor` judges AWS's answers: the ones that the embedded server cannot give."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest

from release_log.layout import Layout
from release_log.ledger_file import pack
from release_log.marker import FORMAT, Asset, Release, encode
from uploader.doctor.ask import Answer
from uploader.doctor.bucket_settings import check_bucket, check_event_bridge, check_lifecycle, check_versioning
from uploader.doctor.cleaner_function import check_function
from uploader.doctor.finding import State
from uploader.doctor.release_log import (
    LogSnapshot,
    check_cleaner,
    check_clock,
    check_files,
    check_pages,
    check_read,
    read_log,
)
from uploader.doctor.rights import check_rights
from uploader.history.unseen import SOON

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
LAYOUT = Layout("assets/")
MARKER = LAYOUT.marker_key("20261123T060500Z-3f9c2ab")
RUN = {"current": {}, "folded": {"20261123T060500Z-3f9c2ab": {}}, "last_run": {"stopped_by": []}}
DENIED = Answer("AccessDenied")


class Aws:
    """Gives recorded answers by operation and key, and records the requests."""

    def __init__(self, **answers: Answer) -> None:
        self.answers = answers
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, operation: str, **parameters: Any) -> Answer:  # noqa: ANN401 (boto3's)
        self.asked.append((operation, parameters))
        return self.answers.get(operation, Answer())


class Probed:
    """An S3 that allows writing some keys, and deleting some."""

    def __init__(
        self, writable: tuple[str, ...], deletable: tuple[str, ...], *, tells: bool = True, sse: str | None = None
    ) -> None:
        self.writable, self.deletable, self.tells, self.sse = writable, deletable, tells, sse
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, operation: str, **parameters: Any) -> Answer:  # noqa: ANN401 (boto3's)
        self.asked.append((operation, parameters))
        key, missing = parameters["Key"], Answer("NoSuchKey") if self.tells else DENIED
        if operation == "put_object":
            if parameters.get("ServerSideEncryption") != self.sse:
                return DENIED
            return Answer("BadDigest") if key.startswith(self.writable) else DENIED
        if operation == "delete_object":
            return missing if key.startswith(self.deletable) else DENIED
        return missing


def states(ask: Probed | Aws) -> dict[str, State]:
    """The findings about permissions."""
    return {each.check: each.state for each in check_rights(ask, LAYOUT, ledger=True)}


JOB = (("assets/app", "assets/doctor-", LAYOUT.log + "doctor-"), (LAYOUT.pending, LAYOUT.staged))


class TestRights:
    """Permissions: each is tried by a request that must fail."""

    def test_just_what_an_upload_needs(self) -> None:
        assert set(states(Probed(*JOB)).values()) == {State.OK}

    def test_deletions_are_unknown_where_s3_does_not_say_what_is_missing(self) -> None:
        """A caller who may not list gets 403 for a missing key too, so 403 does not prove that a deletion is denied."""
        assert states(Probed(*JOB, tells=False)) == {
            "write": State.OK,
            "ledger": State.OK,
            "intents": State.UNKNOWN,
            "delete": State.UNKNOWN,
        }

    def test_too_much(self) -> None:
        found = states(Probed(("assets/",), ("assets/",)))
        assert (found["ledger"], found["delete"]) == (State.WARNING, State.WARNING)

    @pytest.mark.parametrize("sse", ["AES256", "aws:kms"])
    def test_a_bucket_may_ask_for_an_encryption(self, sse: str) -> None:
        """Then S3 denies each PUT without its header; and the ledger's is only known with it."""
        job, all_of_it = Probed(*JOB, sse=sse), Probed(("assets/",), JOB[1], sse=sse)
        found = {each.check: each for each in check_rights(job, LAYOUT, ledger=True)}
        assert (found["write"].state, found["write"].finding) == (State.OK, f"assets/ can be written, with --sse {sse}")
        assert found["ledger"].state is State.OK
        assert states(all_of_it)["ledger"] is State.WARNING

    @pytest.mark.parametrize("writable", [(LAYOUT.log,), ("assets/doctor-",), ()])
    def test_the_site_and_its_log_must_both_be_writable(self, writable: tuple[str, ...]) -> None:
        assert states(Probed(writable, JOB[1]))["write"] is State.PROBLEM

    @pytest.mark.parametrize("may", [(), ("assets/",)])
    def test_no_request_could_harm_anything(self, may: tuple[str, ...]) -> None:
        """A PUT carries a checksum that its body has not, a DELETE an ETag that no object has, on a key of no object.

        Where there is an object, the ledger, the PUT carries both.
        """
        ask = Probed(may, may)
        states(ask)
        assert {operation for operation, _ in ask.asked} == {"put_object", "delete_object", "get_object"}
        for operation, parameters in ask.asked:
            if operation == "put_object":
                assert parameters["Body"]
                assert parameters["ContentMD5"] == "1B2M2Y8AsgTpgAmY7PhCfA==", "of an empty body"
            if operation == "delete_object" or parameters["Key"] == LAYOUT.ledger:
                assert parameters["IfMatch"] == '"00000000000000000000000000000000"'
            if operation == "delete_object":
                assert "/doctor-" in parameters["Key"]
            if parameters["Key"] != LAYOUT.ledger:
                assert len(parameters["Key"].rpartition("doctor-")[2].removesuffix(".json")) == 32

    def test_a_server_that_stores_a_damaged_body_is_tried_once(self) -> None:
        """In a folder that the cleaner does not read; the finding names the object that is left."""
        ask = Aws(get_object=Answer("NoSuchKey"), delete_object=Answer("NoSuchKey"))
        found = {each.check: each for each in check_rights(ask, LAYOUT, ledger=True)}
        (stored,) = (parameters["Key"] for operation, parameters in ask.asked if operation == "put_object")
        assert stored.startswith(f"{LAYOUT.log}doctor-")
        assert (found["write"].state, found["write"].remedy) == (State.PROBLEM, f"use another one; delete {stored}")

    def test_a_server_that_knows_no_conditional_delete_is_tried_once(self) -> None:
        """On a key among the intents that does not exist: no asset is at risk, whatever the server does."""
        ask = Aws(put_object=Answer("BadDigest"))
        assert states(ask)["delete"] is State.UNKNOWN
        (tried,) = (parameters["Key"] for operation, parameters in ask.asked if operation == "delete_object")
        assert tried.startswith(LAYOUT.pending)


class TestCleaner:
    """Whether the cleaner runs."""

    SEEN = LogSnapshot(NOW, {LAYOUT.ledger: NOW, MARKER: NOW - timedelta(days=9)}, ledger=RUN)

    def test_it_ran_lately(self) -> None:
        finding = check_cleaner(self.SEEN, LAYOUT)
        assert (finding.state, finding.finding) == (State.OK, "last seen 2026-11-23T12:00:00Z")

    @pytest.mark.parametrize(
        ("ago", "state"), [(timedelta(hours=26), State.OK), (timedelta(hours=26, seconds=1), State.PROBLEM)]
    )
    def test_it_should_run_daily(self, ago: timedelta, state: State) -> None:
        seen = replace(self.SEEN, files={LAYOUT.ledger: NOW - ago})
        assert check_cleaner(seen, LAYOUT).state is state

    @pytest.mark.parametrize("ledger", [RUN, None])
    @pytest.mark.parametrize(
        ("ago", "late"), [(timedelta(minutes=10), False), (timedelta(minutes=10, seconds=1), True)]
    )
    def test_it_should_run_soon_after_a_release(
        self,
        ledger: dict[str, Any] | None,
        ago: timedelta,
        late: bool,  # noqa: FBT001 (a column of the table)
    ) -> None:
        """A marker that it has not seen is not folded in; without a ledger, no marker is."""
        other = LAYOUT.marker_key("20261123T070000Z-new")
        files = {other: NOW - ago, **({LAYOUT.ledger: NOW} if ledger else {})}
        finding = check_cleaner(replace(self.SEEN, files=files, ledger=ledger), LAYOUT)
        early = State.OK if ledger else State.UNKNOWN
        assert finding.state is (State.PROBLEM if late else early)

    @pytest.mark.parametrize(("reason", "state"), [("brake", State.WARNING), ("rebuilt", State.OK)])
    def test_it_says_why_it_deletes_nothing(self, reason: str, state: State) -> None:
        """A warning, because only the next run shows whether the reason still holds."""
        ledger = {**RUN, "last_run": {"stopped_by": [{"reason": reason, "message": "look first"}]}}
        finding = check_cleaner(replace(self.SEEN, ledger=ledger), LAYOUT)
        assert finding.state is state
        assert ("look first" in finding.finding) is (state is State.WARNING)

    @pytest.mark.parametrize(("retired", "state"), [(499_999, State.OK), (500_000, State.WARNING)])
    def test_it_says_in_time_that_the_ledger_needs_its_other_format(self, retired: int, state: State) -> None:
        """Beyond its bound no run reads it, and none deletes anything."""
        finding = check_cleaner(replace(self.SEEN, ledger={**RUN, "retired": range(retired)}), LAYOUT)
        assert finding.state is state
        assert ("500,000" in finding.finding) is ("ledger_format=2" in finding.remedy) is (state is State.WARNING)

    def test_a_log_that_cannot_be_read_is_unknown(self) -> None:
        for seen in (LogSnapshot(NOW, unlisted="access denied"), replace(self.SEEN, denied=True)):
            assert check_cleaner(seen, LAYOUT).state is State.UNKNOWN
            assert check_files(seen, LAYOUT).state is State.UNKNOWN
        assert check_read(Aws(), LogSnapshot(NOW, unlisted="access denied"), LAYOUT).state is State.UNKNOWN


@pytest.mark.parametrize(
    ("ago", "placed", "state"),
    [
        (SOON, False, State.OK),
        (SOON + timedelta(seconds=1), False, State.PROBLEM),
        (SOON + timedelta(seconds=1), True, State.OK),
    ],
)
def test_a_release_whose_pages_are_not_in_place(ago: timedelta, placed: bool, state: State) -> None:  # noqa: FBT001 (a column of the table)
    """A moment after its marker its upload may still be at work."""
    release_id = "20261123T110000Z-r1"
    assets = {"assets/app.js": Asset("assets/app-3f9c2ab1.js", 1, fingerprinted=True)}
    release = Release(
        release="r1", channel="default", created_at=NOW, prefix="assets/", uploader={}, assets=assets, format=FORMAT
    )
    key = LAYOUT.marker_key(release_id)
    files = {key: NOW - ago, **({LAYOUT.placed_key(release_id): NOW} if placed else {})}
    finding = check_pages(LogSnapshot(NOW, files, bodies={key: encode(release)}), LAYOUT)
    assert finding.state is state
    assert (release_id in finding.finding) == (state is State.PROBLEM)


def test_the_release_log_is_listed_to_its_end() -> None:
    """Page by page. S3's time comes from the answer. Only current markers, and files that no run has seen, are read."""
    headers = {"ResponseMetadata": {"HTTPHeaders": {"date": "Mon, 23 Nov 2026 12:00:00 GMT"}}}
    old, new = (LAYOUT.marker_key(f"2026112{day}T060500Z-r") for day in (1, 2))
    ledger = pack({"current": {"default": "20261121T060500Z-r"}, "folded": dict.fromkeys(["20261121T060500Z-r", "x"])})
    pages: list[dict[str, Any]] = [
        {**headers, "IsTruncated": True, "NextContinuationToken": "t", "Contents": [{"Key": old, "LastModified": NOW}]},
        {**headers, "Contents": [{"Key": key, "LastModified": NOW} for key in (new, LAYOUT.ledger)]},
    ]
    asked = []

    def ask(operation: str, **parameters: Any) -> Answer:  # noqa: ANN401 (boto3's)
        asked.append((operation, parameters.get("Key") or parameters.get("ContinuationToken")))
        if operation == "list_objects_v2":
            return Answer("", pages.pop(0))
        return Answer("", {"Body": ledger if parameters["Key"] == LAYOUT.ledger else b"{}"})

    seen = read_log(ask, LAYOUT)
    assert (seen.now, set(seen.files)) == (NOW, {old, new, LAYOUT.ledger})
    assert asked[:3] == [("list_objects_v2", None), ("list_objects_v2", "t"), ("get_object", LAYOUT.ledger)]
    assert sorted(asked[3:]) == [("get_object", old), ("get_object", new)]


@pytest.mark.parametrize("code", ["InvalidObjectState", "KMS.DisabledException"])
@pytest.mark.parametrize("unread", [LAYOUT.ledger, MARKER])
def test_a_file_that_s3_does_not_give_out_is_a_problem(unread: str, code: str) -> None:
    """It is archived, or its key is disabled: these credentials may read it, and the cleaner cannot either."""
    headers = {"ResponseMetadata": {"HTTPHeaders": {"date": "Mon, 23 Nov 2026 12:00:00 GMT"}}}
    files = [{"Key": key, "LastModified": NOW - timedelta(hours=1)} for key in (LAYOUT.ledger, MARKER)]
    ledger = pack({**RUN, "current": {"default": "20261123T060500Z-3f9c2ab"}})

    def ask(operation: str, **parameters: Any) -> Answer:  # noqa: ANN401 (boto3's)
        if operation == "list_objects_v2":
            return Answer("", {**headers, "Contents": files})
        return Answer(code) if parameters["Key"] == unread else Answer("", {"Body": ledger})

    log = read_log(ask, LAYOUT)
    found = check_files(log, LAYOUT)
    assert (found.state, found.finding[: len(unread)], code in found.finding) == (State.PROBLEM, unread, True)
    cleaner = check_cleaner(log, LAYOUT)
    assert cleaner.state is (State.UNKNOWN if unread == LAYOUT.ledger else State.OK), cleaner.finding
    assert not log.denied


BROKEN = "the ledger is broken (TypeError: "
LAST_SEEN = "last seen 2026-11-23T12:00:00Z"
NO_MESSAGE = "on 2026-11-23T12:00:00Z it deleted nothing: it does not say why"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("current", [], BROKEN),
        ("current", {"default": 5}, BROKEN),
        ("folded", None, BROKEN),
        ("retired", 5, BROKEN),
        ("last_run", [], BROKEN),
        ("last_run", {"stopped_by": 5}, LAST_SEEN),
        ("last_run", {"stopped_by": ["brake"]}, LAST_SEEN),
        ("last_run", {"stopped_by": [{"reason": []}]}, NO_MESSAGE),
    ],
)
def test_a_ledger_with_an_odd_field_is_a_finding(field: str, value: object, said: str) -> None:
    """Anybody who may write to the bucket may have written it; the cleaner takes it for broken, and rebuilds it."""
    ledger = pack({"current": {}, "folded": {}, "last_run": {}, "retired": {}, field: value})
    headers = {"ResponseMetadata": {"HTTPHeaders": {"date": "Mon, 23 Nov 2026 12:00:00 GMT"}}}
    listed = {**headers, "Contents": [{"Key": LAYOUT.ledger, "LastModified": NOW}]}
    log = read_log(Aws(list_objects_v2=Answer("", listed), get_object=Answer("", {"Body": ledger})), LAYOUT)
    assert check_cleaner(log, LAYOUT).finding[: len(said)] == said


@pytest.mark.parametrize(
    ("seconds", "state", "said"),
    [
        (0, State.OK, "the same as S3's"),
        (-3, State.OK, "3 s behind S3's"),
        (300, State.OK, "300 s ahead of S3's"),
        (301, State.WARNING, "301 s ahead of S3's"),
    ],
)
def test_the_clock(seconds: int, state: State, said: str) -> None:
    finding = check_clock(LogSnapshot(NOW), NOW + timedelta(seconds=seconds))
    assert (finding.state, finding.finding) == (state, said)


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (Answer("403"), State.UNKNOWN),
        (Answer("403", {"ResponseMetadata": {"HTTPHeaders": {"x-amz-bucket-region": "eu-west-1"}}}), State.OK),
        (Answer("403", {"ResponseMetadata": {"HTTPHeaders": {"x-amz-bucket-region": "eu-west-2"}}}), State.PROBLEM),
        (Answer("404"), State.PROBLEM),
        (Answer(), State.OK),
    ],
)
def test_the_bucket_and_its_region(answer: Answer, state: State) -> None:
    """S3 also names the region to a caller without permission."""
    assert check_bucket(Aws(head_bucket=answer), "b", "eu-west-1").state is state


def test_a_server_without_the_request_is_unknown() -> None:
    """Other S3 servers do not have all of S3's requests."""
    ask = Aws(
        **dict.fromkeys(("get_bucket_notification_configuration", "get_bucket_versioning"), Answer("NotImplemented"))
    )
    for finding in (check_event_bridge(ask, "b", ""), check_versioning(ask, "")):
        assert (finding.state, finding.finding) == (State.UNKNOWN, "cannot be read (NotImplemented)")


def with_rules(*rules: dict[str, Any]) -> Aws:
    """A bucket with versioning, and these lifecycle rules."""
    return Aws(
        get_bucket_versioning=Answer("", {"Status": "Enabled"}),
        get_bucket_lifecycle_configuration=Answer("", {"Rules": [{"Status": "Enabled", **rule} for rule in rules]}),
    )


TAGGED = {"Tag": {"Key": "a", "Value": "b"}}


@pytest.mark.parametrize("order", [1, -1])
def test_a_rule_that_expires_some_objects_does_not_hide_one_that_expires_all(order: int) -> None:
    """S3 lists the rules in the order in which somebody wrote them."""
    rules: list[dict[str, Any]] = [
        {"ID": "some", "Filter": TAGGED, "Expiration": {"Days": 1}},
        {"ID": "all", "Filter": {}, "Expiration": {"Days": 90}},
    ]
    found = check_lifecycle(with_rules(*rules[::order]), "assets/")
    assert (found.state, "'all'" in found.finding) == (State.PROBLEM, True)


@pytest.mark.parametrize(
    ("where", "state"),
    [
        ({"Filter": {}}, State.OK),
        ({"Filter": {"Prefix": "ass"}}, State.OK),
        ({"Prefix": "assets/"}, State.OK),
        ({"Filter": {"Prefix": "assets/js/"}}, State.WARNING),
        ({"Filter": {}, "Status": "Disabled"}, State.WARNING),
        (None, State.WARNING),
    ],
)
def test_the_parts_of_interrupted_uploads_are_removed(where: dict[str, Any] | None, state: State) -> None:
    """An upload that is killed removes nothing, and no listing shows its parts."""
    rules = [] if where is None else [{**where, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}}]
    found = check_lifecycle(with_rules(*rules), "assets/")
    assert (found.state, "interrupted uploads" in found.finding) == (state, state is State.WARNING)
    none = Aws(get_bucket_lifecycle_configuration=Answer("NoSuchLifecycleConfiguration"))
    assert check_lifecycle(none, "assets/").state is State.WARNING


def ending(days: int, prefix: str = "", **more: Any) -> dict[str, Any]:  # noqa: ANN401 (what S3 has in a rule)
    """A rule that ends noncurrent versions."""
    return {"Filter": {"Prefix": prefix}, "NoncurrentVersionExpiration": {"NoncurrentDays": days}, **more}


ARCHIVED: dict[str, Any] = {"NoncurrentVersionTransitions": [{"NoncurrentDays": 3, "StorageClass": "GLACIER"}]}
FOR_EVER = "on, but noncurrent versions are kept, and paid for, for ever"


@pytest.mark.parametrize(
    ("rules", "finding"),
    [
        ([ending(30), ending(7)], "on: a deletion can be undone for 7 days"),
        ([ending(30), ending(1, "assets/js/")], "on: a deletion can be undone for 30 days, of some objects for 1"),
        ([ending(30), ending(1, Filter=TAGGED)], "on: a deletion can be undone for 30 days, of some objects for 1"),
        ([ending(30), ending(1, "other/")], "on: a deletion can be undone for 30 days"),
        ([ending(30, **ARCHIVED)], "on: a deletion can be undone for 3 days"),
        ([ending(30, Filter=TAGGED)], FOR_EVER.replace("but", "but some")),
        ([ending(30, "assets/js/")], FOR_EVER.replace("but", "but some")),
        ([ARCHIVED], FOR_EVER),
        ([{"Filter": {}, "NoncurrentVersionExpiration": {"NewerNoncurrentVersions": 3}}], FOR_EVER),
    ],
)
def test_for_how_long_a_deletion_can_be_undone(rules: list[dict[str, Any]], finding: str) -> None:
    """What the rules promise for each object: one that selects only some of them keeps or ends only these."""
    assert check_versioning(with_rules(*rules), "assets/").finding == finding


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ({}, State.OK),
        ({"State": "Failed"}, State.PROBLEM),
        ({"LastUpdateStatus": "Failed"}, State.PROBLEM),
        ({"Environment": {"Error": {"ErrorCode": "AccessDeniedException"}}}, State.UNKNOWN),
        ({"Environment": {"Variables": {"SITES": "?"}}}, State.PROBLEM),
    ],
)
def test_the_function_of_an_older_stack(answer: dict[str, Any], state: State) -> None:
    sites = json.dumps([{"bucket": "b", "prefix": "assets/"}])
    found = {"State": "Active", "Environment": {"Variables": {"SITES": sites}}, **answer}
    ask = Aws(get_function_configuration=Answer("", found), get_function_concurrency=DENIED)
    assert check_function(ask, "b", "assets/").state is state
    assert check_function(Aws(get_function_configuration=DENIED), "b", "assets/").state is State.UNKNOWN
    assert check_function(None, "b", "assets/").state is State.UNKNOWN


def says(*sites: tuple[str, str]) -> Answer:
    """The function's answer to the question which sites it cleans."""
    entries = [{"bucket": bucket, "prefix": prefix} for bucket, prefix in sites]
    return Answer("", {"Payload": BytesIO(json.dumps({"sites": entries}).encode())})


@pytest.mark.parametrize(
    ("answer", "state", "finding"),
    [
        (says(("b", "assets/")), State.OK, "it cleans s3://b/assets/"),
        (says(("b", "*/"), ("c", "assets/")), State.OK, "it cleans s3://b/assets/, by the pattern */"),
        (says(("c", "assets/"), ("b", "x/*/")), State.PROBLEM, "it cleans s3://b/x/*/, s3://c/assets/, not s3://b/as"),
        (Answer("", {"Payload": BytesIO(b'{"errorMessage": "x"}')}), State.PROBLEM, "it does not say which sites"),
        (Answer("", {"Payload": BytesIO(b"?")}), State.PROBLEM, "it does not say which sites"),
        (DENIED, State.UNKNOWN, "it cannot be asked which sites it cleans (access denied)"),
    ],
)
def test_the_function_is_asked_which_sites_it_cleans(answer: Answer, state: State, finding: str) -> None:
    found = {"Environment": {"Variables": {"WAKE_UP_GROUP": "x"}}}
    ask = Aws(get_function_configuration=Answer("", found), get_function_concurrency=DENIED, invoke=answer)
    checked = check_function(ask, "b", "assets/")
    assert (checked.state, checked.finding[: len(finding)]) == (state, finding)


def test_another_function_is_not_invoked() -> None:
    ask = Aws(get_function_configuration=Answer("", {}), get_function_concurrency=DENIED)
    assert check_function(ask, "b", "assets/").finding == "it is not a cleaner: it has no WAKE_UP_GROUP"
