"""One odd key, object or ledger does not stop the rest: it is set aside and named, and the cleaner goes on."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from cleaner_lambda import handler
from tests.http.conftest import is_beside
from tests.http.in_process import publish_here
from tests.torture import pairs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from release_log.layout import Layout
    from tests.http.conftest import Uploader
    from tests.http.fault_proxy import FaultProxy, Request

    Folder = Callable[[str, dict[str, str]], Path]
    Cleaner = Callable[..., dict[str, Any]]

OLD, LIVE = "assets/app-3f9c2ab1.js", "assets/app-4a1b2c3d.js"


def as_another_tool(document: dict[str, Any]) -> dict[str, Any]:
    """A marker of format 1: its pages are in place before it is written."""
    for asset in document["assets"].values():
        asset.pop("stored", None)
    return {**document, "format": 1}


def keys(entries: list[dict[str, Any]]) -> list[str]:
    """The keys of the assets among some entries of an answer."""
    return [entry["key"] for entry in entries if not is_beside(entry["key"])]


@pytest.fixture
def due(uploader: Uploader, site_folder: Folder, cleaner: Cleaner) -> None:
    """A site whose `OLD` is due, with a ledger of the time before."""
    publish_here(uploader, site_folder("a", {"app-3f9c2ab1.js": "1"}), "r1")
    cleaner()
    publish_here(uploader, site_folder("b", {"app-4a1b2c3d.js": "2"}), "r2")


def change_ledger(uploader: Uploader, layout: Layout, **changes: object) -> None:
    """Write the ledger with some fields replaced, as nothing of ours does."""
    s3 = uploader.aws.client("s3")
    document = json.loads(gzip.decompress(s3.get_object(Bucket=uploader.bucket, Key=layout.ledger)["Body"].read()))
    body = gzip.compress(json.dumps({**document, **changes}).encode())
    s3.put_object(Bucket=uploader.bucket, Key=layout.ledger, Body=body)


@pytest.mark.parametrize(
    "changes",
    [
        {"current": None},
        {"current": {"default": None}},
        {"retired": []},
        {"retired": {OLD: {"logical": 5}}},
        {"folded": {"x": None}},
        {"owed": "assets"},
        {"tagging": [{"run": "r", "keys": None, "since": None}]},
        {"deleting": {"run": "r", "keys": [OLD], "since": "9999-12-31T23:59:59Z"}},
    ],
    ids=lambda changes: json.dumps(changes)[:40],
)
@pytest.mark.usefixtures("due")
def test_ledger_with_a_wrong_type_is_rebuilt(
    uploader: Uploader, cleaner: Cleaner, layout: Layout, changes: dict[str, object]
) -> None:
    """The run that finds it deletes nothing and says so; the next one goes on."""
    change_ledger(uploader, layout, **changes)
    answer = cleaner()
    assert [stop["reason"] for stop in answer["stopped_by"]] == ["rebuilt"]
    assert "the ledger is broken" in answer["stopped_by"][0]["message"]
    assert keys(cleaner()["delete"]) == [OLD]
    assert LIVE in uploader.keys()


@pytest.mark.usefixtures("due")
def test_ledger_that_calls_live_and_foreign_objects_removed_is_not_followed(
    uploader: Uploader, cleaner: Cleaner, layout: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    """A live asset, a marker, another site's object: none is tagged or deleted, and each is named once."""
    s3 = uploader.aws.client("s3")
    assert keys(cleaner()["delete"]) == [OLD]
    (marker,) = [key for key in uploader.keys() if key.endswith("-r2.json")]
    s3.put_object(Bucket=uploader.bucket, Key="other/app-3f9c2ab1.js", Body=b"")
    wrong = [marker, LIVE, "other/app-3f9c2ab1.js"]
    entry = {
        "logical": "x",
        "state": "removed",
        "since": "2020-01-01T00:00:00Z",
        "size": 1,
        "release": "",
        "tagged": None,
    }
    change_ledger(uploader, layout, retired=dict.fromkeys(wrong, entry))
    capsys.readouterr()
    answer = cleaner()
    assert set(wrong) <= set(uploader.keys())
    assert (answer["delete"], answer["tag"], sorted(keys(answer["set_aside"]))) == ([], [], sorted(wrong))
    logged = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert [line["SetAside"] for line in logged if "SetAside" in line] == [[3.0]]
    assert cleaner()["set_aside"] == []
    assert cleaner()["counts"] == {"tag": 0, "untag": 0, "delete": 0, "keep": 1, "failed": 0, "set_aside": 0}


ODD = ("assets/\x10-3f9c2ab1.js", "assets/\x01-4a1b2c3d.js", "assets/\uffff-5c1b2c3d.js", "assets/a\rb-6d1b2c3d.js")
"""XML cannot hold the first three; it reads the fourth as another key."""


