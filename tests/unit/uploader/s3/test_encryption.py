"""How S3 is asked to encrypt."""

from __future__ import annotations

import pytest
from obstore.exceptions import GenericError

from uploader.aws.access import Access
from uploader.aws.refusals import explain_s3
from uploader.errors import UsageError
from uploader.s3.encryption import encryption
from uploader.s3.errors import code_of

KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((None, None, False), {}),
        (("AES256", None, False), {"server_side_encryption": "AES256"}),
        (("aws:kms", None, False), {"server_side_encryption": "aws:kms"}),
        (("aws:kms", KEY, False), {"server_side_encryption": "aws:kms", "sse_kms_key_id": KEY}),
        (
            ("aws:kms", "alias/assets", True),
            {"server_side_encryption": "aws:kms", "sse_kms_key_id": "alias/assets", "sse_bucket_key_enabled": True},
        ),
    ],
)
def test_the_arguments_for_obstore(given: tuple[str | None, str | None, bool], expected: dict[str, object]) -> None:
    algorithm, key, bucket_key = given
    assert encryption(algorithm, key, bucket_key=bucket_key) == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((None, KEY, False), "is for KMS alone: give --sse aws:kms"),
        ((None, None, True), "--sse-bucket-key is for KMS alone"),
        (("AES256", KEY, False), "is for KMS alone"),
        (("AES256", None, True), "is for KMS alone"),
        (("aws:kms", "my key", False), "'my key' is not a KMS key"),
    ],
)
def test_arguments_that_contradict_each_other_are_refused(
    given: tuple[str | None, str | None, bool], message: str
) -> None:
    """S3 or obstore would ignore a key without KMS, and nobody would notice."""
    algorithm, key, bucket_key = given
    with pytest.raises(UsageError, match=message):
        encryption(algorithm, key, bucket_key=bucket_key)


def explained(code: str, text: str) -> str:
    """The message for S3's answer to a PUT."""
    answer = GenericError(f"<Error><Code>{code}</Code><Message>{text}</Message></Error>")
    return str(explain_s3(Access("site", "eu-west-1"), "s3:PutObject", "assets/a.js", code_of(answer), str(answer)))


def test_a_missing_permission_on_the_key_is_named() -> None:
    """S3 says that the PUT is denied, although the build job may PUT."""
    text = f"User: x is not authorized to perform: kms:GenerateDataKey on resource: {KEY}"
    assert explained("AccessDenied", text) == (
        "access denied: allow the build job's role kms:GenerateDataKey on the KMS key (--sse-kms-key-id)"
    )


@pytest.mark.parametrize("code", ["KMS.NotFoundException", "KMS.DisabledException", "KMS.KMSInvalidStateException"])
def test_a_key_that_cannot_be_used_is_named(code: str) -> None:
    assert (
        explained(code, "no") == f"S3 cannot use the KMS key ({code}): check --sse-kms-key-id, its region and its state"
    )
