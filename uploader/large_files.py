"""Files that are too large for one request: sent in parts, in constant memory, and nothing is left of one that fails.

By way of boto3, unlike all else. obstore has each part in memory, whatever its size; it shows the object before one can
see whether its file changed meanwhile; and it leaves the parts of an upload that fails where they are.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from functools import cached_property
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from uploader.errors import UploaderError
from uploader.file_part import FilePart
from uploader.s3_errors import NO_CODE, AnswerError, code_of
from uploader.sending import PARTS_AT_ONCE, check_unchanged, part_bytes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from uploader.collect import LocalAsset
    from uploader.session import Access

Answer = TypeVar("Answer")

CONNECT_SECONDS = 10
ANSWER_SECONDS = 120
END_SECONDS = 2
ABORT_SECONDS = 5
"""How long an upload that fails may take to end, and to be cleared away: together less than CI systems wait."""

HEADERS = frozenset(
    {"Content-Type", "Cache-Control", "Content-Encoding", "Content-Disposition", "Content-Language", "Storage-Class"}
)
ENCRYPTION = {
    "server_side_encryption": "ServerSideEncryption",
    "sse_kms_key_id": "SSEKMSKeyId",
    "sse_bucket_key_enabled": "BucketKeyEnabled",
}
"""What `uploader.encryption` says to obstore, as boto3 calls it."""

log = logging.getLogger("uploader")


class Ask(Protocol):
    """Make a request, again while what goes wrong passes; anything else becomes an `UploaderError`."""

    async def __call__(self, action: str, key: str, ask: Callable[[], Awaitable[Answer]]) -> Answer: ...  # noqa: D102


class LargeFiles:
    """The way to a bucket for what goes in parts; nothing is imported for it before there is such a file."""

    def __init__(self, access: Access, encryption: Mapping[str, Any]) -> None:
        self._access = access
        self._encryption = {ENCRYPTION[name]: value for name, value in encryption.items()}

    async def send(self, asset: LocalAsset, attributes: Mapping[str, str], ask: Ask) -> None:
        """Store a file.

        Args:
            asset: The file.
            attributes: Headers, and metadata by its bare names.
            ask: Makes the requests.

        Raises:
            UploaderError: S3 refused, or the file is not what it was when the build was looked at: then there is no
                object of it.
        """
        headers = {name.replace("-", ""): value for name, value in attributes.items() if name in HEADERS}
        metadata = {name: value for name, value in attributes.items() if name not in HEADERS}
        told = {**headers, "Metadata": metadata, **self._encryption}
        for again in (True, False):
            try:
                await _Upload(self._s3, self._access.bucket, asset, ask).run(told)
            except UploaderError as error:
                # The end of the upload was done and its answer lost. What is there may be another's, so: once more.
                if not again or code_of(error.__cause__) != "NoSuchUpload":
                    raise
            else:
                return

    @cached_property
    def _s3(self) -> Any:  # noqa: ANN401 (boto3's client)
        from botocore.config import Config  # noqa: PLC0415 (see above)

        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=ANSWER_SECONDS,
            retries={"total_max_attempts": 1},  # `Ask` repeats
            max_pool_connections=4 * PARTS_AT_ONCE,
            request_checksum_calculation="when_supported",
        )
        return self._access.session.client("s3", endpoint_url=self._access.endpoint, config=config)


class _Upload:
    """One upload in parts."""

    def __init__(self, s3: Any, bucket: str, asset: LocalAsset, ask: Ask) -> None:  # noqa: ANN401 (boto3's client)
        self._s3 = s3
        self._where = {"Bucket": bucket, "Key": asset.key}
        self._asset = asset
        self._ask = ask
        self._begun: list[str] = []
        self._threads: list[Thread] = []
        self._stop = Event()

    async def run(self, told: Mapping[str, Any]) -> None:
        try:
            upload = await self._request("s3:PutObject", self._begin, **told)
            parts = await self._send_parts(upload)
            # Before the object is there: under a fingerprinted key a wrong one would pass for the right one ever after.
            check_unchanged(self._asset)
            await self._request(
                "s3:PutObject", self._s3.complete_multipart_upload, UploadId=upload, MultipartUpload={"Parts": parts}
            )
        except BaseException:
            await self._abort()
            raise

    async def _send_parts(self, upload: str) -> list[dict[str, Any]]:
        size, whole = part_bytes(self._asset.size), self._asset.size
        parts: list[dict[str, Any]] = []
        left = iter(range(0, whole, size))

        async def worker() -> None:
            for start in left:
                number = start // size + 1
                told = {"UploadId": upload, "PartNumber": number, "ChecksumAlgorithm": "CRC32"}
                length = min(size, whole - start)
                answer = await self._request("s3:PutObject", self._put_part, start=start, length=length, **told)
                checked = {"ChecksumCRC32": answer["ChecksumCRC32"]} if "ChecksumCRC32" in answer else {}
                parts.append({"PartNumber": number, "ETag": answer["ETag"], **checked})

        async with asyncio.TaskGroup() as workers:
            for _ in range(PARTS_AT_ONCE):
                workers.create_task(worker())
        return sorted(parts, key=lambda part: int(part["PartNumber"]))

    def _begin(self, **told: Any) -> str:  # noqa: ANN401 (boto3's)
        upload: str = self._s3.create_multipart_upload(ChecksumAlgorithm="CRC32", **told)["UploadId"]
        self._begun.append(upload)
        return upload

    def _put_part(self, *, start: int, length: int, **told: Any) -> dict[str, Any]:  # noqa: ANN401 (boto3's)
        check_unchanged(self._asset)
        with open(self._asset.path, "rb") as file:  # noqa: PTH123 (as in `uploader.sending`)
            answer: dict[str, Any] = self._s3.upload_part(**told, Body=FilePart(file, start, length, self._stop))
        return answer

    async def _abort(self) -> None:
        """Remove the parts. One that arrives after that could stay, so those on their way end first, if they do."""
        self._stop.set()
        try:
            await asyncio.to_thread(self._join)
            async with asyncio.timeout(ABORT_SECONDS):
                for upload in self._begun:
                    await self._abort_one(upload)
        except (UploaderError, TimeoutError) as error:
            why = error if isinstance(error, UploaderError) else "S3 does not answer"
            log.warning("parts of %s stay until the bucket's lifecycle removes them: %s", self._asset.key, why)

    def _join(self) -> None:
        until = time.monotonic() + END_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    async def _abort_one(self, upload: str) -> None:
        try:
            await self._request("s3:AbortMultipartUpload", self._s3.abort_multipart_upload, UploadId=upload)
        except UploaderError as error:
            if code_of(error.__cause__) != "NoSuchUpload":
                raise

    async def _request(self, action: str, call: Callable[..., Answer], **arguments: Any) -> Answer:  # noqa: ANN401
        return await self._ask(
            action, self._asset.key, lambda: self._in_thread(lambda: call(**self._where, **arguments))
        )

    async def _in_thread(self, call: Callable[[], Answer]) -> Answer:
        """Make a request in a thread that nobody has to wait for, as they do for those of asyncio's own."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()

        def tell(method: Callable[[Any], None], what: object) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(lambda: None if answer.done() else method(what))

        def run() -> None:
            try:
                with _as_answer_error():
                    result = call()
            except Exception as error:  # noqa: BLE001 (it is raised where the answer is awaited)
                tell(answer.set_exception, error)
            else:
                tell(answer.set_result, result)

        thread = Thread(target=run, daemon=True)
        self._threads = [each for each in self._threads if each.is_alive()] + [thread]
        thread.start()
        return await answer


@contextlib.contextmanager
def _as_answer_error() -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 (as above)

    try:
        yield
    except ClientError as error:
        raise AnswerError(error.response.get("Error", {}).get("Code", ""), str(error)) from error
    except (BotoCoreError, OSError) as error:
        raise AnswerError(NO_CODE, str(error)) from error
