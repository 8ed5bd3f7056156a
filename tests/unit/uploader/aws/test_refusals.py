"""Every row of the tables of refusals has an example here, and each example its whole message."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from uploader.aws import refusals
from uploader.aws.access import Access
from uploader.aws.refusals import CLEANER, CLOUDFRONT, CREDENTIALS, LAMBDA, S3, Refusal, explain, explain_s3
from uploader.errors import EXIT_FAILED, EXIT_USAGE, UsageError

if TYPE_CHECKING:
    from uploader.errors import RequestError

ACCESS = Access("site", "eu-west-1")
KEY = "assets/a.js"
FIELDS = {
    "who": "the operator's role",
    "waited": 59,
    "minutes": 15,
    "unknown_outcome": "see what is left",
    "again": "run again",
    "distribution": "E2EXAMPLE",
}


class Example(NamedTuple):
    """A service's answer, and the whole message for it."""

    table: tuple[Refusal, ...]
    code: str
    text: str
    message: str
    action: str = ""

    @property
    def error(self) -> RequestError:
        """The error that the table makes of the answer."""
        if self.table is S3:
            return explain_s3(
                ACCESS, self.action or "s3:PutObject", KEY, self.code, self.text, region_of=lambda _: None
            )
        action, target = TARGETS[self.table]
        return explain(self.table, code=self.code, text=self.text, action=action, target=target, **FIELDS)

    @property
    def row(self) -> Refusal:
        """The row that fits the answer."""
        action = self.error.action
        return next(row for row in self.table if row.match(self.code, self.text, action))


TARGETS = {
    LAMBDA: ("lambda:InvokeFunction", "function 'cleaner'"),
    CLEANER: ("lambda:InvokeFunction", "function 'cleaner'"),
    CLOUDFRONT: ("cloudfront:CreateInvalidation", "arn:aws:cloudfront::*:distribution/E2EXAMPLE"),
}
FORBIDDEN = "Error performing HEAD https://site.s3.eu-west-1.amazonaws.com/assets/a.js in 9ms - 403 Forbidden: no body"
RENEWAL = (
    "The operation lacked valid authentication credentials for path External AWS credential provider: "
    "CredentialRetrievalError: Error when retrieving credentials from custom-process: exit 3\n\nDebug source:"
)
UNREACHED = "Error performing PUT https://site.s3.eu-west-1.amazonaws.com/a.js - HTTP error: error sending request"
REDIRECT = (
    "Generic S3 error: Error performing GET https://site.s3.eu-west-1.amazonaws.com?list-type=2 in 9ms - Received "
    "redirect without LOCATION, this normally indicates an incorrectly configured region"
)
NO_FILES = f"{UNREACHED} for url (x): tcp open error: Too many open files (os error 24)"
SKEWED = "AWS refuses the time of this machine's clock ({}): set the clock, by NTP for example, then run again"
INVALID = "Encountered object with invalid path: Error parsing Path 'a//b': Path contained empty path segment"
NO_KMS = "User: x is not authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:eu-west-1:1:key/2"
NAME_IT = "name the stack's output CleanerFunctionName, which `cdk deploy` prints, with --function"

