"""A release log with anything in it: its readers have one error each, a run ends, and no live asset is deleted.

Each case is a valid file with a few places changed, the same ones each time.
"""

from __future__ import annotations

import copy
import gzip
import json
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from cleaner_lambda import ledger_document as ledgers
from cleaner_lambda.answer import cut
from release_log import marker
from release_log.errors import LedgerError, MarkerError
from release_log.ledger_file import read_head
from release_log.ledger_view import view
from tests.fake_cleaner_s3 import FakeS3
from tests.torture import TORTURE
from tests.unit.cleaner_lambda.runs import APP, DAY, POLICY, run, stopped_by
from uploader.history.marker_headers import MarkerHeaders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CASES = 4000 if TORTURE else 250

LIVE = {"app": "assets/app-bbbb2222.js", "beta": "assets/beta-aaaa1111.js"}
STAGED, PINNED, PENDING = ("assets/s-aaaa1111.js", "assets/p-aaaa1111.js", "assets/i-aaaa1111.js")
DUE = "assets/app-aaaa1111.js"

RAW = {
    name: f"\x00{name[:10]} {len(name)}\x00"
    for name in (
        *("1e400", "-1e400", "NaN", "Infinity", "-Infinity", "9" * 4300, "9" * 4301, "-0", "1.5", "1E+2"),
        *("[" * depth + "1" + "]" * depth for depth in (30, 32, 33, 990, 3000)),
        *('{"":' * depth + "1" + "}" * depth for depth in (30, 33, 990, 3000)),
    )
}
"""JSON that no value of Python's writes."""

ODD: list[Any] = [
    None, True, False, -1, 0, 1, 2**63, 10**30, 0.5, "", " ", "x", "\x00", "\x01", "\x7f", "\ud800", "\ud83d\ude80",
    "\ufb00",
    "e\u0301", "é", "%20", "../x", "a/b", "/", "x" * 1025, "x" * 5000, [], {}, [[]], [None], ["x", "x"], [1], {"": ""},
    {"x": None}, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-02-30T00:00:00Z", "2026-11-24T24:00:00Z",
    "2026-11-23T12:00:00Z", "superseded", "removed", "default", "beta", *LIVE.values(), DUE, STAGED,
    "other/app-aaaa1111.js", "assets/.releases/markers/20261123T120000Z-r1.json", *RAW.values(),
]  # fmt: skip


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 (JSON)
    """Where a document has a value."""
    yield path
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for name, value in inner:
        yield from places(value, (*path, name))


def changed(document: dict[str, Any], random: Random) -> bytes:
    """The document with one to three changes: another value, a name less, another name, a name twice."""
    document = copy.deepcopy(document)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        *path, last = random.choice([place for place in places(document) if place])
        parent: Any = document
        for name in path:
            parent = parent[name]
        how = random.random()
        if how < 0.7 or isinstance(parent, list):
            parent[last] = random.choice(ODD)
        elif how < 0.85:
            del parent[last]
        else:
            parent[next(each for each in random.sample(ODD, len(ODD)) if isinstance(each, str))] = parent.pop(last)
    text = json.dumps(document)
    for name, raw in RAW.items():
        text = text.replace(json.dumps(raw), name)
    if random.random() < 0.05:
        text = text.replace("{", '{"format":1,"format":1,', 1)
    return text.encode()


@pytest.fixture(scope="module")
def site() -> FakeS3:
    """A site with two channels, a staged, a pinned and a pending release, and an asset that is due."""
    s3 = FakeS3()
    s3.publish("r1", "default", {APP: DUE, "assets/p.js": PINNED})
    s3.publish("b1", "beta", {"assets/beta.js": LIVE["beta"]})
    run(s3)
    s3.advance(60)
    s3.publish("r2", "default", {APP: LIVE["app"]})
    s3.pin("p1", "default", {"assets/p.js": PINNED})
    run(s3)
    s3.advance(POLICY.version_ttl + DAY)
    s3.stage("s1", "default", {"assets/s.js": STAGED})
    s3.put(PENDING)
    s3.intend("i1", "default", {"assets/i.js": PENDING})
    return s3


def a_copy(site: FakeS3) -> FakeS3:
    """The same site, in a bucket of its own."""
    s3 = FakeS3(clock=site.clock)
    s3.objects = copy.deepcopy(site.objects)
    return s3


