"""Whether an answer of S3 to boto3 is whole: a 200 that lacks what its reader needs is an error, and is repeated.

botocore reads a body that never arrived as an answer in which nothing is set: an empty page of a listing, a batch
without errors. Only a body that is cut inside its XML is an error to it.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

Client = TypeVar("Client", bound=Any)
"""boto3's."""

REDIRECTS = 300
CUT = 500
"""The status of an answer that is not whole: botocore's own for an answer whose XML is cut."""


class Needed(NamedTuple):
    """What the answer to an operation must hold.

    Attributes:
        fields: Its fields.
        root: The name of its root element, for an answer in which every field may be missing.
        next_page: The field without which a listing that says ``IsTruncated`` cannot go on.
        entries: Name of a list -> the fields of each entry.
    """

    fields: tuple[str, ...] = ()
    root: bytes = b""
    next_page: str = ""
    entries: tuple[tuple[str, tuple[str, ...]], ...] = ()


NEEDED = {
    "ListObjectsV2": Needed(
        ("IsTruncated",),
        next_page="NextContinuationToken",
        entries=(("Contents", ("Key", "Size", "LastModified", "ETag")),),
    ),
    "ListObjectVersions": Needed(
        ("IsTruncated",),
        next_page="NextKeyMarker",
        entries=(("Versions", ("Key", "Size")), ("DeleteMarkers", ("Key", "VersionId", "IsLatest"))),
    ),
    "GetObject": Needed(("ETag", "LastModified", "ContentLength")),
    "HeadObject": Needed(("ETag", "LastModified")),
    "GetObjectTagging": Needed(("TagSet",), entries=(("TagSet", ("Key", "Value")),)),
    "PutObject": Needed(("ETag",)),
    "DeleteObjects": Needed(root=b"DeleteResult", entries=(("Errors", ("Key", "Code")),)),
    "CreateMultipartUpload": Needed(("UploadId",)),
    "UploadPart": Needed(("ETag",)),
    "CompleteMultipartUpload": Needed(("ETag",)),
}
"""By the operations whose answer is read: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html"""


def require_whole_answers(client: Client) -> Client:
    """Have a client of S3 treat an answer that is not whole as a 500: it repeats the request, as its settings say.

    Returns:
        The client.
    """
    client.meta.events.register_first("needs-retry.s3", _refuse_if_cut)
    return client


def missing_part(operation: str, parsed: dict[str, Any], body: bytes) -> str | None:
    """The part that an answer lacks; None if it is whole.

    Args:
        operation: ``ListObjectsV2``.
        parsed: The answer as botocore reads it.
        body: Its body; empty for a streamed one.
    """
    needed = NEEDED.get(operation)
    if needed is None:
        return None
    if needed.root not in body:
        return needed.root.decode()
    if needed.next_page and parsed.get("IsTruncated") and not parsed.get(needed.next_page):
        return needed.next_page
    for field in needed.fields:
        if field not in parsed:
            return field
    for name, fields in needed.entries:
        for entry in parsed.get(name, ()):
            for field in fields:
                if field not in entry:
                    return f"{name}.{field}"
    return None


def _refuse_if_cut(response: Any, operation: Any, **_: object) -> None:  # noqa: ANN401 (botocore's)
    """Turn an answer that is not whole into a 500, before botocore decides whether to repeat its request."""
    if response is None:  # no answer at all
        return
    http, parsed = response
    if http.status_code >= REDIRECTS or "Error" in parsed:
        return
    missing = missing_part(operation.name, parsed, b"" if operation.has_streaming_output else http.content)
    if missing is not None:
        http.status_code = parsed["ResponseMetadata"]["HTTPStatusCode"] = CUT
        parsed["Error"] = {"Code": str(CUT), "Message": f"S3's answer is cut short: it lacks {missing}"}
