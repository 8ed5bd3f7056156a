"""The requests of an upload and of a run are as many as docs/cost.md says, and the page's sums are right."""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from cleaner_lambda import afterwards, handler
from tests.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.http.conftest import Uploader
    from tests.http.fault_proxy import FaultProxy, Request

    Folder = Callable[[str, dict[str, str]], Path]
    Cleaner = Callable[..., dict[str, Any]]

PAGE = (ROOT / "docs" / "cost.md").read_text()

PAGES = {f"page{number}.html": "x" for number in range(4)}
COMMON = {f"chunk{number}-3f9c2ab{number % 10}.js": "x" for number in range(40)}
CHANGED = 10
TIMES = "\N{MULTIPLICATION SIGN}"
ZERO = {"grace": 0, "version_limit": 0, "version_ttl": 0}


def table(header: str) -> list[list[str]]:
    """The cells of the rows under a header row."""
    lines = PAGE[PAGE.index(header) :].splitlines()[2:]
    end = next(number for number, line in enumerate(lines) if not line.startswith("|"))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[:end]]


def said(what: str, **values: int) -> dict[str, int]:
    """A row of the page: method -> number of requests, with these values put in."""

    def number(term: str) -> int:
        name, _, by = term.partition(" / ")
        value = int(name) if name.isdigit() else values[name]
        return math.ceil(value / int(by)) if by else value

    (cells,) = [row[1:] for row in table("| what | PUT |") if row[0] == what]
    counts = [sum(number(term) for term in cell.split(" + ")) for cell in cells]
    return dict(zip(("PUT", "POST", "LIST", "GET", "HEAD"), counts, strict=True))


def counted(requests: list[Request], bucket: str) -> dict[str, int]:
    """Method -> number of requests to a bucket; a GET of the bucket is a LIST."""
    found = Counter(
        "LIST" if request.method == "GET" and request.path == f"/{bucket}" else request.method
        for request in requests
        if request.path.split("/")[1] == bucket
    )
    return {method: found[method] for method in ("PUT", "POST", "LIST", "GET", "HEAD")}


@pytest.fixture
def count(
    uploader: Uploader, cleaner: Cleaner, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, int]]:
    """Uploads a folder, or runs the cleaner; returns the requests made."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
    for client in (handler._s3, handler._s3_once, afterwards.scheduler):  # noqa: SLF001
        client.cache_clear()

    def do(folder: Path | None = None, policy: dict[str, int] | None = None, **payload: bool) -> dict[str, int]:
        proxy.requests.clear()
        if folder is not None:
            # In a process of its own, because only there connections are opened ahead.
            ended = uploader.process(
                folder, "--bucket", uploader.bucket, "--release", folder.name, AWS_ENDPOINT_URL=proxy.url
            )
            assert ended.returncode == 0, ended.stderr
        else:
            sites = [{"bucket": uploader.bucket, "prefix": "assets/", "policy": policy or {}}]
            monkeypatch.setenv("SITES", json.dumps(sites))
            cleaner(**payload)
        return counted(proxy.requests, uploader.bucket)

    return do


def test_the_requests_are_as_said(count: Callable[..., dict[str, int]], site_folder: Folder) -> None:
    """Three releases of 54 files, of which ten change each time, and the cleaner's runs."""
    builds = [COMMON | PAGES | {f"part{n}-{gen}f9c2ab{n}.js": "x" for n in range(CHANGED)} for gen in range(3)]
    first, second, third = (site_folder(f"r{number}", build) for number, build in enumerate(builds))
    count(first)
    # Before the first run: after a ledger that was written a moment ago, the uploader would look twice.
    assert count(second) == said("an upload", sent=CHANGED, files=len(builds[1]), pages=len(PAGES))
    count()
    assert count() == said("a run that finds nothing to do")
    count(third)
    assert count() == said("a run that a release woke", tagged=CHANGED)
    assert count(policy=ZERO) == said("a run that deletes what is due", deleted=2 * CHANGED)
    time.sleep(1)  # so that the ledger, which dates the listing in whole seconds, changes
    assert count(full=True) == said("the daily run")


def test_the_sums_are_right() -> None:
    """The sums of the month's requests, and of their cost."""
    rows = {row[0].partition(":")[0]: [int(cell.replace(",", "")) for cell in row[1:]] for row in table("| requests |")}
    upload, woken, deleting = (rows[name] for name in ("upload", "run that the release woke", "two runs that delete"))
    at = {"files": 2000, "sent": 200, "pages": 10, "tagged": 190, "deleted": 190}

    def both(what: str, times: int = 1) -> list[int]:
        one = said(what, **at)
        return [times * (one["PUT"] + one["POST"] + one["LIST"]), times * (one["GET"] + one["HEAD"])]

    assert upload == both("an upload")
    assert woken == both("a run that a release woke")
    assert deleting == both("a run that deletes what is due", 2)
    assert rows["30 daily runs"] == both("the daily run", 30)
    assert rows["a release"] == [sum(each) for each in zip(upload, woken, deleting, strict=True)]
    assert rows["300 releases"] == [300 * each for each in rows["a release"]]
    assert rows["a month"] == [sum(each) for each in zip(rows["300 releases"], rows["30 daily runs"], strict=True)]
    money = table("| | arithmetic |")
    for _, how, dollars in money[:-1]:
        factors, _, by = how.replace(",", "").replace(" GB", "").partition(" / ")
        if how[0].isdigit():
            product = math.prod(float(each) for each in factors.split(f" {TIMES} ")) / float(by or 1)
            assert float(dollars) == pytest.approx(product, abs=0.0051)
    assert float(money[-1][2]) == pytest.approx(sum(float(row[2]) for row in money[:-1]))


def test_the_sum_of_what_cloudwatch_charges_is_right() -> None:
    rows = table("| | how many |")
    assert sum(float(row[3]) for row in rows[:-1]) == pytest.approx(float(rows[-1][3]))
