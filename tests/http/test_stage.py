"""Separate jobs: one uploads and stages, another activates or drops; the cleaner runs in between."""

from __future__ import annotations

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from release_log.instants import parse_instant
from tests.http.in_process import publish_here, run_here, short_sleep
from uploader.aws.access import Access, Keys
from uploader.errors import UploaderError
from uploader.s3.open import connect, open_connected

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from release_log.layout import Layout
    from tests.http.conftest import Uploader

    Folder = Callable[[str, dict[str, str]], Path]
    Cleaner = Callable[..., dict[str, Any]]

OLD, NEW = {"app-3f9c2ab1.js": "1"}, {"app-4a1b2c3d.js": "2"}


def assets(uploader: Uploader) -> list[str]:
    return [key.removeprefix("assets/") for key in uploader.keys() if ".releases/" not in key]


def tags(uploader: Uploader) -> dict[str, dict[str, str]]:
    """Asset -> its tags."""
    s3, found = uploader.aws.client("s3"), {}
    for name in assets(uploader):
        answer = s3.get_object_tagging(Bucket=uploader.bucket, Key=f"assets/{name}")
        found[name] = {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}
    return found


def keep_everything(uploader: Uploader, monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy under which the cleaner tags and deletes nothing."""
    policy = {"grace": 3600, "version_limit": 9, "version_ttl": 3600}
    monkeypatch.setenv("SITES", json.dumps([{"bucket": uploader.bucket, "prefix": "assets/", "policy": policy}]))


def test_nothing_retires_until_the_staged_release_is_activated(
    uploader: Uploader, site_folder: Folder, cleaner: Cleaner, layout: Layout
) -> None:
    """The new assets exist, the old ones stay; after the activation the old ones are deleted as usual."""
    publish_here(uploader, site_folder("a", OLD), "r1")
    staged = uploader.upload(site_folder("b", NEW), "--release", "r2", "--stage")
    assert (staged["staged"], staged["marker"]) == (layout.staged_key(staged["release"]), None)
    answer = cleaner(full=True)
    assert (answer["counts"]["tag"], answer["counts"]["delete"]) == (0, 0)
    assert assets(uploader) == [*OLD, *NEW]

    done = uploader.run("activate", staged["release"], "--bucket", uploader.bucket)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"activated {staged['release']} at s3://{uploader.bucket}/assets/\n"
    again = uploader.run("activate", staged["release"], "--bucket", uploader.bucket, "--json")
    assert json.loads(again.stdout) == {
        "bucket": uploader.bucket,
        "prefix": "assets/",
        "release": staged["release"],
        "marker": layout.marker_key(staged["release"]),
        "already": True,
        "placed": [],
        "invalidation": None,
    }
    assert cleaner()["current"] == {"default": staged["release"]}
    assert assets(uploader) == list(NEW)


def test_a_dropped_release_leaves_what_is_current_alone(
    uploader: Uploader, site_folder: Folder, cleaner: Cleaner
) -> None:
    """All options from the environment; a second time is an error, and so is an unknown release."""
    first = publish_here(uploader, site_folder("a", OLD), "r1")
    staged = publish_here(uploader, site_folder("b", NEW), "r2", stage=True)
    environ = {"UPLOADER_BUCKET": uploader.bucket, "UPLOADER_RELEASE_ID": staged.id}
    assert uploader.run("drop", UPLOADER_QUIET="1", **environ).stdout == ""
    again = uploader.run("drop", **environ)
    assert again.returncode == 1
    assert again.stderr.startswith(f"uploader: {staged.id} is not staged: it was activated or dropped")
    assert len(again.stderr.splitlines()) == 1
    assert cleaner(full=True)["current"] == {"default": first.id}
    assert assets(uploader) == [*OLD, *NEW], "what nothing names any more is an orphan, and kept for a while"


def test_the_summary_says_what_to_do_next(uploader: Uploader, site_folder: Folder) -> None:
    """A command to paste, with the site's own options."""
    answer = uploader.run(
        "upload", site_folder("a", OLD), "--bucket", uploader.bucket, "--prefix", "a b/", "--release", "r1", "--stage"
    )
    first, second = answer.stdout.splitlines()
    release_id = first.split()[1]
    assert first.startswith(f"staged {release_id} at s3://{uploader.bucket}/a b/: 1 uploaded (1 B), 0 unchanged, ")
    digest = second.split("--digest ")[1].split()[0]
    command = f"python -m uploader activate {release_id} --bucket {uploader.bucket} --digest {digest} --prefix 'a b/'"
    assert second == f"kept for staged_ttl (48 hours by default); to make it current: {command}"


def test_the_printed_digest_is_compared(uploader: Uploader, site_folder: Folder) -> None:
    """Of the two jobs, the second knows what the first one staged."""
    document = uploader.upload(site_folder("a", OLD), "--release", "r1", "--stage")
    words = ["activate", document["release"], "--bucket", uploader.bucket, "--digest"]
    assert uploader.run(*words, "0" * 32).returncode == 1
    assert uploader.run(*words, "short").returncode == 2
    assert uploader.run("drop", *words[1:], "0" * 32).returncode == 1
    assert uploader.run(*words, document["digest"]).returncode == 0
    assert uploader.run(*words, document["digest"]).returncode == 0, "twice is fine"


@pytest.mark.parametrize("activates", [True, False])
def test_a_page_is_put_in_place_by_the_activation_and_not_before(
    uploader: Uploader, site_folder: Folder, *, activates: bool
) -> None:
    """With its headers; and a release that is dropped has changed nothing."""
    s3 = uploader.aws.client("s3")
    publish_here(uploader, site_folder("a", {"index.html": "old"}), "r1")
    before = s3.get_object(Bucket=uploader.bucket, Key="assets/index.html")
    staged = publish_here(uploader, site_folder("b", {"index.html": "new"}), "r2", stage=True)
    assert s3.head_object(Bucket=uploader.bucket, Key="assets/index.html")["ETag"] == before["ETag"]
    done = uploader.run("activate" if activates else "drop", staged.id, "--bucket", uploader.bucket)
    assert done.returncode == 0, done.stderr
    after = s3.get_object(Bucket=uploader.bucket, Key="assets/index.html")
    assert after["Body"].read() == (b"new" if activates else b"old")
    for header in ("ContentType", "CacheControl"):
        assert after[header] == before[header]
    stored = [key for key in uploader.beside() if after["Metadata"]["stored-page"] in key]
    assert len(stored) == 1


@pytest.mark.parametrize("content", ["new", "longer"])
def test_a_file_whose_fingerprint_stayed_is_left_by_a_roll_out_that_fails(
    uploader: Uploader, site_folder: Folder, content: str
) -> None:
    """It is put in place by the one that succeeds, from the build and by S3's copy, and by a roll-back."""
    s3, name = uploader.aws.client("s3"), "precache-manifest.3f9c2ab14d5e6f70.js"

    def live() -> str:
        body: bytes = s3.get_object(Bucket=uploader.bucket, Key=f"assets/{name}")["Body"].read()
        return body.decode()

    def run(release: str, command: str) -> int:
        build = site_folder("b", {name: content, "index.html": content})
        words = ["run", build, "--bucket", uploader.bucket, "--release", release, "--", command]
        return run_here(words, uploader.aws.environment(), short_sleep).returncode

    publish_here(uploader, site_folder("a", {name: "old", "index.html": "old"}), "r1")
    assert run("r2", "false") == 1
    assert live() == "old"
    assert uploader.run("verify", "--bucket", uploader.bucket).returncode == 0
    assert run("r3", "true") == 0
    assert live() == content
    publish_here(uploader, site_folder("c", {name: content, "index.html": "other"}), "r4")
    publish_here(uploader, site_folder("d", {name: "last", "index.html": "last"}), "r5")
    assert live() == "last"
    assert uploader.run("rollback", "--previous", "--bucket", uploader.bucket).returncode == 0
    assert live() == content
    checked = uploader.run("verify", "--bucket", uploader.bucket)
    assert checked.returncode == 0, checked.stdout


def test_a_page_that_somebody_else_stored_first_is_not_put_in_place(uploader: Uploader, site_folder: Folder) -> None:
    """Whoever has the sources can compute the name under which a page will be stored."""
    s3, page = uploader.aws.client("s3"), "assets/index.html"
    good = site_folder("a", {"index.html": "good"})
    first = publish_here(uploader, good, "r1", stage=True)
    (stored,) = [key for key in uploader.beside() if "/pages/" in key]
    same = {name: s3.head_object(Bucket=uploader.bucket, Key=stored)[name] for name in ("ContentType", "Metadata")}
    assert uploader.run("drop", first.id, "--bucket", uploader.bucket).returncode == 0
    publish_here(uploader, site_folder("b", {"index.html": "next"}), "r2")
    s3.delete_object(Bucket=uploader.bucket, Key=stored)
    s3.put_object(Bucket=uploader.bucket, Key=stored, Body=b"evil", IfNoneMatch="*", **same)
    words = ["run", good, "--bucket", uploader.bucket, "--release", "r3", "--", "true"]
    ended = run_here(words, uploader.aws.environment(), short_sleep)
    assert s3.get_object(Bucket=uploader.bucket, Key=page)["Body"].read() == b"next"
    assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (1, "", 1)
    assert f"{stored} is not the page {page}" in ended.stderr
    s3.delete_object(Bucket=uploader.bucket, Key=stored)
    assert run_here(words, uploader.aws.environment(), short_sleep).returncode == 0
    assert s3.get_object(Bucket=uploader.bucket, Key=page)["Body"].read() == b"good"


def test_a_staged_dry_run_writes_nothing_and_names_no_file(uploader: Uploader, site_folder: Folder) -> None:
    document = uploader.upload(site_folder("a", OLD), "--stage", "--dry-run")
    assert (document["staged"], document["marker"], uploader.keys()) == (None, None, [])


def test_a_wrong_id_is_wrong_usage(uploader: Uploader) -> None:
    """A text that cannot be an id causes no request."""
    answer = uploader.run("activate", "3f9c2ab", "--bucket", uploader.bucket)
    assert answer.returncode == 2
    assert "'3f9c2ab' is not the id of a release, such as 20261123T060500Z-3f9c2ab" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_a_refusal_for_one_key_in_an_answer_of_200_is_a_refusal() -> None:
    """AWS's answer to a DELETE without the right; the embedded one answers 403."""
    body = b"<DeleteResult><Error><Key>k</Key><Code>AccessDenied</Code><Message>No</Message></Error></DeleteResult>"

    class Refuse(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response_only(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Refuse) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        access = Access("bucket", "us-east-1", f"http://127.0.0.1:{server.server_port}", keys=Keys("test", "test"))
        try:
            with pytest.raises(
                UploaderError, match="access denied: allow the build job's role s3:DeleteObject on s3://"
            ):
                open_connected(connect(access), 1).withdraw("k")
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.scenario("A1")
def test_a_roll_back_by_building_an_old_release_again(
    uploader: Uploader, site_folder: Folder, cleaner: Cleaner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file is sent; the returning assets lose their tags, and the replaced ones are superseded from now on."""
    keep_everything(uploader, monkeypatch)
    publish_here(uploader, site_folder("a", OLD), "r1")
    publish_here(uploader, site_folder("b", NEW), "r2")
    cleaner()
    assert tags(uploader)["app-3f9c2ab1.js"].keys() == {"superseded_at"}
    back = uploader.upload(site_folder("a", OLD), "--release", "r1")
    assert back["counts"] == {"uploaded": 0, "unchanged": 1}
    cleaner()
    found = tags(uploader)
    assert found["app-3f9c2ab1.js"] == {}
    assert found["app-4a1b2c3d.js"].keys() == {"superseded_at"}


@pytest.mark.scenario("L5")
def test_a_file_that_comes_back_loses_its_tag_and_its_siblings_clocks_start_anew(
    uploader: Uploader, site_folder: Folder, cleaner: Cleaner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its path left with two versions of it; it is back with one, so the other is superseded from now on."""
    keep_everything(uploader, monkeypatch)
    page = {"about-5e5e5e5f.js": "1"}
    for name, files in (("r1", OLD | page), ("r2", NEW | page), ("r3", page)):
        publish_here(uploader, site_folder(name, files), name)
        cleaner()
    before = tags(uploader)
    assert before["app-4a1b2c3d.js"].keys() == {"removed_at"}
    time.sleep(1.1)  # S3's instants are whole seconds
    back = uploader.upload(site_folder("r2", NEW | page), "--release", "r4")
    assert back["counts"]["uploaded"] == 0
    cleaner()
    after = tags(uploader)
    assert after["app-4a1b2c3d.js"] == {}
    (mark,) = after["app-3f9c2ab1.js"].values()
    assert parse_instant(mark) > max(parse_instant(value) for value in before["app-3f9c2ab1.js"].values())
    assert after["app-3f9c2ab1.js"].keys() == {"superseded_at"}