EXAMPLES = (
    Example(
        S3,
        "NoSuchBucket",
        "",
        "bucket 'site' does not exist: check --bucket, or create it with `cdk deploy`",
    ),
    *(
        Example(S3, code, "", f"AWS does not accept these credentials ({code}): renew them, or name another --profile")
        for code in CREDENTIALS
    ),
    Example(
        S3,
        "",
        RENEWAL,
        "no credentials any more: Error when retrieving credentials from custom-process: exit 3: "
        "renew them, or name another --profile",
    ),
    Example(
        S3,
        "",
        "Credentials were refreshed, but the refreshed credentials are still expired.",
        "no credentials any more: Credentials were refreshed, but the refreshed credentials are still expired: "
        "renew them, or name another --profile",
    ),
    Example(
        S3,
        "AccessDenied",
        NO_KMS,
        "access denied: allow the build job's role kms:GenerateDataKey on the KMS key (--sse-kms-key-id)",
    ),
    Example(
        S3,
        "KMS.DisabledException",
        "",
        "S3 cannot use the KMS key (KMS.DisabledException): check --sse-kms-key-id, its region and its state",
    ),
    Example(
        S3,
        "AccessDenied",
        "",
        "access denied: allow the build job's role s3:GetObject on s3://site/assets/a.js, "
        "and s3:ListBucket on the bucket",
        action="s3:GetObject",
    ),
    Example(S3, "AccessDenied", "", "access denied: allow the build job's role s3:PutObject on s3://site/assets/a.js"),
    Example(
        S3, "AllAccessDisabled", "", "access denied: allow the build job's role s3:PutObject on s3://site/assets/a.js"
    ),
    Example(
        S3,
        "",
        FORBIDDEN,
        "access denied: allow the build job's role s3:GetObject on s3://site/assets/a.js, "
        "and s3:ListBucket on the bucket",
        action="s3:GetObject",
    ),
    Example(S3, "", FORBIDDEN, "access denied: allow the build job's role s3:PutObject on s3://site/assets/a.js"),
    Example(
        S3,
        "ConditionalRequestConflict",
        "",
        "s3://site/assets/a.js was not written: another request to it is under way, S3 says each time "
        "(ConditionalRequestConflict): run again",
    ),
    *(
        Example(S3, code, "", "bucket 'site' is not in region eu-west-1: name its region with --region")
        for code in ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException")
    ),
    Example(S3, "", REDIRECT, "bucket 'site' is not in region eu-west-1: name its region with --region"),
    *(Example(S3, code, "403 Forbidden", SKEWED.format(code)) for code in ("RequestTimeTooSkewed", "RequestExpired")),
    Example(LAMBDA, "InvalidSignatureException", "Signature expired", SKEWED.format("InvalidSignatureException")),
    Example(CLOUDFRONT, "SignatureDoesNotMatch", "Signature expired", SKEWED.format("SignatureDoesNotMatch")),
    Example(S3, "", NO_FILES, "too many open files: raise the limit (ulimit -n), or lower --concurrency"),
    *(
        Example(S3, "", text, "cannot reach S3 in eu-west-1: check the network and --endpoint-url, then run again")
        for text in (
            UNREACHED,
            'Could not connect to the endpoint URL: "http://x/"',
            "client error (Connect)",
            "dns error",
        )
    ),
    *(
        Example(S3, "", text, f"the bucket holds a key under 'assets/a.js' that no URL can name ({text}): delete it")
        for text in (INVALID, "Path segment contained invalid UTF-8")
    ),
    Example(
        S3, "", "operation timed out", "s3:PutObject on s3://site/assets/a.js failed (operation timed out): run again"
    ),
    Example(
        S3,
        "NotImplemented",
        "?",
        "this server cannot do what s3:PutObject on s3://site/assets/a.js asks for (NotImplemented): use S3, or a "
        "server with S3's conditional writes, checksums and tags",
    ),
    Example(
        S3,
        "InvalidStorageClass",
        "x <Error><Code>InvalidStorageClass</Code><Message>The storage class is not valid</Message></Error>",
        "S3 refuses s3:PutObject on s3://site/assets/a.js (InvalidStorageClass: The storage class is not valid): "
        "change what that names, as S3 would refuse it again",
    ),
    Example(
        S3,
        "AccountProblem",
        "?",
        "S3 refuses s3:PutObject on s3://site/assets/a.js (AccountProblem): look the code up, as S3 would refuse "
        "it again",
    ),
    Example(S3, "SlowDown", "?", "s3:PutObject on s3://site/assets/a.js failed (SlowDown): run again"),
    Example(
        S3,
        "AccessDenied",
        "User: x is not authorized to perform: s3:PutObject with an explicit deny in a resource-based policy",
        "access denied: a resource-based policy denies s3:PutObject on s3://site/assets/a.js explicitly: change it, or "
        "ask its owner",
    ),
    Example(
        S3,
        "AccessDenied",
        "User: x is not authorized to perform: s3:PutObject on resource: y because no VPC endpoint policy allows it",
        "access denied: the VPC endpoint policy has to allow s3:PutObject on s3://site/assets/a.js too: change it, or "
        "ask its owner",
    ),
    Example(
        S3,
        "AccessDenied",
        "User: x is not authorized to perform: s3:PutObject on resource: y because no identity-based policy allows it",
        "access denied: allow the build job's role s3:PutObject on s3://site/assets/a.js",
    ),
    Example(
        S3,
        "InvalidObjectState",
        "",
        "s3://site/assets/a.js is archived (InvalidObjectState): restore it from its archive, or store it again in "
        "another storage class",
    ),
    Example(
        LAMBDA,
        "AccessDeniedException",
        "User: x is not authorized to perform: lambda:InvokeFunction with an explicit deny in a service control policy",
        "access denied: a service control policy denies lambda:InvokeFunction on function 'cleaner' explicitly: change "
        "it, or ask its owner",
    ),
    Example(
        LAMBDA,
        "AccessDeniedException",
        "User: x is not authorized to perform: lambda:InvokeFunction because no permissions boundary allows it",
        "access denied: the permissions boundary has to allow lambda:InvokeFunction on function 'cleaner' too: change "
        "it, or ask its owner",
    ),
    Example(
        LAMBDA,
        "TooManyRequestsException",
        "",
        "function 'cleaner' is still busy after 59 seconds: a run can last 15 minutes; try again later (and see that "
        "its reserved concurrency is not 0, and that the account has concurrent executions left)",
    ),
    Example(
        LAMBDA,
        "ResourceNotFoundException",
        "",
        f"there is no function 'cleaner' here: {NAME_IT}, and its region with --region",
    ),
    Example(
        LAMBDA,
        "AccessDeniedException",
        "",
        "access denied: allow the operator's role lambda:InvokeFunction on function 'cleaner'",
    ),
    Example(
        LAMBDA,
        "ExpiredTokenException",
        "",
        "AWS does not accept these credentials (ExpiredTokenException): renew them, or name another --profile",
    ),
    *(
        Example(LAMBDA, code, "bad name", f"function 'cleaner' cannot be invoked (bad name): {NAME_IT}")
        for code in ("ValidationException", "InvalidParameterValueException")
    ),
    Example(
        LAMBDA,
        "ServiceException",
        "oops",
        "invoking function 'cleaner' failed (ServiceException: oops): see what is left",
    ),
    Example(
        CLEANER,
        "RequestError",
        "no such site",
        "the cleaner refuses: no such site; nothing was done: check --bucket, --prefix and --function",
    ),
    Example(CLEANER, "CleanerError", "invoke again", "the cleaner gave up: invoke again"),
    Example(
        CLEANER,
        "Sandbox.Timedout",
        "Task timed out after 900 s",
        "Lambda ended the run at its time limit (Task timed out after 900 s): run again",
    ),
    Example(CLEANER, "", "no message", "the cleaner failed (no message): its log says more; run again"),
    Example(CLEANER, "ClientError", "a\nb", "the cleaner failed (ClientError: a): its log says more; run again"),
    Example(
        CLOUDFRONT,
        "AccessDenied",
        "",
        "access denied: allow the operator's role cloudfront:CreateInvalidation on "
        "arn:aws:cloudfront::*:distribution/E2EXAMPLE",
    ),
    Example(
        CLOUDFRONT,
        "AccessDenied",
        "User: x is not authorized to perform: cloudfront:CreateInvalidation with an explicit deny in a permissions "
        "boundary",
        "access denied: a permissions boundary denies cloudfront:CreateInvalidation on "
        "arn:aws:cloudfront::*:distribution/E2EXAMPLE explicitly: change it, or ask its owner",
    ),
    Example(
        CLOUDFRONT,
        "AccessDenied",
        "User: x is not authorized to perform: cloudfront:CreateInvalidation because no service control policy allows",
        "access denied: the service control policy has to allow cloudfront:CreateInvalidation on "
        "arn:aws:cloudfront::*:distribution/E2EXAMPLE too: change it, or ask its owner",
    ),
    *(
        Example(
            CLOUDFRONT,
            code,
            "The security token included in the request is wrong",
            f"AWS does not accept these credentials ({code}): renew them, or name another --profile",
        )
        for code in ("ExpiredToken", "InvalidClientTokenId")
    ),
    Example(CLOUDFRONT, "NoSuchDistribution", "", "this account has no distribution 'E2EXAMPLE': check --invalidate"),
    Example(CLOUDFRONT, "TooManyInvalidationsInProgress", "", "it is busy with earlier ones: wait some minutes"),
    Example(CLOUDFRONT, "InvalidArgument", "", "cloudfront:CreateInvalidation at E2EXAMPLE failed: InvalidArgument"),
)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: f"{each.code or each.text} {each.action}")
def test_a_refusal_is_one_line_with_cause_and_remedy(example: Example) -> None:
    error = example.error
    assert str(error) == example.message
    assert (error.code, error.cause, error.remedy) == (example.code, *_parted(example.message, error.remedy))
    assert isinstance(error, UsageError) is example.row.usage
    assert error.exit_code == (EXIT_USAGE if example.row.usage else EXIT_FAILED)


