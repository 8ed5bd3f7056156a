"""boto3's chain of credentials and regions: for what the environment variables do not say, and for boto3's own clients.

Importing boto3 takes a quarter of a second, half of a small upload. So this module is only loaded when it is needed.
"""

from __future__ import annotations

import os
import warnings
from getpass import GetPassWarning
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from botocore.session import Session as BotocoreSession

from release_log.redirects import end_redirects
from uploader.aws.access import Keys, first_line
from uploader.aws.values import check_credential, check_endpoint, check_region, checked
from uploader.errors import UploaderError, UsageError

if TYPE_CHECKING:
    from botocore.credentials import Credentials, ReadOnlyCredentials

    from uploader.aws.access import Access

NO_ANSWER: tuple[type[Exception], ...] = (BotoCoreError, ResponseParserError, RuntimeError)
"""What boto3 raises when no answer came, or one that is not the service's; or if the credentials that it renewed have
ended already (`RuntimeError`)."""

_ODD_FORM = (AttributeError, LookupError, TypeError)
"""What botocore raises at an answer, or a section, of another form: a list, a number, a key that is missing."""


_ISSUERS = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_SSO", "AWS_ENDPOINT_URL_SSO_OIDC")
"""The variables for the endpoints that botocore asks for credentials."""

_ONE_AT_A_TIME = Lock()


class Session(boto3.Session):
    """Makes clients from several threads, which boto3 must not: https://boto3.amazonaws.com/v1/documentation/api/latest/guide/session.html.

    There must be one for each of botocore's: a second one would add boto3's methods to a client that has them.
    """

    def client(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 (boto3's)
        """See `boto3.Session.client`.

        Raises:
            UploaderError: The environment or the profile has a setting that no client can have.
        """
        variable = f"AWS_ENDPOINT_URL_{arguments[0].upper()}"
        if os.environ.get(variable):
            checked(variable, os.environ[variable], check_endpoint)
        try:
            with _ONE_AT_A_TIME:
                made = super().client(*arguments, **options)
        except (BotoCoreError, ValueError) as error:
            msg = f"a setting for AWS, of the environment or the profile, cannot be used: {first_line(error)}"
            raise UploaderError(msg) from error
        return end_redirects(made)

    def setting(self, name: str) -> Any:  # noqa: ANN401 (of any type)
        """A setting, by botocore's name, of the environment or the profile."""
        return self._session.get_config_variable(name)


def open_session(access: Access) -> Session:
    """A session with the same credentials; name the region to its clients.

    Whatever it takes to get the credentials, such as an MFA code, was done when the access was found.
    """
    if access.keys is None:
        if access.session is not None:
            return access.session
        return Session(profile_name=access.profile, region_name=access.region)
    return Session(
        aws_access_key_id=access.keys.access_key_id,
        aws_secret_access_key=access.keys.secret_access_key,
        aws_session_token=access.keys.token,
        region_name=access.region,
    )


class Configured(NamedTuple):
    """What the AWS configuration says of a profile.

    Attributes:
        region: The region; None if it names none.
        endpoint: The URL of the S3 server; None for AWS.
        session: The session that read it, which has the credentials.
    """

    region: str | None
    endpoint: str | None
    session: Session


def read_configuration(region: str | None, profile: str | None, *, credentials_needed: bool) -> Configured:
    """What boto3 finds in its configuration.

    Args:
        region: A region that was named.
        profile: The AWS profile that was named.
        credentials_needed: Check that boto3 finds credentials too.

    Raises:
        UsageError: There is no such profile, or boto3 finds no credentials, or AWS refuses to issue them.
    """
    if credentials_needed and os.environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() != "true":
        for variable in filter(os.environ.get, _ISSUERS):
            checked(variable, os.environ[variable], check_endpoint)
    try:
        core = BotocoreSession(profile=profile)
        endpoint = _endpoint(core)
        session = Session(botocore_session=core, region_name=region)
        if credentials_needed:
            with warnings.catch_warnings():
                warnings.simplefilter("error", GetPassWarning)  # else it asks, in three lines, who is not there
                credentials = _found(session)
                check_credentials(credentials.get_frozen_credentials(), credentials.method)
    except (EOFError, GetPassWarning) as error:
        msg = "credentials: they need an MFA code, and no terminal can ask for it: name a --profile without mfa_serial"
        raise UsageError(msg) from error
    except _ODD_FORM as error:
        msg = (
            "credentials: the AWS profile, or what it asks for them, says them in a form that is not AWS's "
            f"({type(error).__name__}: {first_line(error)}): see what its credential_process, or its container, answers"
        )
        raise UsageError(msg) from error
    except (BotoCoreError, ResponseParserError, OSError, RuntimeError, ValueError) as error:
        # OSError: a token's file (AWS_WEB_IDENTITY_TOKEN_FILE) is not readable. RuntimeError: they are expired already.
        # ValueError: a setting such as AWS_METADATA_SERVICE_TIMEOUT is not a number.
        msg = f"credentials: {first_line(error)}"
        raise UsageError(msg) from error
    except ClientError as error:
        trust = "see that the role trusts this job: its repository, its branch or environment"
        msg = f"credentials: {first_line(error)}; {trust}"
        raise UsageError(msg) from error
    found: str | None = session.region_name
    whose = f"of the AWS profile {core.profile or 'default'!r}"
    if found is not None:
        checked(f"the region {whose}", found, check_region)
    if endpoint is not None:
        checked(f"the endpoint_url {whose}", endpoint, check_endpoint)
    return Configured(found, endpoint, session)


def find_credentials(access: Access) -> Credentials:
    """The credentials that boto3 finds, and renews while they are used.

    Raises:
        UsageError: It finds none.
    """
    return _found(open_session(access))


def check_credentials(frozen: ReadOnlyCredentials, source: str) -> Keys:
    """What boto3 found, if it can be sent.

    Args:
        frozen: The credentials.
        source: Where they come from, as botocore calls it: ``shared-credentials-file``.

    Raises:
        UsageError: They cannot be sent.
    """
    keys = Keys(frozen.access_key or "", frozen.secret_key or "", frozen.token)
    named: dict[str, object] = {
        "aws_access_key_id": keys.access_key_id,
        "aws_secret_access_key": keys.secret_access_key,
    }
    if keys.token is not None:
        named["aws_session_token"] = keys.token
    for name, value in named.items():
        if not isinstance(value, str):  # a process or a container may answer anything
            msg = f"{name} (from {source}) is not a text: see what issues it"
            raise UsageError(msg)
        checked(f"{name} (from {source})", value, check_credential)
    return keys


def _endpoint(core: BotocoreSession) -> str | None:
    """The S3 server that a profile names: https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html."""
    profile = core.get_scoped_config()
    if core.get_config_variable("ignore_configured_endpoint_urls"):
        return None
    services = core.full_config.get("services", {}).get(profile.get("services"), {})
    of_s3 = services.get("s3")
    return (of_s3.get("endpoint_url") if isinstance(of_s3, dict) else None) or profile.get("endpoint_url")


def _found(session: boto3.Session) -> Credentials:
    credentials = session.get_credentials()
    if credentials is None:
        msg = (
            "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, give the job a role, "
            "or name a --profile"
        )
        raise UsageError(msg)
    return credentials
