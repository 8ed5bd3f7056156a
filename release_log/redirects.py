"""Keeps boto3 from following S3's redirects without end."""

from __future__ import annotations

from typing import Any, TypeVar

Client = TypeVar("Client", bound=Any)
"""boto3's."""


def end_redirects(client: Client) -> Client:
    """Have a client take a redirect of its question for a bucket's region as the answer.

    boto3 asks by HeadBucket where a bucket is that a redirect does not say; and again, where a redirect without a
    region answers that too, until Python has no more depth.

    Returns:
        The client.
    """
    client.meta.events.register("before-call.s3.HeadBucket", _was_redirected)
    return client


def _was_redirected(params: dict[str, Any], **_: object) -> None:
    params["context"]["s3_redirect"] = {"redirected": True}
