"""One upload in parts, in constant memory: if it fails, it leaves nothing in the bucket. Loads boto3."""

from __future__ import annotations

import contextlib
import logging
import time
from threading import Event
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.config import Config
from botocore.exceptions import ClientError

from release_log.whole_answers import require_whole_answers
from uploader.aws.boto3_chain import NO_ANSWER, open_session
from uploader.builds.parts import part_bytes
from uploader.builds.unreadable import unreadable
from uploader.errors import UploaderError
from uploader.s3.bodies import PARTS_AT_ONCE, check_unchanged
from uploader.s3.errors import NO_CODE, AnswerError, code_of
from uploader.s3.file_part import FilePart
from uploader.threads.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from uploader.aws.access import Access
    from uploader.builds.asset import LocalAsset
    from uploader.s3.asking import Ask
    from uploader.s3.bandwidth import Bandwidth

Answer = TypeVar("Answer")

CONNECT_SECONDS = 10
ANSWER_SECONDS = 120
END_SECONDS = 2
ABORT_SECONDS = 5
"""How long an upload that fails may take to end, and to be aborted: together less than CI systems wait."""

log = logging.getLogger("uploader")


def open_client(access: Access) -> Any:  # noqa: ANN401 (boto3's)
    """A client of S3 for uploads in parts."""
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=ANSWER_SECONDS,
        retries={"total_max_attempts": 1},  # `Ask` repeats
        max_pool_connections=4 * PARTS_AT_ONCE,
        request_checksum_calculation="when_supported",
    )
    client = open_session(access).client("s3", region_name=access.region, endpoint_url=access.endpoint, config=config)
    return require_whole_answers(client)


class MultipartUpload:
    """One upload in parts.

    Attributes:
        ended: Set once no request of the upload is in progress.
    """

    def __init__(
        self,
        s3: Any,  # noqa: ANN401 (boto3's client)
        bucket: str,
        asset: LocalAsset,
        ask: Ask,
        bandwidth: Bandwidth | None,
    ) -> None:
        self._bandwidth = bandwidth
        self._s3 = s3
        self._where = {"Bucket": bucket, "Key": asset.key}
        self._asset = asset
        self._ask = ask
        self._begun: list[str] = []
        self._requests: list[Workers[Any]] = []
        self._stop = Event()
        self._end_by = 0.0
        self.ended = Event()

    def run(self, parameters: Mapping[str, Any], condition: Mapping[str, str]) -> str | None:
        """Store the file, with these parameters of ``CreateMultipartUpload``; returns the object's ETag.

        The request that completes the upload has the condition.

        Raises:
            UploaderError: S3 refused, or the file changed since the build was looked at. Then no object of it exists.
        """
        try:
            upload = self._request("s3:PutObject", self._begin, **parameters)
            parts = self._send_parts(upload)
            # Before the object exists: a wrong one under a fingerprinted key would never be noticed.
            check_unchanged(self._asset)
            whole = {"UploadId": upload, "MultipartUpload": {"Parts": parts}, **condition}
            answer = self._request("s3:PutObject", self._s3.complete_multipart_upload, **whole)
        except BaseException:
            self._abort()
            raise
        etag: str | None = answer.get("ETag")
        return etag and etag.strip('"')

    def stop(self) -> None:
        """Make `run` end at once, with an error."""
        self._end_by = time.monotonic() + END_SECONDS + ABORT_SECONDS
        self._stop.set()
        for each in tuple(self._requests):
            each.stop(self._stopped())

    def wait_for_end(self) -> None:
        """After `stop`: wait until the upload has ended, if that does not take too long."""
        self.ended.wait(max(0.0, self._end_by - time.monotonic()))

    def _send_parts(self, upload: str) -> list[dict[str, Any]]:
        size, whole = part_bytes(self._asset.size), self._asset.size
        parts: list[dict[str, Any]] = []

        def send(start: int) -> None:
            number = start // size + 1
            parameters = {"UploadId": upload, "PartNumber": number, "ChecksumAlgorithm": "CRC32"}
            length = min(size, whole - start)
            answer = self._made("s3:PutObject", self._put_part, start=start, length=length, **parameters)
            checked = {"ChecksumCRC32": answer["ChecksumCRC32"]} if "ChecksumCRC32" in answer else {}
            parts.append({"PartNumber": number, "ETag": answer["ETag"], **checked})

        self._wait(Workers(range(0, whole, size), send, at_once=PARTS_AT_ONCE, daemon=True))
        return sorted(parts, key=lambda part: int(part["PartNumber"]))

    def _begin(self, **parameters: Any) -> str:  # noqa: ANN401 (boto3's)
        upload: str = self._s3.create_multipart_upload(ChecksumAlgorithm="CRC32", **parameters)["UploadId"]
        self._begun.append(upload)
        return upload

    def _put_part(self, *, start: int, length: int, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 (boto3's)
        check_unchanged(self._asset)
        try:
            opened = open(self._asset.path, "rb")  # noqa: PTH123, SIM115 (as in `uploader.s3.bodies`; closed below)
        except OSError as error:
            raise unreadable(self._asset.path, error) from error
        with opened as file:
            body = FilePart(file, start, length, self._stop, self._bandwidth)
            answer: dict[str, Any] = self._s3.upload_part(**parameters, Body=body)
        return answer

    def _abort(self) -> None:
        """Remove the parts. A part that arrives later could stay, so first wait for the parts that are being sent."""
        self._stop.set()
        until = time.monotonic() + END_SECONDS
        for each in self._requests:
            each.stop()
            each.join(until - time.monotonic())
        try:
            Workers(self._begun, self._abort_one, at_once=1, daemon=True).start().wait(ABORT_SECONDS)
        except (UploaderError, TimeoutError) as error:
            why = error if isinstance(error, UploaderError) else "S3 does not answer"
            log.warning("parts of %s stay until the bucket's lifecycle removes them: %s", self._asset.key, why)

    def _abort_one(self, upload: str) -> None:
        try:
            self._made("s3:AbortMultipartUpload", self._s3.abort_multipart_upload, UploadId=upload)
        except UploaderError as error:
            if code_of(error.__cause__) != "NoSuchUpload":
                raise

    def _request(self, action: str, call: Callable[..., Answer], **arguments: Any) -> Answer:  # noqa: ANN401
        answers: list[Answer] = []

        def make(_: None) -> None:
            answers.append(self._made(action, call, **arguments))

        self._wait(Workers([None], make, at_once=1, daemon=True))
        return answers[0]

    def _wait(self, requests: Workers[Any]) -> None:
        """Wait for requests in daemon threads: `stop` ends the wait, and the process can end before they do."""
        self._requests.append(requests)
        if self._stop.is_set():
            raise self._stopped()
        requests.start().wait()

    def _made(self, action: str, call: Callable[..., Answer], **arguments: Any) -> Answer:  # noqa: ANN401
        def make() -> Answer:
            with as_answer_error():
                return call(**self._where, **arguments)

        return self._ask(action, self._asset.key, make)

    def _stopped(self) -> UploaderError:
        return UploaderError(f"{self._asset.key} was not sent: the upload was stopped")


@contextlib.contextmanager
def as_answer_error() -> Iterator[None]:
    """Raise boto3's errors as `AnswerError`."""
    try:
        yield
    except ClientError as error:
        raise AnswerError(error.response.get("Error", {}).get("Code", ""), str(error)) from error
    except (*NO_ANSWER, OSError) as error:  # type: ignore[misc]  # mypy does not see into an unpacked tuple
        raise AnswerError(NO_CODE, str(error)) from error
