"""Credentials that boto3 finds and renews, for obstore. Loaded only where the environment has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from obstore.auth.boto3 import Boto3CredentialProvider

from uploader.aws.boto3_chain import open_session

if TYPE_CHECKING:
    from uploader.aws.access import Access

ERRORS: tuple[type[Exception], ...] = (BotoCoreError, ClientError)
"""What may be raised when credentials are renewed."""


def credential_provider(access: Access) -> Boto3CredentialProvider:
    """What obstore asks for credentials, again and again."""
    return Boto3CredentialProvider(open_session(access))
