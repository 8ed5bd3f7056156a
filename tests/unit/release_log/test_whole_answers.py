"""Which answers of S3 are whole."""

from __future__ import annotations

from typing import Any

import pytest

from release_log.whole_answers import NEEDED, missing_part

ENTRY = {"Key": "a", "Size": 1, "LastModified": "now", "ETag": "x"}
PAGE = {"IsTruncated": False, "Contents": [ENTRY]}


@pytest.mark.parametrize(
    ("operation", "parsed", "body", "missing"),
    [
        ("ListObjectsV2", PAGE, b"", None),
        ("ListObjectsV2", {"IsTruncated": False}, b"", None),
        ("ListObjectsV2", {}, b"", "IsTruncated"),
        ("ListObjectsV2", {"Contents": [ENTRY]}, b"", "IsTruncated"),
        ("ListObjectsV2", PAGE | {"IsTruncated": True}, b"", "NextContinuationToken"),
        ("ListObjectsV2", PAGE | {"IsTruncated": True, "NextContinuationToken": "x"}, b"", None),
        *(
            (
                "ListObjectsV2",
                PAGE | {"Contents": [{n: v for n, v in ENTRY.items() if n != name}]},
                b"",
                f"Contents.{name}",
            )
            for name in ENTRY
        ),
        ("ListObjectVersions", {"DeleteMarkers": []}, b"", "IsTruncated"),
        ("ListObjectVersions", {"IsTruncated": True}, b"", "NextKeyMarker"),
        ("DeleteObjects", {}, b"", "DeleteResult"),
        ("DeleteObjects", {}, b"<DeleteResult/>", None),
        ("DeleteObjects", {"Errors": [{"Key": "a"}]}, b"<DeleteResult>", "Errors.Code"),
        ("GetObjectTagging", {}, b"", "TagSet"),
        ("GetObjectTagging", {"TagSet": []}, b"", None),
        ("GetObject", {"ETag": "x", "ContentLength": 0}, b"", "LastModified"),
        ("PutObject", {}, b"", "ETag"),
        ("CreateMultipartUpload", {}, b"", "UploadId"),
        ("PutObjectTagging", {}, b"", None),
    ],
)
def test_answer_without_a_field_that_its_reader_needs_is_not_whole(
    operation: str, parsed: dict[str, Any], body: bytes, missing: str | None
) -> None:
    """Nothing else tells it from an empty one."""
    assert missing_part(operation, parsed, body) == missing


@pytest.mark.parametrize("operation", NEEDED)
def test_answer_without_a_body_is_never_whole(operation: str) -> None:
    assert missing_part(operation, {"ResponseMetadata": {}}, b"") is not None
