"""A page in place of which S3 does not say whose it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from release_log.marker import Asset, decode, encode
from tests.fake_cleaner_s3 import FakeS3, client_error
from tests.unit.cleaner_lambda.runs import APP, LOGO, POLICY, A, B, C, keys_of, run, stopped_by

PAGE = "assets/index.html"


def publish_with_page(s3: FakeS3, name: str, channel: str, assets: dict[str, str]) -> None:
    """As an older uploader does it: the page has no stored version."""
    key = s3.layout.marker_key(s3.publish(name, channel, assets))
    release = decode(s3.objects[key].body, s3.layout.prefix)
    page = {PAGE: Asset(PAGE, 1, fingerprinted=False)}
    s3.objects[key] = replace(s3.objects[key], body=encode(replace(release, assets={**release.assets, **page})))
    s3.put(PAGE)


@pytest.mark.parametrize("code", ["AccessDenied", "403", "400"])
def test_page_whose_metadata_is_denied_stops_all_deletion_under_a_key_that_releases_share(code: str) -> None:
    """It may be that of the release that left, and ask for what that one named. With SSE-C, S3 says 400."""
    s3 = FakeS3()
    publish_with_page(s3, "r", "staging", {LOGO: C})
    publish_with_page(s3, "r0", "default", {APP: A})
    run(s3)
    s3.advance(60)
    s3.publish("r1", "default", {APP: B})
    s3.advance(60)

    denied = client_error(code)

    def deny(operation: str, key: str) -> None:
        if operation == "get_metadata" and key == PAGE:
            raise denied

    s3.on_request = deny
    for _ in range(2):
        report = run(s3)
        assert stopped_by(report) == ["unknown_page"]
        assert f"{PAGE}, which is in place" in report.plan.stops[0].message
        assert "metadata cannot be read" in report.plan.stops[0].message
        s3.advance(POLICY.version_ttl)
    assert A in s3.assets()
    s3.on_request = None
    assert keys_of(run(s3), "delete") == [A]
