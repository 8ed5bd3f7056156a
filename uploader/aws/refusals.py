"""What a refusal by AWS means and what to do about it: one table for each service.

A row fits an answer by the service's error code, by the text of the library that made the request, and by the action.
The first row that fits is used. The last row of each table fits every answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from uploader.aws.access import first_line
from uploader.aws.bucket_names import remedy_for_missing
from uploader.errors import RequestError, RequestUsageError
from uploader.printable import without_passwords

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from uploader.aws.access import Access

CREDENTIALS = (
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
    "UnrecognizedClientException",
)
"""The codes by which S3, Lambda and CloudFront refuse the credentials themselves."""

CLOCK = ("RequestTimeTooSkewed", "RequestExpired")
"""The codes by which S3 says that this machine's clock is wrong."""

DENIED = ("AccessDenied", "AccessDeniedException", "AllAccessDisabled")
"""The codes by which S3, Lambda and CloudFront say that a permission is missing."""

NO_CODE = ""
"""The code of a failure that no answer of the service explains."""

_OTHER_REGION = (
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
    "PermanentRedirect",
    "TemporaryRedirect",
)
NO_LOCATION = "redirect without LOCATION"
"""obstore's text for S3's 301, which names the region in a header that obstore does not show."""

_PASSING = (
    "InternalError|SlowDown|ServiceUnavailable|RequestTimeout|ServerBusy|Throttling\\w*|Busy|50[0-9]|429|"
    "PreconditionFailed|BadDigest|IncompleteBody|NoSuchUpload|InvalidPart"
)
"""The codes of what may go well another time."""

_DENIED, _CREDENTIALS = "|".join(DENIED), "|".join(CREDENTIALS)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row.

    Attributes:
        cause: What happened: a format string of the fields that `explain` is given.
        remedy: What to do: another one; empty if the cause says it.
        code: A regular expression that the service's whole error code has to match.
        text: A regular expression that the library's text has to contain. Its named groups are further fields.
        action: The action, as IAM calls it; empty: any action.
        usage: Whether the command was wrong, so that it exits as for wrong usage.
    """

    cause: str
    remedy: str
    code: str = ".*"
    text: str = ""
    action: str = ""
    usage: bool = False

    def match(self, code: str, text: str, action: str) -> re.Match[str] | None:
        """How the row's text matches an answer; None if the row does not fit it."""
        if self.action in {"", action} and re.fullmatch(self.code, code):
            return re.search(self.text, text)
        return None


_RENEW = "renew them, or name another --profile"
_MISSING_ACTION = "allow {who} {action} on {target}"
_MISSING_READ = "allow {who} {action} on {target}, and s3:ListBucket on the bucket"
"""S3 also denies a GET of a key that does not exist, unless the caller may list."""
_403 = r"\b403 Forbidden"
_OTHER_TIME = "Signature expired|Signature not yet current|RequestExpired"
"""The texts by which services other than S3 say that a request was signed at another time than theirs."""
_SKEWED = ("AWS refuses the time of this machine's clock ({code})", "set the clock, by NTP for example, then run again")

_BY_POLICY = (
    Refusal(
        "access denied",
        "{policy} denies {action} on {target} explicitly: change it, or ask its owner",
        code=_DENIED,
        text=r"with an explicit deny in (?P<policy>an? [\w -]*?(?:policy|boundary))",
    ),
    Refusal(
        "access denied",
        "the {policy} has to allow {action} on {target} too: change it, or ask its owner",
        code=_DENIED,
        text=r"because no (?P<policy>(?!identity-|resource-)[\w -]*?(?:policy|boundary)) allows",
    ),
)
"""Where no permission of the role is missing:
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html"""

