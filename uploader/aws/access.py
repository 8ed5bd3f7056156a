"""A bucket, and the credentials for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from uploader.printable import without_passwords

if TYPE_CHECKING:
    from uploader.aws.boto3_chain import Session


class Keys(NamedTuple):
    """Credentials that do not change while the process runs."""

    access_key_id: str
    secret_access_key: str
    token: str | None = None

    def __repr__(self) -> str:
        """Leave out the secrets."""
        return f"Keys({self.access_key_id!r})"


class Access(NamedTuple):
    """A bucket, and the credentials for it.

    Attributes:
        bucket: The bucket's name.
        region: The bucket's region.
        endpoint: Another S3 server than AWS; None for AWS.
        profile: The AWS profile that was named.
        keys: The credentials, if they are in the environment; None: `uploader.aws.boto3_chain` finds them.
        who: Who needs the permission, in error messages.
        session: boto3's session, if the configuration was read, so that an MFA code is asked for once.
    """

    bucket: str
    region: str
    endpoint: str | None = None
    profile: str | None = None
    keys: Keys | None = None
    who: str = "the build job's role"
    session: Session | None = None


def first_line(error: object) -> str:
    """The first line of a library's error text, at most 300 characters, without a URL's password.

    A line that ends with a colon goes on: botocore's errors about parameters.
    """
    first, _, rest = str(error).strip().partition("\n")
    line = f"{first} {rest.partition(chr(10))[0]}" if first.endswith(":") else first
    return without_passwords(line)[:300]
