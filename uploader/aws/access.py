"""Who we are and where the bucket is, as boto3's own chain finds it.

boto3 takes a quarter of a second to import, which is half of a small upload. So where its chain would end at its first
link, the environment, it is not asked.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from uploader.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import boto3


class Keys(NamedTuple):
    """Credentials that do not change while the process runs."""

    access_key_id: str
    secret_access_key: str
    token: str | None = None

    def __repr__(self) -> str:
        """Tell nobody."""
        return f"Keys({self.access_key_id!r})"


class Access(NamedTuple):
    """A bucket and the way to it.

    Attributes:
        bucket: Its name.
        region: Its region.
        endpoint: Another S3 server than AWS; None for AWS.
        profile: The AWS profile that was asked for.
        keys: The credentials, if they are in the environment; else `session` has them.
        who: Whose rights those are, for messages.
    """

    bucket: str
    region: str
    endpoint: str | None = None
    profile: str | None = None
    keys: Keys | None = None
    who: str = "the build job's role"

    @property
    def session(self) -> boto3.Session:
        """The same for boto3."""
        import boto3  # noqa: PLC0415 (see above)

        if self.keys is None:
            return boto3.Session(profile_name=self.profile, region_name=self.region)
        return boto3.Session(
            aws_access_key_id=self.keys.access_key_id,
            aws_secret_access_key=self.keys.secret_access_key,
            aws_session_token=self.keys.token,
            region_name=self.region,
        )


def find_access(bucket: str, *, region: str | None, profile: str | None, endpoint_url: str | None) -> Access:
    """Find credentials and region.

    Raises:
        UsageError: There are no credentials, or no region, or no such profile.
    """
    endpoint = endpoint_url or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if endpoint is not None and not re.match(r"https?://[^/]", endpoint):
        msg = f"endpoint {endpoint!r} is not a URL: begin it with https:// (or http:// for a local server)"
        raise UsageError(msg)
    keys = None if profile or os.environ.get("AWS_PROFILE") else _keys(os.environ)
    where = region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if keys is None or (where is None and endpoint is None):
        found = _ask_boto3(region, profile, needed=keys is None)
        where = where or found
    where = where or ("us-east-1" if endpoint else None)
    if where is None:
        msg = "no AWS region: name the bucket's with --region or AWS_REGION"
        raise UsageError(msg)
    return Access(bucket, where, endpoint, profile, keys)


def _keys(environ: Mapping[str, str]) -> Keys | None:
    """The credentials in the environment; boto3's chain begins with them too, unless a profile is named."""
    key_id, secret = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    if not key_id or not secret:
        return None
    return Keys(key_id, secret, environ.get("AWS_SESSION_TOKEN") or environ.get("AWS_SECURITY_TOKEN"))


def _ask_boto3(region: str | None, profile: str | None, *, needed: bool) -> str | None:
    """The region that boto3 finds, having seen that it finds credentials, where they are needed."""
    import boto3  # noqa: PLC0415 (see above)
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    try:
        session = boto3.Session(profile_name=profile, region_name=region)
        credentials = session.get_credentials() if needed else None
        if credentials is not None:
            credentials.get_frozen_credentials()
    except (BotoCoreError, OSError) as error:  # The second is of a token's file (AWS_WEB_IDENTITY_TOKEN_FILE).
        msg = f"credentials: {error}"
        raise UsageError(msg) from error
    except ClientError as error:
        msg = f"credentials: {error}; see that the role trusts this job: its repository, its branch or environment"
        raise UsageError(msg) from error
    if needed and credentials is None:
        msg = (
            "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, give the job a role, "
            "or name a --profile"
        )
        raise UsageError(msg)
    return session.region_name


def first_line(error: object) -> str:
    """The first line of what a library said, not too long."""
    return str(error).strip().partition("\n")[0][:300]