S3 = (
    Refusal(
        "bucket {bucket!r} does not exist",
        "{missing_bucket}",
        code="NoSuchBucket|InvalidBucketName",
    ),
    Refusal(*_SKEWED, code="|".join(CLOCK)),
    Refusal("AWS does not accept these credentials ({code})", _RENEW, code=_CREDENTIALS),
    Refusal(
        "no credentials any more: {why}",
        _RENEW,
        code=NO_CODE,
        text=r"External AWS credential provider: \w+: (?P<why>.*)",
    ),
    Refusal(
        "no credentials any more: {why}",
        _RENEW,
        code=NO_CODE,
        text=r"(?P<why>(?:Error when retrieving credentials|Credentials were refreshed, but) .*?)\.?$",
    ),
    Refusal(
        "access denied",
        "allow {who} {kms} on the KMS key (--sse-kms-key-id)",
        text=r"not authorized to perform: (?P<kms>kms:\w+)",
    ),
    Refusal(
        "S3 cannot use the KMS key ({code})",
        "check --sse-kms-key-id, its region and its state",
        code=r"KMS\..*",
    ),
    *_BY_POLICY,
    Refusal(
        "{target} is archived ({code})",
        "restore it from its archive, or store it again in another storage class",
        code="InvalidObjectState",
    ),
    Refusal("access denied", _MISSING_READ, code=_DENIED, action="s3:GetObject"),
    Refusal("access denied", _MISSING_ACTION, code=_DENIED),
    Refusal("access denied", _MISSING_READ, code=NO_CODE, text=_403, action="s3:GetObject"),
    Refusal("access denied", _MISSING_ACTION, code=NO_CODE, text=_403),
    Refusal("bucket {bucket!r} is not in region {region}", "{name_region}", code="|".join(_OTHER_REGION)),
    Refusal("bucket {bucket!r} is not in region {region}", "{name_region}", code=NO_CODE, text=NO_LOCATION),
    Refusal(
        "too many open files",
        "raise the limit (ulimit -n), or lower --concurrency",
        code=NO_CODE,
        text=r"Too many open files|os error 24\b",
    ),
    Refusal(
        "cannot reach {server}",
        "check the network and --endpoint-url, then run again",
        code=NO_CODE,
        text=r"error sending request|[Cc]onnect|dns error",
    ),
    Refusal(
        "the bucket holds a key under {key!r} that no URL can name ({line})",
        "delete it",
        text=r"contained invalid|invalid path",
    ),
    Refusal(
        "{target} was not written: another request to it is under way, S3 says each time ({code})",
        "run again",
        code="ConditionalRequestConflict|OperationAborted",
    ),
    Refusal("{action} on {target} failed ({line})", "run again", code=NO_CODE),
    Refusal("{action} on {target} failed ({code})", "run again", code=_PASSING),
    Refusal(
        "this server cannot do what {action} on {target} asks for ({code})",
        "use S3, or a server with S3's conditional writes, checksums and tags",
        code="NotImplemented|MethodNotAllowed",
    ),
    Refusal(
        "S3 refuses {action} on {target} ({code}: {said})",
        "change what that names, as S3 would refuse it again",
        text=r"<Message>(?P<said>[^<]+)</Message>",
    ),
    Refusal("S3 refuses {action} on {target} ({code})", "look the code up, as S3 would refuse it again"),
)
"""https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html; the texts are obstore's and botocore's."""

BUSY = "TooManyRequestsException"
NAME_FUNCTION = "name the stack's output CleanerFunctionName, which `cdk deploy` prints, with --function"

LAMBDA = (
    Refusal(*_SKEWED, code="InvalidSignatureException", text=_OTHER_TIME),
    Refusal(
        "{target} is still busy after {waited} seconds",
        "a run can last {minutes} minutes; try again later (and see that its reserved concurrency is not 0, and that "
        "the account has concurrent executions left)",
        code=BUSY,
    ),
    Refusal(
        "there is no {target} here",
        f"{NAME_FUNCTION}, and its region with --region",
        code="ResourceNotFoundException",
    ),
    *_BY_POLICY,
    Refusal("access denied", _MISSING_ACTION, code=_DENIED),
    Refusal("AWS does not accept these credentials ({code})", _RENEW, code=_CREDENTIALS),
    Refusal(
        "{target} cannot be invoked ({line})",
        NAME_FUNCTION,
        code="InvalidParameterValueException|ValidationException",
        usage=True,
    ),
    Refusal("invoking {target} failed ({code}: {line})", "{unknown_outcome}"),
)
"""https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors"""

