"""Two uploads at once, when the content changes for the first time under a fingerprint that stays.

The one has the new content, so to it the file is a page. The other one has the old content, so to it the file is an
asset that exists already.
"""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Self

import pytest

from examples.embedded_aws import REGION
from tests.http.fault_proxy import PATIENCE_SECONDS, Fault, FaultProxy, Match, Request
from tests.http.in_process import publish_here
from uploader.aws.access import Access, Keys
from uploader.builds.collect import collect
from uploader.publishing.build import Build
from uploader.publishing.publish import publish
from uploader.s3.open import connect, open_connected

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from tests.http.conftest import Uploader
    from uploader.publishing.publish import Published

    Begin = Callable[[Match], "Upload"]

NAME = "precache-manifest.3f9c2ab14d5e6f70.js"
KEY = f"assets/{NAME}"
OLD = {NAME: "old", "index.html": "old", "app-3f9c2ab1.js": "app"}
OLDER = {NAME: "old", "index.html": "older", "app-3f9c2ab2.js": "older"}
NEWER = {NAME: "new", "index.html": "newer", "app-3f9c2ab3.js": "newer"}
ONLY_NEWER = "assets/app-3f9c2ab3.js"


def marker(request: Request) -> bool:
    """The PUT of a marker."""
    return request.method == "PUT" and "/markers/" in request.path and not request.path.endswith(".placed.json")


def markers(request: Request) -> bool:
    """A LIST of the markers, which only comes after the PUT of the own one."""
    return request.method == "GET" and "list-type" in request.query and "markers" in request.query


def page(request: Request) -> bool:
    """The PUT that puts the file in place."""
    return request.method == "PUT" and request.path.endswith(KEY)


class Held(FaultProxy):
    """Holds the first request that matches before it reaches S3."""

    def __init__(self, target: str, match: Match) -> None:
        super().__init__(target)
        self._match: Match | None = match
        self._came, self._go = threading.Event(), threading.Event()

    def arrive(self, request: Request) -> tuple[int, Fault | None]:
        """See `FaultProxy.arrive`."""
        if self._match is not None and self._match(request):
            self._match, go = None, self._go
            self._came.set()
            assert go.wait(PATIENCE_SECONDS)
        return super().arrive(request)

    def wait(self) -> None:
        """Wait for that request."""
        assert self._came.wait(PATIENCE_SECONDS)

    def go_on(self, match: Match | None = None) -> None:
        """Let it go on, up to the next request that matches, if there is to be one."""
        go, self._came, self._go, self._match = self._go, threading.Event(), threading.Event(), match
        go.set()


class Upload:
    """An upload in a thread of its own; it is held before its first request that matches."""

    def __init__(self, uploader: Uploader, folder: Path, match: Match) -> None:
        self._proxy = Held(uploader.aws.url, match)
        self._found: list[Published | BaseException] = []
        assets = collect(folder, "assets/")
        build = Build(assets=assets, prefix="assets/", channel="default", release=folder.name)

        def work() -> None:
            try:
                access = Access(uploader.bucket, REGION, self._proxy.url, keys=Keys("test", "test"))
                self._found.append(publish(open_connected(connect(access), 8), build))
            except BaseException as error:  # noqa: BLE001 (raised by `finish`)
                self._found.append(error)

        self._thread = threading.Thread(target=work)

    def __enter__(self) -> Self:
        self._proxy.__enter__()
        self._thread.start()
        self._proxy.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._proxy.go_on()
        self._thread.join()
        self._proxy.__exit__(None, None, None)

    def go_on_to(self, match: Match) -> None:
        """Let it go on up to a request."""
        self._proxy.go_on(match)
        self._proxy.wait()

    def finish(self) -> Published:
        """Let it go on to its end."""
        self._proxy.go_on()
        self._thread.join(PATIENCE_SECONDS)
        (found,) = self._found
        if isinstance(found, BaseException):
            raise found
        return found


@pytest.fixture
def older(uploader: Uploader, site_folder: Callable[[str, dict[str, str]], Path]) -> Begin:
    """Begins the upload with the old content, and lets it go on up to a request."""
    publish_here(uploader, site_folder("r0", OLD), "r0")
    folder = site_folder("older", OLDER)
    return lambda match: Upload(uploader, folder, match)


@pytest.fixture
def newer(uploader: Uploader, site_folder: Callable[[str, dict[str, str]], Path]) -> Begin:
    """The same with the new content."""
    folder = site_folder("newer", NEWER)
    return lambda match: Upload(uploader, folder, match)


def next_second() -> None:
    """S3 orders the markers of one second by their names."""
    time.sleep(1.01)


def older_first(older: Begin, newer: Begin) -> str:
    """The new content's marker is the newest."""
    with newer(marker) as second, older(marker) as first:
        first.finish()
        next_second()
        return second.finish().id


