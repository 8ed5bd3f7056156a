"""Which files have other content than the stored objects of their names: by ETag, by digest, or by the file itself."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from uploader.builds import content, parts
from uploader.builds.collect import collect
from uploader.builds.content import stamp_of
from uploader.publishing import contents
from uploader.publishing.contents import changed_files
from uploader.publishing.known_headers import Known

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

KEY = "app-3f9c2ab1.js"
BODY = b"one"
MD5 = hashlib.md5(BODY, usedforsecurity=False).hexdigest()
ANOTHER = hashlib.md5(b"two", usedforsecurity=False).hexdigest()
SHA256 = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def build(tmp_path: Path) -> Path:
    (tmp_path / KEY).write_bytes(BODY)
    return tmp_path


def changed(  # noqa: PLR0913 (what the bucket has)
    build: Path,
    etag: str,
    stamp: str | None = None,
    *,
    digest: str | None = None,
    size: int = len(BODY),
    published: str | None = None,
    key: str = KEY,
) -> bool:
    """Whether the file counts as changed, if the bucket has this."""

    def metadata(keys: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        return dict.fromkeys(keys, {} if digest is None else {"digest": digest})

    known = Known({}, {} if stamp is None else {key: stamp}, {} if published is None else {key: published})
    found = changed_files(collect(build, ""), {key: size}, {key: etag}, known, metadata)
    return key in found


def test_an_etag_that_is_the_md5_decides(build: Path) -> None:
    assert not changed(build, MD5)
    assert changed(build, ANOTHER)
    assert not changed(build, ANOTHER, size=4), "another size is another reason"


def test_the_etag_of_an_upload_in_parts_decides(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PART_BYTES", 2)
    digests = b"".join(hashlib.md5(part, usedforsecurity=False).digest() for part in (b"on", b"e"))
    etag = f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-2"
    assert not changed(build, etag)
    assert changed(build, etag.replace("-2", "-3"))
    assert changed(build, f"{MD5}-2")


def test_where_the_etag_does_not_tell_the_digest_in_the_metadata_does(build: Path) -> None:
    """So it is with KMS, and of compressed objects."""
    assert not changed(build, ANOTHER, digest=SHA256)
    assert changed(build, ANOTHER, digest="0" * 64)
    assert not changed(build, ANOTHER, digest=SHA256, published=ANOTHER)


def test_the_metadata_of_an_object_that_was_stored_again_since_its_release_proves_nothing(build: Path) -> None:
    """A thief keeps the metadata of what they overwrite."""
    assert changed(build, ANOTHER, digest=SHA256, published=MD5)


def test_a_page_is_not_believed_to_be_the_object_that_somebody_stored_over_it(
    build: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its digest is compared with the metadata, which a thief keeps too. The file is read again only if needed."""
    page = "index.html"
    (build / page).write_bytes(BODY)
    assert changed(build, ANOTHER, digest=SHA256, published=MD5, key=page)
    assert changed(build, f"{ANOTHER}-1", digest=SHA256, published=MD5, key=page)
    assert not changed(build, MD5, digest=SHA256, published=ANOTHER, key=page)
    assert not changed(build, ANOTHER, digest=SHA256, key=page), "with KMS, and no release that knows its ETag"
    (build / KEY).unlink()
    monkeypatch.setattr(contents, "md5_of", None)
    assert not changed(build, ANOTHER, digest=SHA256, published=ANOTHER, key=page)


def test_the_same_file_under_the_same_etag_is_not_read(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that was moved into place, though it is older, is another file."""
    monkeypatch.setattr(content, "SETTLED_SECONDS", 0)
    identity = collect(build, "")[0].identity
    with monkeypatch.context() as context:
        context.setattr(contents, "md5_of", None)
        assert not changed(build, ANOTHER, stamp_of(identity, ANOTHER))
    assert changed(build, "0" * 32, stamp_of(identity, ANOTHER)), "somebody stored another object"
    (build / "older").write_bytes(b"two")
    os.utime(build / "older", (1, 1))
    (build / "older").replace(build / KEY)
    assert changed(build, MD5, stamp_of(identity, MD5))


def test_a_file_that_changed_a_moment_ago_has_no_stamp(build: Path) -> None:
    """It could change again within the same tick of the file system's clock."""
    assert collect(build, "")[0].identity == 0