CLEANER = (
    Refusal(
        "the cleaner refuses: {line}; nothing was done",
        "check --bucket, --prefix and --function",
        code="RequestError",
        usage=True,
    ),
    Refusal("the cleaner gave up: {line}", "", code="CleanerError"),
    Refusal("Lambda ended the run at its time limit ({line})", "{again}", text="timed out"),
    Refusal("the cleaner failed ({line})", "its log says more; {again}", code=NO_CODE),
    Refusal("the cleaner failed ({code}: {line})", "its log says more; {again}"),
)
"""By the type of the error that ended the cleaner's function; the first two have a remedy in their own message."""

CLOUDFRONT = (
    Refusal(*_SKEWED, text=_OTHER_TIME),
    *_BY_POLICY,
    Refusal("access denied", _MISSING_ACTION, code=_DENIED),
    Refusal("AWS does not accept these credentials ({code})", _RENEW, code=_CREDENTIALS),
    Refusal("this account has no distribution {distribution!r}", "check --invalidate", code="NoSuchDistribution"),
    Refusal("it is busy with earlier ones", "wait some minutes", code="TooManyInvalidationsInProgress"),
    Refusal("{action} at {distribution} failed: {code}", ""),
)
"""https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateInvalidation.html#API_CreateInvalidation_Errors"""


def explain(
    table: Sequence[Refusal], *, code: str, text: str, action: str, target: str, **fields: object
) -> RequestError:
    """The error for a request that failed.

    Args:
        table: One of the tables above.
        code: The service's error code; empty if no answer came.
        text: The library's text, or the service's message.
        action: The action, as IAM calls it: ``s3:PutObject``.
        target: What it was asked of, for people.
        fields: What else the rows of this table name.
    """
    text = without_passwords(text)
    row, found = next((row, found) for row in table if (found := row.match(code, text, action)))
    named = {**fields, **found.groupdict(), "code": code, "line": first_line(text), "action": action, "target": target}
    kind = RequestUsageError if row.usage else RequestError
    cause, remedy = row.cause.format_map(named), row.remedy.format_map(named)
    return kind(action=action, target=target, code=code, cause=cause, remedy=remedy)


def explain_s3(
    access: Access,
    action: str,
    key: str,
    code: str,
    text: str,
    *,
    region_of: Callable[[Access], str | None] | None = None,
) -> RequestError:
    """The error for a request to S3 that failed.

    Args:
        access: The bucket, and the credentials.
        action: The action, as IAM calls it: ``s3:PutObject``.
        key: The key, or prefix, that it was asked for.
        code: S3's error code; empty if no answer came.
        text: The library's text.
        region_of: Finds the bucket's region, should it be another one; None: ask S3.
    """
    region_of = region_of or _ask_region
    home = region_of(access) if _may_be_elsewhere(code, text) else None
    if home == access.region:
        home = None
    return explain(
        S3,
        code="PermanentRedirect" if home else code,
        text=text,
        action=action,
        target=f"s3://{access.bucket}/{key}",
        key=key,
        bucket=access.bucket,
        region=access.region,
        name_region=f"name its region: --region {home}" if home else "name its region with --region",
        missing_bucket=remedy_for_missing(access.bucket),
        server=access.endpoint or f"S3 in {access.region}",
        who=access.who,
    )


def _may_be_elsewhere(code: str, text: str) -> bool:
    """Whether S3's answer may mean that the bucket is in another region. The answer to a HEAD has no code."""
    if code == NO_CODE:
        return re.search(rf"{NO_LOCATION}|\b(30[178]|400) [A-Z]", text) is not None
    return code in _OTHER_REGION


def _ask_region(access: Access) -> str | None:
    from uploader.aws.bucket_region import region_of  # noqa: PLC0415 (boto3 takes a quarter of a second)

    return region_of(access)