def before_its_marker(older: Begin, newer: Begin) -> str:
    """The new content is in place before the other one writes its marker."""
    with older(marker) as second:
        with newer(marker) as first:
            first.finish()
        next_second()
        return second.finish().id


def after_its_end(older: Begin, newer: Begin) -> str:
    """The new content's upload has found no newer marker, and puts it in place when the other one is done."""
    with older(marker) as second, newer(page) as first:
        next_second()
        done = second.finish()
        first.finish()
        return done.id


def as_it_looks(older: Begin, newer: Begin) -> str:
    """The same; the other one is about to look at its pages, after its marker."""
    with older(marker) as second, newer(page) as first:
        next_second()
        second.go_on_to(markers)
        first.finish()
        return second.finish().id


def sees_the_newer_marker(older: Begin, newer: Begin) -> str:
    """The new content's upload looks at the markers when the other one has written its own."""
    with older(marker) as second, newer(markers) as first:
        next_second()
        done = second.finish()
        first.finish()
        return done.id


def begins_after_the_marker(older: Begin, newer: Begin) -> str:
    """The other upload begins when the new content's marker is there, and its content is not in place yet."""
    with newer(page) as first, older(marker) as second:
        next_second()
        done = second.finish()
        first.finish()
        return done.id


class Bucket:
    """What a visitor gets, and what the commands say."""

    def __init__(self, uploader: Uploader) -> None:
        self._uploader = uploader

    @property
    def live(self) -> str:
        """What a visitor gets."""
        s3 = self._uploader.aws.client("s3")
        body: bytes = s3.get_object(Bucket=self._uploader.bucket, Key=KEY)["Body"].read()
        return body.decode()

    def ask(self, command: str) -> tuple[int, dict[str, Any]]:
        """A command's status and answer."""
        done = self._uploader.run(command, "--bucket", self._uploader.bucket, "--json")
        return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize(
    ("order", "content"),
    [(older_first, "new"), (sees_the_newer_marker, "old"), (begins_after_the_marker, "old"), (as_it_looks, "old")],
)
def test_the_newest_release_has_its_own_content(
    uploader: Uploader, older: Begin, newer: Begin, order: Callable[[Begin, Begin], str], content: str
) -> None:
    newest = order(older, newer)
    bucket = Bucket(uploader)
    assert bucket.live == content
    status, said = bucket.ask("verify")
    assert (status, said["releases"], said["findings"]) == (0, {"default": newest}, [])


@pytest.mark.parametrize(("order", "next_one"), [(before_its_marker, "old"), (after_its_end, "last")])
def test_it_is_published_again_as_a_page(  # noqa: PLR0913 (two uploads, the next one, the cleaner)
    uploader: Uploader,
    older: Begin,
    newer: Begin,
    order: Callable[[Begin, Begin], str],
    *,
    next_one: str,
    cleaner: Callable[..., dict[str, Any]],
    site_folder: Callable[[str, dict[str, str]], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The cleaner keeps all of it, and deletes what the other release alone had; a roll-back brings it back."""
    newest = order(older, newer)
    bucket = Bucket(uploader)
    assert bucket.live == "old"
    status, said = bucket.ask("verify")
    assert (status, said["releases"], said["findings"]) == (0, {"default": newest}, [])
    assert len([key for key in uploader.keys() if "/markers/" in key]) == 4
    policy = {"grace": 0, "version_limit": 0, "version_ttl": 0, "removed_ttl": 0, "keep_releases": 1}
    monkeypatch.setenv("SITES", json.dumps([{"bucket": uploader.bucket, "prefix": "assets/", "policy": policy}]))
    next_second()
    uploader.upload(site_folder("next", {**OLDER, NAME: next_one}), "--release", "next")
    for _ in range(3):
        cleaner()
        next_second()
    assert bucket.live == next_one
    assert ONLY_NEWER not in uploader.every_key()
    next_second()
    assert uploader.run("rollback", "--previous", "--bucket", uploader.bucket).returncode == 0
    assert bucket.live == "old"
    assert bucket.ask("verify")[0] == 0


def test_a_new_file_that_both_send_under_one_name_is_published_again_too(
    uploader: Uploader, older: Begin, newer: Begin
) -> None:
    """Both look before either sends it, so to both it is an asset."""
    uploader.aws.client("s3").delete_object(Bucket=uploader.bucket, Key=KEY)
    with older(page) as second, newer(page) as first:
        second.go_on_to(marker)
        first.finish()
        next_second()
        newest = second.finish().id
    bucket = Bucket(uploader)
    assert bucket.live == "old"
    status, said = bucket.ask("verify")
    assert (status, said["releases"], said["findings"]) == (0, {"default": newest}, [])
