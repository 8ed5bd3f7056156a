"""A proxy in front of the embedded S3 that answers as AWS answers a client that may list one prefix only.

It also refuses what AWS refuses and the embedded S3 does not: what S3's model does not know, a region that is not the
bucket's, a clock that is wrong, a write while another one of the same key is under way, a header that needs a right of
its own, and what the bucket's policy forbids: to overwrite the release log, for which the embedded S3 lacks the
condition key, to connect without TLS, and a copy whose condition on what it would replace does not hold.
And it does two things that no client can bring about by itself: it lets time pass, and it breaks an upload.
"""

from __future__ import annotations

import http.client
import re
import threading
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from urllib.parse import unquote, urlsplit

import boto3
from botocore.exceptions import ClientError

from examples.embedded_aws import REGION
from tests.s3_model import problem_of

if TYPE_CHECKING:
    import ssl
    from collections.abc import Collection, Iterator
    from email.message import Message
    from types import TracebackType

AHEAD = timedelta(hours=7)
"""How far S3's ``Date`` is ahead of the objects: a new object seems this old."""

BROKEN = "broken"
"""The second part of a file with this name cannot be uploaded."""

WRITE_ONCE = ("markers", "pins", "staged", "pending", "pages", "ledger")
"""The folders of the release log: nothing is overwritten there; see `write_once_statements`."""

_OVERWRITES = re.compile(rf"/\.releases/(?:{'|'.join(WRITE_ONCE)})/(?!.*[?&](?:tagging|partNumber))")

_SIGNED = re.compile(r"Credential=(?P<key_id>[^/]+)/\d{8}/(?P<region>[^/]+)/s3/")

ROOT = "test"
"""The access key that may do everything."""

NEEDED_FOR = {
    "X-Amz-Tagging": "s3:PutObjectTagging",
    "X-Amz-Acl": "s3:PutObjectAcl",
    "X-Amz-Object-Lock-Mode": "s3:PutObjectRetention",
    "X-Amz-Object-Lock-Legal-Hold": "s3:PutObjectLegalHold",
}
"""Header of a PUT or a POST -> the action that it needs besides; also ``If-Match`` needs one, in a DELETE too:
https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html,
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-delete-enforce.html"""

MAX_SKEW = timedelta(minutes=15)
"""https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html: ``RequestTimeTooSkewed``"""

NOT_FOUND, MOVED = 404, 301
REGION_HEADER = "x-amz-bucket-region"
"""In each answer to HeadBucket, and in those that send the client to another region."""


class Refusal(NamedTuple):
    """An answer that is an error.

    Attributes:
        status: The status.
        code: S3's code.
        message: S3's message.
        more: Further elements of the body.
    """

    status: int
    code: str
    message: str
    more: str = ""

    @property
    def body(self) -> bytes:
        """The body, which the answer to a HEAD does not have."""
        return f"<Error><Code>{self.code}</Code><Message>{self.message}</Message>{self.more}</Error>".encode()