@pytest.fixture
def strict(cleaner: Cleaner, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> FaultProxy:  # noqa: ARG001 (for what they do)
    """An S3 that refuses what is not XML, as AWS does."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
    for made in vars(handler).values():  # all clients that the module caches
        getattr(made, "cache_clear", lambda: None)()
    return proxy


@pytest.mark.usefixtures("due")
def test_keys_that_xml_cannot_hold_are_deleted_one_by_one(
    uploader: Uploader, cleaner: Cleaner, layout: Layout, strict: FaultProxy
) -> None:
    """They fail no batch, and go like any other."""
    s3 = uploader.aws.client("s3")
    for key in (*ODD, "assets/b-7f9c2ab1.js"):
        s3.put_object(Bucket=uploader.bucket, Key=key, Body=b"")
    entry = {
        "logical": "x",
        "state": "removed",
        "since": "2020-01-01T00:00:00Z",
        "size": 1,
        "release": "",
        "tagged": None,
    }
    due = [*ODD, "assets/b-7f9c2ab1.js"]
    change_ledger(uploader, layout, retired=dict.fromkeys(due, entry))
    strict.heal()
    answer = cleaner()
    assert (answer["failed"], sorted(keys(answer["delete"]))) == ([], sorted([*due, OLD]))
    assert [key for key in uploader.keys() if ".releases" not in key] == [LIVE]
    assert sum(request.method == "POST" and "delete" in request.query for request in strict.requests) == 1
    document = json.loads(gzip.decompress(s3.get_object(Bucket=uploader.bucket, Key=layout.ledger)["Body"].read()))
    assert (document["deleting"], document["retired"]) == (None, {})


STUCK = "assets/old-3f9c2ab1.js"


def tags_of(bucket: str, key: str, *methods: str) -> Callable[[Request], bool]:
    """Matches the requests that read or write the tags of a key."""
    return lambda request: (
        request.path == f"/{bucket}/{key}"
        and request.query.split("&")[0].rstrip("=") == "tagging"
        and request.method in methods
    )


@pytest.mark.parametrize(
    ("refusal", "methods"),
    pairs(
        [("AccessDenied", 403), ("InvalidObjectState", 403), ("KMS.NotFoundException", 400)],
        [("GET",), ("GET", "PUT")],
    ),
    ids=str,
)
def test_one_object_whose_tags_cannot_be_read_holds_up_no_rebuild(  # noqa: PLR0913, PLR0917 (fixtures)
    uploader: Uploader,
    site_folder: Folder,
    cleaner: Cleaner,
    layout: Layout,
    strict: FaultProxy,
    capsys: pytest.CaptureFixture[str],
    refusal: tuple[str, int],
    methods: tuple[str, ...],
) -> None:
    """The rest is deleted. It is named in each run, and stays until its tags are read, written or not."""
    code, status = refusal
    s3 = uploader.aws.client("s3")
    publish_here(uploader, site_folder("a", {"app-3f9c2ab1.js": "1", "old-3f9c2ab1.js": "1"}), "r1")
    cleaner()
    publish_here(uploader, site_folder("b", {"app-4a1b2c3d.js": "2", "old-4a1b2c3d.js": "2"}), "r2")
    s3.delete_object(Bucket=uploader.bucket, Key=layout.ledger)
    strict.deny(tags_of(uploader.bucket, STUCK, *methods), code, status)
    rebuilt = cleaner()
    assert [stop["reason"] for stop in rebuilt["stopped_by"]] == ["rebuilt"]
    for _ in range(2):
        capsys.readouterr()
        answer = cleaner()
        assert answer["stopped_by"] == []
        assert [(entry["key"], code in entry["error"]) for entry in answer["failed"]] == [(STUCK, True)]
        assert STUCK in uploader.keys()
        logged = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
        assert [line["Failed"] for line in logged if "Failed" in line] == [[1.0]]
        assert answer["next_due"] is not None, "the cleaner comes back for it"
    assert OLD not in uploader.keys(), "the rest goes on"
    strict.heal()
    assert keys(cleaner()["delete"]) == [STUCK]


NFC, NFD = "assets/caf\u00e9-3f9c2ab1.js", "assets/cafe\u0301-3f9c2ab1.js"


@pytest.mark.parametrize(
    ("spellings", "how"),
    pairs(
        [
            (NFC, NFD),
            (NFD, NFC),
            ("assets/my app-3f9c2ab1.js", "assets/my%20app-3f9c2ab1.js"),
            ("assets/my%20app-3f9c2ab1.js", "assets/my app-3f9c2ab1.js"),
            ("assets/my app-3f9c2ab1.js", "assets/my+app-3f9c2ab1.js"),
            (NFC, "assets/caf%C3%A9-3f9c2ab1.js"),
            (NFD, "assets/caf%25C3%25A9-3f9c2ab1.js"),
            ("assets/App-3f9c2ab1.js", "assets/app-3f9c2ab1.js"),
        ],
        ["orphan", "superseded"],
    ),
    ids=str,
)
def test_object_that_a_missing_key_may_mean_is_not_deleted(
    uploader: Uploader, site_folder: Folder, cleaner: Cleaner, layout: Layout, spellings: tuple[str, str], how: str
) -> None:
    """A marker of another tool names the key in another spelling. Once the named key exists, the other one goes."""
    stored, named = spellings
    s3 = uploader.aws.client("s3")
    other = publish_here(uploader, site_folder("a", {stored.partition("/")[2]: "1", "x.txt": "1"}), "r1")
    body = s3.get_object(Bucket=uploader.bucket, Key=other.key)["Body"].read()
    if how == "superseded":
        cleaner()
    else:
        s3.delete_object(Bucket=uploader.bucket, Key=other.key)
    document = as_another_tool(json.loads(body))
    (logical,) = [name for name, asset in document["assets"].items() if asset["key"] == stored]
    document["assets"][logical]["key"] = named
    marker = layout.marker_key("20991123T060500Z-other")
    s3.put_object(Bucket=uploader.bucket, Key=marker, Body=json.dumps(document).encode())
    if how == "orphan":
        cleaner()
        entry = {
            "logical": "x", "state": "removed", "since": "2020-01-01T00:00:00Z", "size": 1, "release": "",
            "tagged": None,
        }  # fmt: skip
        change_ledger(uploader, layout, retired={stored: entry})
    for _ in range(2):
        answer = cleaner(full=True)
        assert stored in uploader.keys()
        assert answer["missing"] == [named]
        assert [(each["key"], each["reason"]) for each in answer["set_aside"]] == [(stored, "may_be_missing")]
        assert repr(named) in answer["set_aside"][0]["message"]
        assert answer["counts"]["set_aside"] == 1
    s3.put_object(Bucket=uploader.bucket, Key=named, Body=b"1")
    assert keys(cleaner(full=True)["delete"]) == [stored]


@pytest.mark.parametrize(
    ("refusal", "what"),
    pairs(
        [
            ("InvalidObjectState", 403, "restore-object"),
            ("AccessDenied", 403, "let the cleaner's role read it"),
            ("KMS.DisabledException", 400, "KMS key"),
            ("InvalidRequest", 400, "SSE-C"),
        ],
        ["marker", "new marker", "intent", "staged", "pin", "ledger"],
    ),
    ids=str,
)
@pytest.mark.usefixtures("due")
def test_file_of_the_log_that_s3_does_not_give_out_is_named_with_its_remedy(  # noqa: PLR0913, PLR0917 (fixtures)
    uploader: Uploader,
    cleaner: Cleaner,
    layout: Layout,
    strict: FaultProxy,
    capsys: pytest.CaptureFixture[str],
    what: str,
    refusal: tuple[str, int, str],
) -> None:
    """Nothing is deleted, the run ends with an answer, and once the file can be read the cleaner goes on."""
    code, status, remedy = refusal
    s3 = uploader.aws.client("s3")
    old, new = sorted(key for key in uploader.keys() if key.startswith(layout.markers))
    if what == "marker":
        s3.put_object(Bucket=uploader.bucket, Key=layout.ledger, Body=b"")  # so that all markers are read
    folders = {"intent": layout.pending, "staged": layout.staged, "pin": layout.pins}
    key = {"marker": old, "new marker": new, "ledger": layout.ledger}.get(
        what
    ) or f"{folders[what]}{new.rpartition('/')[2]}"
    if what in folders:
        s3.copy_object(Bucket=uploader.bucket, Key=key, CopySource={"Bucket": uploader.bucket, "Key": new})
    strict.deny(lambda request: request.method == "GET" and request.path == f"/{uploader.bucket}/{key}", code, status)
    capsys.readouterr()
    answer = cleaner()
    messages = [stop["message"] for stop in answer["stopped_by"] if stop["reason"] == "unreadable_file"]
    assert len(messages) == 1
    assert messages[0].startswith(f"{key} cannot be read ({code}): ")
    assert remedy in messages[0]
    assert (answer["delete"], answer["failed"]) == ([], [])
    assert OLD in uploader.keys()
    logged = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert [line["InvalidMarkers"] for line in logged if "InvalidMarkers" in line] == [[1.0]]
    strict.heal()
    if what in folders:
        s3.delete_object(Bucket=uploader.bucket, Key=key)
    answers = [cleaner() for _ in range(2)]  # the first rebuilds the ledger, if it has to
    assert OLD in {entry["key"] for answer in answers for entry in answer["delete"]}
