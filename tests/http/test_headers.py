"""What a rule says arrives at S3, each under its own name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from examples.embedded_aws import REGION
from uploader.collect import LocalAsset, signature_of
from uploader.rules import parse_rules
from uploader.s3 import open_bucket
from uploader.session import Access, Keys

if TYPE_CHECKING:
    from pathlib import Path

    from tests.http.conftest import Uploader


def test_every_header_of_a_rule_is_stored(uploader: Uploader, tmp_path: Path) -> None:
    rule = {
        "match": "*.js",
        "cache_control": "public, max-age=60",
        "content_type": "text/x-own",
        "content_encoding": "deflate",
        "content_disposition": "attachment; filename*=UTF-8''na%C3%AFve.js",
        "content_language": "de, pt-BR",
        "storage_class": "STANDARD_IA",
        "metadata": {"team": "web, and others", "build_no.1": "7"},
    }
    treatment = parse_rules([rule], "uploader.toml").treat("app.js", fingerprinted=True)
    assert treatment is not None
    path = tmp_path / "app.js"
    path.write_text("1")
    asset = LocalAsset(
        path=str(path),
        key="assets/app.js",
        logical="assets/app.js",
        size=1,
        fingerprinted=True,
        digest=None,
        headers=treatment.headers,
        signature=signature_of(path.stat()),
    )
    bucket = open_bucket(Access(uploader.bucket, REGION, uploader.aws.url, keys=Keys("test", "test")), 1)
    bucket.put([asset], lambda *_: None)
    head = uploader.aws.client("s3").head_object(Bucket=uploader.bucket, Key=asset.key)
    assert (head["CacheControl"], head["ContentType"]) == ("public, max-age=60", "text/x-own")
    assert (head["ContentEncoding"], head["ContentLanguage"]) == ("deflate", "de, pt-BR")
    assert head["ContentDisposition"] == "attachment; filename*=UTF-8''na%C3%AFve.js"
    assert head["StorageClass"] == "STANDARD_IA"
    assert head["Metadata"] == {
        "team": "web, and others",
        "build_no.1": "7",
        "headers": treatment.headers.digest(),
    }