def ends(s3: FakeS3, *, full: bool) -> list[str]:
    """A run, whose answer is JSON that any reader takes."""
    report = run(s3, full=full, force=True)
    json.dumps(cut(report.document()), ensure_ascii=False).encode()
    return stopped_by(report)


@pytest.mark.parametrize("seed", range(4))
def test_run_on_any_ledger_ends_and_deletes_no_asset_that_is_needed(site: FakeS3, seed: int) -> None:
    """Nor do the ledger's readers have another error than their own."""
    random = Random(seed)  # noqa: S311 (a test's)
    document = json.loads(gzip.decompress(site.objects[site.layout.ledger].body))
    for _ in range(CASES // 4):
        content = changed(document, random)
        body = gzip.compress(content, 1)
        for read in (ledgers.decode, view, read_head):
            only(LedgerError, read, body, content)
        s3 = a_copy(site)
        s3.put(s3.layout.ledger, body)
        try:
            for full in (False, True):
                ends(s3, full=full)
            assert s3.assets() >= {*LIVE.values(), PINNED, STAGED, PENDING}, content[:3000]
            for _ in range(2):  # what it made an orphan of falls due later
                s3.advance(POLICY.removed_ttl + DAY)
                ends(s3, full=True)
        except Exception as error:
            raise AssertionError(content[:3000]) from error
        assert s3.assets() >= {*LIVE.values(), PINNED}, content[:3000]


def only(error: type[Exception], read: Callable[[bytes], object], body: bytes, content: bytes) -> None:
    """Read a file: nothing else than its one error is raised."""
    message = ""
    try:
        read(body)
    except error as refused:
        message = str(refused)
    except Exception as other:
        raise AssertionError(content[:3000]) from other
    assert len(message.encode()) < 1000
    assert "\n" not in message, content[:3000]


@pytest.mark.parametrize("folder", ["markers", "pending", "staged", "pins"])
def test_run_on_any_file_of_the_log_ends_and_deletes_no_live_asset(site: FakeS3, folder: str) -> None:
    """The readers of a marker have one error, and what is invalid stops all deletion."""
    random = Random(folder)  # noqa: S311 (a test's)
    where = getattr(site.layout, folder)
    key = max(each for each in site.objects if each.startswith(where))
    document = json.loads(site.objects[key].body)
    for number in range(CASES // 4):
        content = changed(document, random)
        only(MarkerError, lambda body: marker.decode(body, "assets/"), content, content)
        only(MarkerError, MarkerHeaders("m", {}).read, content, content)
        only(MarkerError, lambda body: MarkerHeaders("m", {}).read_pieces([body]), content, content)
        s3 = a_copy(site)
        s3.put(f"{where}20261125T120000Z-new{number}.json", content)
        try:
            valid = bool(marker.decode(content, "assets/"))
        except MarkerError:
            valid = False
        try:
            stops = ends(s3, full=True)
        except Exception as error:
            raise AssertionError(content[:3000]) from error
        assert valid or "invalid_marker" in stops, content[:3000]
        assert LIVE["beta"] in s3.assets() or valid
        assert s3.assets() >= {PINNED, STAGED, PENDING}


@pytest.mark.parametrize(
    "name",
    ["x", "a/b", "a b", "%20", "é", "e\u0301", "x" * 990, "20261125T120000Z-a/b", "20261125T120000Z-a b",
     "20261125T120000Z-%20", "20261125T120000Z-\u00e9", "20261125T120000Z-" + "x" * 65, "99991332T250000Z-x",
     "\x7f", "\x10",
     "20261125T120000Z-x.json", "20261125T120000Z-x\n"],
)  # fmt: skip
@pytest.mark.parametrize("folder", ["markers", "pending", "staged", "pins"])
def test_file_with_an_odd_name_is_named_or_read(site: FakeS3, folder: str, name: str) -> None:
    """A run ends; what is no release's name stops deletion and is named in one line."""
    s3 = a_copy(site)
    where = getattr(site.layout, folder)
    body = next(each.body for key, each in site.objects.items() if key.startswith(where))
    s3.put(f"{where}{name}.json", body)
    report = run(s3, full=True, force=True)
    assert s3.assets() >= {*LIVE.values(), PINNED, STAGED, PENDING}
    for stop in report.plan.stops:
        assert len(stop.message) < 3000
        assert stop.message.isprintable()