def _parted(message: str, remedy: str) -> tuple[str, str]:
    return (message.removesuffix(f": {remedy}"), remedy) if remedy else (message, "")


def _is_table(value: object) -> bool:
    return isinstance(value, tuple) and bool(value) and isinstance(value[0], Refusal)


TABLES = sorted(name for name, value in vars(refusals).items() if _is_table(value) and not name.startswith("_"))


@pytest.mark.parametrize("name", TABLES)
def test_every_row_has_an_example(name: str) -> None:
    """A row that an earlier row hides can have no example, and fails too."""
    table: tuple[Refusal, ...] = getattr(refusals, name)
    shown = [each.row for each in EXAMPLES if each.table is table]
    assert [row for row in table if row not in shown] == []


@pytest.mark.parametrize("name", TABLES)
def test_the_last_row_fits_every_answer(name: str) -> None:
    assert getattr(refusals, name)[-1].match("NoSuchCode", "no such text", "no such action")


def test_a_code_that_a_table_names_is_whole() -> None:
    """It does not match a longer code that begins with it."""
    assert explain_s3(ACCESS, "s3:PutObject", KEY, "NoSuchBucketPolicy", "").cause.endswith("(NoSuchBucketPolicy)")


def test_another_server_is_named_by_its_url() -> None:
    access = ACCESS._replace(endpoint="http://127.0.0.1:9")
    assert explain_s3(access, "s3:PutObject", KEY, "", UNREACHED).cause == "cannot reach http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("code", "text"),
    [("PermanentRedirect", ""), ("AuthorizationHeaderMalformed", ""), ("", REDIRECT), ("", "400 Bad Request: x")],
)
def test_a_bucket_elsewhere_is_named_with_its_region(code: str, text: str) -> None:
    error = explain_s3(ACCESS, "s3:GetObject", KEY, code, text, region_of=lambda _: "us-east-2")
    assert str(error) == "bucket 'site' is not in region eu-west-1: name its region: --region us-east-2"


def test_a_bad_request_in_the_right_region_is_what_it_is() -> None:
    error = explain_s3(ACCESS, "s3:GetObject", KEY, "", "400 Bad Request", region_of=lambda _: "eu-west-1")
    assert "failed (400 Bad Request)" in str(error)


@pytest.mark.parametrize("code", ["NoSuchBucket", "InvalidBucketName"])
def test_a_name_that_no_new_bucket_can_have_is_not_to_be_created(code: str) -> None:
    error = explain_s3(ACCESS._replace(bucket="Bad_Bucket"), "s3:GetObject", KEY, code, "")
    assert str(error) == (
        "bucket 'Bad_Bucket' does not exist: check --bucket: names have 3 to 63 lower-case letters, digits, dots and "
        "hyphens"
    )
