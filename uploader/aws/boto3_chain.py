"""boto3's chain of credentials and regions: for what the environment variables do not say, and for boto3's own clients.

Importing boto3 takes a quarter of a second, half of a small upload. So this module is only loaded when it is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from uploader.errors import UsageError

if TYPE_CHECKING:
    from uploader.aws.access import Access


def open_session(access: Access) -> boto3.Session:
    """A session with the same credentials and region."""
    if access.keys is None:
        return boto3.Session(profile_name=access.profile, region_name=access.region)
    return boto3.Session(
        aws_access_key_id=access.keys.access_key_id,
        aws_secret_access_key=access.keys.secret_access_key,
        aws_session_token=access.keys.token,
        region_name=access.region,
    )


def find_region(region: str | None, profile: str | None, *, credentials_needed: bool) -> str | None:
    """The region that boto3 finds; None if it finds none.

    Args:
        region: A region that was named.
        profile: The AWS profile that was named.
        credentials_needed: Check that boto3 finds credentials too.

    Raises:
        UsageError: There is no such profile, or boto3 finds no credentials, or AWS refuses to issue them.
    """
    try:
        session = boto3.Session(profile_name=profile, region_name=region)
        credentials = session.get_credentials() if credentials_needed else None
        if credentials is not None:
            credentials.get_frozen_credentials()
    except (BotoCoreError, OSError) as error:  # OSError: a token's file (AWS_WEB_IDENTITY_TOKEN_FILE) is not readable
        msg = f"credentials: {error}"
        raise UsageError(msg) from error
    except ClientError as error:
        msg = f"credentials: {error}; see that the role trusts this job: its repository, its branch or environment"
        raise UsageError(msg) from error
    if credentials_needed and credentials is None:
        msg = (
            "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, give the job a role, "
            "or name a --profile"
        )
        raise UsageError(msg)
    return session.region_name
