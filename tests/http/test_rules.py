"""Rules of the configuration, as they arrive at S3: headers, compressed bodies, and the effect of a changed rule."""

from __future__ import annotations

import gzip
import hashlib
import json
from typing import TYPE_CHECKING, Any

import brotli
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.http.conftest import Uploader

    Folder = Callable[[str, dict[str, str]], Path]

APP = "assets/app-3f9c2ab1.js"
LONG = "let saved = 'again and again';\n" * 100
GZIP = '[[rules]]\nmatch = "*.{js,txt}"\ngzip = true\n'


class Site:
    """A site with a configuration of its own."""

    def __init__(self, uploader: Uploader, folder: Path, file: Path) -> None:
        self.uploader = uploader
        self.folder = folder
        self.file = file

    def upload(self, rules: str) -> dict[str, str]:
        """Upload under these rules; returns key -> reason of the files sent."""
        self.file.write_text(rules)
        document = self.uploader.upload(self.folder, "--config", self.file)
        return {each["key"]: each["reason"] for each in (*document["placed"], *document["uploaded"])}

    def head(self, key: str) -> dict[str, Any]:
        return dict(self.uploader.aws.client("s3").head_object(Bucket=self.uploader.bucket, Key=key))

    def body(self, key: str) -> bytes:
        body: bytes = self.uploader.aws.client("s3").get_object(Bucket=self.uploader.bucket, Key=key)["Body"].read()
        return body

    def marked(self) -> dict[str, dict[str, Any]]:
        """Key -> its entry in the newest marker."""
        newest = max(key for key in self.uploader.keys() if key.startswith("assets/.releases/markers/"))
        # What was new at the first upload is not any more at the next one.
        return {each["key"]: each | {"new": None} for each in json.loads(self.body(newest))["assets"].values()}


@pytest.fixture
def site(uploader: Uploader, site_folder: Folder, tmp_path: Path) -> Site:
    folder = site_folder("dist", {"app-3f9c2ab1.js": LONG, "tiny-4a1b2c3d.js": "1", "note.txt": LONG, "a.map": "{}"})
    return Site(uploader, folder, tmp_path / "uploader.toml")


@pytest.mark.scenario("T12")
def test_every_header_of_a_rule_is_stored(site: Site) -> None:
    site.upload("""
        [[rules]]
        match = "*.js"
        cache_control = "public, max-age=60"
        content_type = "text/x-own"
        content_encoding = "deflate"
        content_disposition = "attachment; filename*=UTF-8''na%C3%AFve.js"
        content_language = "de, pt-BR"
        storage_class = "STANDARD_IA"
        metadata = { team = "web, and others", "build_no.1" = "7" }
    """)
    head = site.head(APP)
    assert (head["CacheControl"], head["ContentType"]) == ("public, max-age=60", "text/x-own")
    assert (head["ContentEncoding"], head["ContentLanguage"]) == ("deflate", "de, pt-BR")
    assert head["ContentDisposition"] == "attachment; filename*=UTF-8''na%C3%AFve.js"
    assert head["StorageClass"] == "STANDARD_IA"
    own = site.marked()[APP]["headers"]
    digest = hashlib.sha256(LONG.encode()).hexdigest()
    assert head["Metadata"] == {"team": "web, and others", "build_no.1": "7", "headers": own, "digest": digest}


def test_a_file_that_a_rule_skips_is_no_asset(site: Site) -> None:
    assert "assets/a.map" not in site.upload('[[rules]]\nmatch = "*.map"\nskip = true\n')
    assert "assets/a.map" not in {*site.uploader.keys(), *site.marked()}


def test_rules_that_skip_everything_publish_nothing(site: Site) -> None:
    site.file.write_text('[[rules]]\nmatch = "**"\nskip = true\n')
    answer = site.uploader.run(site.folder, "--bucket", site.uploader.bucket, "--config", site.file)
    assert answer.returncode == 2
    assert answer.stderr == (
        f"uploader: wrong usage: every file of {str(site.folder)!r} is skipped by a rule: "
        "a release needs at least one asset\n"
    )
    assert site.uploader.keys() == []


