"""Each answer that either side reads, cut after every byte that matters: it is asked for again, not taken for empty.

An answer is cut with its true ``Content-Length``, as when a connection breaks, and with that of the rest, as when
a machine in between takes the rest for the whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from cleaner_lambda import handler
from cleaner_lambda.quick_listing import read_listings_quickly
from cleaner_lambda.s3 import S3Store
from cleaner_lambda.s3_errors import tells_nothing
from release_log.whole_answers import require_whole_answers
from tests.http.conftest import client_of, new_bucket
from tests.torture import TORTURE
from uploader.aws.access import Access, Keys
from uploader.s3 import asking
from uploader.s3.connection import connect
from uploader.s3.requests import Requests
from uploader.s3.versions import S3Versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from examples.embedded_aws import EmbeddedAws
    from tests.http.fault_proxy import FaultProxy, Request
from tests.http.plain_s3 import Stored

OBJECTS = {
    f"assets/{name}.js": Stored(name.encode() * 20, {"content-type": "text/javascript"}, {"team": name})
    for name in "ab"
}


def ends(body: bytes, *, silent: bool, both: bool = True) -> Iterator[int]:
    """Where a body is cut: at each byte; without `make torture` before, inside and after each tag.

    Then a broken cut and a silent one take turns, two and two, if the test makes ``both``.
    """
    places = (at for at in range(len(body)) if at < 2 or body[at - 1 : at] in b"<>" or body[at : at + 1] == b"<")
    if TORTURE:
        yield from range(len(body))
    else:
        yield from (at for number, at in enumerate(places) if not both or number // 2 % 2 == silent)


class Site:
    """A bucket with two objects, the proxy in front of it, and both sides' clients behind the proxy."""

    def __init__(self, s3: Any, proxy: FaultProxy) -> None:  # noqa: ANN401
        self.proxy = proxy
        self.bucket = new_bucket(s3, OBJECTS)
        s3.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"})
        s3.put_object(Bucket=self.bucket, Key="assets/gone.js", Body=b"x")
        s3.delete_object(Bucket=self.bucket, Key="assets/gone.js")
        access = Access(self.bucket, "us-east-1", proxy.url, keys=Keys("test", "test", None))
        patient, once = (
            read_listings_quickly(require_whole_answers(client_of(proxy.url, attempts))) for attempts in (3, 1)
        )
        self.cleaner = S3Store(patient, self.bucket, once)
        self.uploader = Requests(connect(access))
        self.versions = S3Versions(access)


READS: dict[str, tuple[Callable[[Site], Any], str]] = {
    "the cleaner lists": (lambda site: list(site.cleaner.list("assets/")), "GET"),
    "the cleaner reads": (lambda site: site.cleaner.get("assets/a.js"), "GET"),
    "the cleaner reads tags": (lambda site: site.cleaner.get_tags("assets/a.js"), "GET"),
    "the uploader lists": (lambda site: site.uploader.written("assets/"), "GET"),
    "the uploader reads": (lambda site: site.uploader.get("assets/a.js"), "GET"),
    "a restoration lists versions": (lambda site: site.versions.deleted({"assets/gone.js", "assets/a.js"}), "GET"),
}
OF_OBJECTS = ("the cleaner reads", "the uploader reads")
"""These answers may be as short as they say: no XML has to end."""


@pytest.fixture
def site(
    s3: Any,  # noqa: ANN401
    proxy: FaultProxy,
    waits: list[float],  # noqa: ARG001 (for what it does)
    monkeypatch: pytest.MonkeyPatch,
) -> Site:
    monkeypatch.setattr(asking, "PAUSES", (0.002, 0.002))
    return Site(s3, proxy)


@pytest.mark.parametrize(
    ("what", "silent"),
    [(what, silent) for what in READS for silent in (False, True) if not (silent and what in OF_OBJECTS)],
)
def test_a_read_that_is_cut_short_is_repeated(site: Site, what: str, *, silent: bool) -> None:
    read, method = READS[what]
    whole, body = read(site), _body(site, read, method)
    assert whole
    for at in ends(body, silent=silent, both=what not in OF_OBJECTS):
        cut = site.proxy.cut(lambda request: request.method == method, at, silent=silent)
        assert read(site) == whole, body[:at]
        assert cut.whole is not None, "nothing was cut"


@pytest.mark.parametrize("silent", [False, True], ids=["broken", "silent"])
def test_a_deletion_whose_answer_is_cut_short_counts_as_unanswered(site: Site, *, silent: bool) -> None:
    keys = list(OBJECTS)

    def delete(site: Site) -> object:
        return site.cleaner.delete(keys)

    assert delete(site) == {}
    for at in ends(_body(site, delete, "POST"), silent=silent):
        site.proxy.cut(_is_post, at, silent=silent)
        with pytest.raises((ClientError, BotoCoreError)) as raised:
            delete(site)
        assert tells_nothing(raised.value), at


@pytest.mark.parametrize("silent", [False, True], ids=["broken", "silent"])
def test_an_uploader_s_deletion_whose_answer_is_cut_short_is_repeated(site: Site, *, silent: bool) -> None:
    """Of an intent, a staged release or a pin."""

    def delete(site: Site) -> None:
        site.uploader.delete("assets/a.js")

    method = next(request.method for request in _made(site, delete))
    for at in ends(_body(site, delete, method), silent=silent):
        site.proxy.cut(lambda request: request.method == method, at, silent=silent)
        assert len(_made(site, delete)) > 1, at


def test_the_handler_s_clients_require_whole_answers(
    site: Site, monkeypatch: pytest.MonkeyPatch, aws: EmbeddedAws
) -> None:
    for name, value in aws.environment(AWS_ENDPOINT_URL=site.proxy.url).items():
        monkeypatch.setenv(name, value)
    for opened in (handler._s3, handler._s3_once):  # noqa: SLF001
        opened.cache_clear()
        site.proxy.cut(lambda request: "list-type" in request.query, 0, silent=True).times = 9
        with pytest.raises(ClientError, match="lacks IsTruncated"):
            opened().list_objects_v2(Bucket=site.bucket)
        opened.cache_clear()
        site.proxy.heal()


def _is_post(request: Request) -> bool:
    return request.method == "POST"


def _made(site: Site, ask: Callable[[Site], object]) -> list[Request]:
    before = len(site.proxy.requests)
    ask(site)
    return site.proxy.requests[before:]


def _body(site: Site, ask: Callable[[Site], object], method: str) -> bytes:
    """The whole answer's body."""
    seen = site.proxy.cut(lambda request: request.method == method, 10**6, silent=False)
    ask(site)
    assert seen.whole is not None
    return seen.whole