DENIED = Refusal(403, "AccessDenied", "Access Denied")
CONFLICT = Refusal(409, "ConditionalRequestConflict", "Another request to this key is under way.")
NOT_MET = Refusal(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
NO_SUCH_KEY = Refusal(404, "NoSuchKey", "The specified key does not exist.")
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html, and for copies
https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html"""


class StrictS3:
    """Start it with ``with``.

    Attributes:
        url: Its endpoint.
        upstream: The S3 server's.
        region: The region of all buckets.
        ahead: How far its clock is ahead of the clients' clocks.
        tls_only: Whether the buckets' policies refuse who connects without TLS; it serves TLS if it has a context.
        conflicts: How many conditional writes met another one.
    """

    def __init__(self, upstream: str, tls: ssl.SSLContext | None = None) -> None:
        """Prepare the proxy."""
        self.upstream, self.region, self.ahead = urlsplit(upstream), REGION, timedelta()
        self.tls_only, self._tls = False, tls
        self.conflicts = 0
        self._writes: Counter[str] = Counter()
        self._lock = threading.Lock()
        create: Any = boto3.client
        self._iam, self._s3 = (
            create(name, endpoint_url=upstream, region_name=REGION, aws_access_key_id=ROOT, aws_secret_access_key=ROOT)
            for name in ("iam", "s3")
        )
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"strict": self}))
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        """Start the proxy."""
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the proxy."""
        self._server.shutdown()
        self._server.server_close()

    def refusal(self, method: str, path: str, headers: Message[str, str]) -> Refusal | None:
        """The answer to a request that AWS would refuse and the embedded S3 would not."""
        signed = _SIGNED.search(headers.get("Authorization", ""))
        unknown = problem_of(method, path, headers) if signed else None
        if signed and signed["region"] != self.region:
            return _elsewhere(path.split("/")[1], self.region)
        sent = headers.get("X-Amz-Date")
        now = datetime.now(UTC) + self.ahead
        if sent and abs(now - datetime.strptime(sent, "%Y%m%dT%H%M%S%z")) > MAX_SKEW:
            return _skewed(sent, now)
        # Of a multipart upload only the request that completes it creates an object.
        creates = method == "PUT" or (method == "POST" and "uploadId=" in path)
        overwrites = creates and _OVERWRITES.search(path) and "If-None-Match" not in headers
        if overwrites or (self.tls_only and not self._tls):
            return DENIED
        needed = {action for header, action in NEEDED_FOR.items() if method in {"PUT", "POST"} and header in headers}
        needed |= {"s3:GetObject"} if method in {"PUT", "DELETE"} and "If-Match" in headers else set()
        if signed and needed and not self._may(signed["key_id"], needed, path):
            return DENIED
        if unknown:
            return Refusal(400, "InvalidArgument", unknown)
        return self._met(path, headers) if method == "PUT" and "X-Amz-Copy-Source" in headers else None

    def _met(self, path: str, headers: Message[str, str]) -> Refusal | None:
        """The answer to a copy, if what it would replace is not as its condition says."""
        bucket, _, key = unquote(urlsplit(path).path.lstrip("/")).partition("/")
        wanted = headers.get("If-Match")
        if wanted is None and "If-None-Match" not in headers:
            return None
        try:
            etag = self._s3.head_object(Bucket=bucket, Key=key)["ETag"].strip('"')
        except ClientError:
            return None if wanted is None else NO_SUCH_KEY
        return None if wanted is not None and wanted.strip('"') == etag else NOT_MET

    @contextmanager
    def write(self, method: str, path: str, headers: Message[str, str]) -> Iterator[Refusal | None]:
        """Keep a write among those that are under way; the answer to a conditional one that meets another, or None."""
        if method not in {"PUT", "DELETE"}:
            yield None
            return
        conditional = "If-Match" in headers or "If-None-Match" in headers
        with self._lock:
            met = conditional and self._writes[path] > 0
            self._writes[path] += 1
            self.conflicts += met
        try:
            yield CONFLICT if met else None
        finally:
            with self._lock:
                self._writes[path] -= 1

    def under_way(self, path: str) -> bool:
        """Whether an object is being written."""
        return self._writes[path] > 0

    def _may(self, key_id: str, needed: Collection[str], path: str) -> bool:
        """Whether the user who has this access key may do all that is needed with the object."""
        if key_id == ROOT:
            return True
        user = self._iam.get_access_key_last_used(AccessKeyId=key_id)["UserName"]
        answer = self._iam.simulate_principal_policy(
            PolicySourceArn=self._iam.get_user(UserName=user)["User"]["Arn"],
            ActionNames=sorted(needed),
            ResourceArns=[f"arn:aws:s3:::{unquote(urlsplit(path).path.lstrip('/'))}"],
        )
        return all(each["EvalDecision"] == "allowed" for each in answer["EvaluationResults"])


def _elsewhere(bucket: str, region: str) -> Refusal:
    """No ``Location``: https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html."""
    return Refusal(
        MOVED,
        "PermanentRedirect",
        "The bucket you are attempting to access must be addressed using the specified endpoint.",
        f"<Endpoint>{bucket}.s3.{region}.amazonaws.com</Endpoint><Bucket>{bucket}</Bucket>",
    )


def _skewed(sent: str, now: datetime) -> Refusal:
    return Refusal(
        403,
        "RequestTimeTooSkewed",
        "The difference between the request time and the current time is too large.",
        f"<RequestTime>{sent}</RequestTime><ServerTime>{now:%Y-%m-%dT%H:%M:%SZ}</ServerTime>"
        f"<MaxAllowedSkewMilliseconds>{MAX_SKEW // timedelta(milliseconds=1)}</MaxAllowedSkewMilliseconds>",
    )


class _Handler(BaseHTTPRequestHandler):
    strict: StrictS3
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def forward(self) -> None:
        """Forward the request unchanged, with its signed ``Host``, and answer as AWS would."""
        with self.strict.write(self.command, self.path, self.headers) as conflict:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if conflict is not None:
                self._refuse(conflict)
            else:
                self._forward(body)

    def _forward(self, body: bytes) -> None:
        if BROKEN in self.path and re.search(r"[?&]partNumber=2(&|$)", self.path):
            self._answer(400, [], b"")
            return
        refusal = self.strict.refusal(self.command, self.path, self.headers)
        if refusal is not None:
            self._refuse(refusal)
            return
        upstream = http.client.HTTPConnection(str(self.strict.upstream.hostname), self.strict.upstream.port or 80)
        try:
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                upstream.putheader(name, value)
            upstream.endheaders(body)
            answer = upstream.getresponse()
            data, headers = answer.read(), answer.getheaders()
        finally:
            upstream.close()
        reads = self.command in {"GET", "HEAD"} or re.search(r"[?&]tagging(=|&|$)", self.path)
        if answer.status == NOT_FOUND and reads and b"NoSuchBucket" not in data:
            # The right to list that is asked for here has no prefix, so a statement with one does not give it:
            # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
            self._refuse(DENIED)
            return
        self._answer(answer.status, headers, data)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = forward  # noqa: N815 (as the base class looks for them)

    def _refuse(self, refusal: Refusal) -> None:
        self._answer(
            refusal.status, [("Content-Type", "application/xml")], b"" if self.command == "HEAD" else refusal.body
        )

    def _answer(self, status: int, headers: list[tuple[str, str]], data: bytes) -> None:
        self.send_response_only(status)
        length = str(len(data))
        for name, value in headers:
            if name.lower() == "content-length" and self.command == "HEAD":
                length = value
            elif name.lower() not in {"content-length", "transfer-encoding", "connection", "date", REGION_HEADER}:
                self.send_header(name, value)
        if status == MOVED or (self.command == "HEAD" and self.path.count("/") == 1):
            self.send_header(REGION_HEADER, self.strict.region)
        self.send_header("Date", format_datetime(datetime.now(UTC) + self.strict.ahead + AHEAD, usegmt=True))
        self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (as the base class names it)
        """Log nothing."""