@pytest.mark.scenario("T13", "A5")
@pytest.mark.parametrize(
    ("rule", "coding", "unpack"), [("gzip", "gzip", gzip.decompress), ("brotli", "br", brotli.decompress)]
)
def test_a_body_is_compressed_where_that_saves(
    site: Site, rule: str, coding: str, unpack: Callable[[bytes], bytes]
) -> None:
    site.upload(f'[[rules]]\nmatch = "*.{{js,txt}}"\n{rule} = true\n')
    for key in (APP, "assets/note.txt"):
        head = site.head(key)
        assert head["ContentEncoding"] == coding
        assert head["ContentLength"] < len(LONG) / 2
        assert unpack(site.body(key)) == LONG.encode()
        assert site.marked()[key]["size"] == head["ContentLength"], "the marker has the size of what is stored"
    assert "ContentEncoding" not in site.head("assets/tiny-4a1b2c3d.js"), "it would only grow"
    assert site.body("assets/tiny-4a1b2c3d.js") == b"1"


@pytest.mark.scenario("A5")
def test_under_the_same_rules_nothing_is_sent_again(site: Site) -> None:
    site.upload(GZIP)
    before = site.marked()
    assert site.upload(GZIP) == {}
    assert site.marked() == before


def test_what_earlier_releases_do_not_tell_is_asked_for(site: Site) -> None:
    """Somebody stored it again unchanged since the marker: the upload does not send it, and the marker is the same."""
    site.upload(GZIP)
    before, client = site.marked(), site.uploader.aws.client("s3")
    for key in [key for key in site.uploader.keys() if "/markers/" in key]:
        client.delete_object(Bucket=site.uploader.bucket, Key=key)
    assert site.upload(GZIP) == {}
    assert site.marked() == before


@pytest.mark.scenario("L29")
def test_a_changed_rule_sends_what_it_changes_and_says_why(site: Site) -> None:
    """Fingerprinted files too: their names do not change with their headers."""
    site.upload("")
    assert site.upload('[[rules]]\nmatch = "*.js"\ncache_control = "public, max-age=60"\n') == {
        APP: "headers_differ",
        "assets/tiny-4a1b2c3d.js": "headers_differ",
    }
    assert site.head(APP)["CacheControl"] == "public, max-age=60"
    assert site.upload(GZIP).keys() == {APP, "assets/tiny-4a1b2c3d.js", "assets/note.txt"}
    assert site.upload("") == dict.fromkeys([APP, "assets/tiny-4a1b2c3d.js", "assets/note.txt"], "headers_differ")
    assert site.body(APP) == LONG.encode()
    assert site.upload("") == {}


def test_a_compressed_file_that_changes_is_sent_again(site: Site) -> None:
    site.upload(GZIP)
    (site.folder / "note.txt").write_text(LONG.replace("saved", "taken"))
    assert site.upload(GZIP) == {"assets/note.txt": "content_differs"}


def test_a_compressed_object_of_another_size_than_the_marker_says_is_sent_again(site: Site) -> None:
    """Somebody overwrote the file, with the same headers."""
    site.upload(GZIP)
    head = site.head(APP)
    site.uploader.aws.client("s3").put_object(
        Bucket=site.uploader.bucket, Key=APP, Body=b"x", Metadata=head["Metadata"], ContentEncoding="gzip"
    )
    site.upload(GZIP)
    assert gzip.decompress(site.body(APP)) == LONG.encode()


@pytest.mark.scenario("T13")
def test_what_the_build_compressed_is_stored_as_what_it_decodes_to(site: Site) -> None:
    (site.folder / "app-3f9c2ab1.js.br").write_bytes(brotli.compress(LONG.encode()))
    (site.folder / "app-3f9c2ab1.js.gz").write_bytes(gzip.compress(LONG.encode()))
    site.upload("")
    for key, coding in ((f"{APP}.br", "br"), (f"{APP}.gz", "gzip")):
        head = site.head(key)
        assert (head["ContentType"], head["ContentEncoding"]) == ("text/javascript; charset=utf-8", coding)
        assert head["CacheControl"] == "public, max-age=31536000, immutable"
