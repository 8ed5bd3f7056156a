"""How S3 encrypts what the uploader writes: assets, intents and markers alike."""

from __future__ import annotations

import re
from typing import Any

from uploader.aws.encryptions import SSE_KMS
from uploader.errors import UsageError

_KEY_ID = re.compile(r"[\w:/.-]+", re.ASCII)


def encryption(algorithm: str | None, kms_key_id: str | None, *, bucket_key: bool) -> dict[str, Any]:
    """The arguments for `obstore.store.S3Store`.

    Args:
        algorithm: One of `uploader.aws.encryptions.ALGORITHMS`; None leaves it to the bucket's default.
        kms_key_id: A KMS key's id, ARN or alias; None for the account's own key for S3.
        bucket_key: Let S3 keep a key for the bucket, so that it does not ask KMS for a key for every object.

    Raises:
        UsageError: The arguments contradict each other, or the key id is not valid.
    """
    if algorithm is None and not kms_key_id and not bucket_key:
        return {}
    if algorithm != SSE_KMS and (kms_key_id or bucket_key):
        option = f"--sse-kms-key-id {kms_key_id}" if kms_key_id else "--sse-bucket-key"
        msg = f"{option} is for KMS alone: give --sse {SSE_KMS} with it, or leave it out"
        raise UsageError(msg)
    arguments: dict[str, Any] = {"server_side_encryption": algorithm}
    if kms_key_id:
        if not _KEY_ID.fullmatch(kms_key_id):
            msg = f"--sse-kms-key-id {kms_key_id!r} is not a KMS key: give its id, ARN, or alias as in alias/assets"
            raise UsageError(msg)
        arguments["sse_kms_key_id"] = kms_key_id
    if bucket_key:
        arguments["sse_bucket_key_enabled"] = True
    return arguments
