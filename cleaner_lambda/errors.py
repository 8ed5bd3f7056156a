"""The errors of this package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release_log.bounds import one_line

if TYPE_CHECKING:
    from datetime import datetime

    from release_log.errors import NewerLedgerError


class CleanerError(Exception):
    """The run ended without an answer. The message says what to do.

    Lambda retries the run; after the last attempt its event goes to the dead-letter queue.
    """


class RequestError(CleanerError):
    """The event or payload is wrong, or names an unknown site. Nothing was read or written."""


class UnknownSiteError(RequestError):
    """The site is not configured here."""


class ConflictError(CleanerError):
    """Another run wrote the ledger, or the release log changed while it was read: start the run over."""


class WholeNeededError(CleanerError):
    """A run that reads no retired asset cannot do what there is to do: start over, and read all of them."""


class GroupsNeededError(CleanerError):
    """A run that rebuilds the ledger has found too much for its memory: start over, and rebuild it in groups."""


class NewsError(CleanerError):
    """A sweep has come upon something new in the release log: fold that in first, in an attempt of its own."""


class HeldUpError(CleanerError):
    """A part of a sweep would delete nothing now, as another run is deleting.

    Attributes:
        until: When it is worth another try.
    """

    def __init__(self, until: datetime) -> None:
        """Say until when."""
        self.until = until
        super().__init__(f"another run is deleting; it is done or dead by {until:%Y-%m-%dT%H:%M:%SZ}")


class OutdatedPlanError(ConflictError):
    """Another run has swept a part of the site: what a sweep knows of the other parts is no longer so."""


class BusyError(CleanerError):
    """S3 says each time that another request to a file of the release log is under way."""


class UnreadableError(CleanerError):
    """A file of the release log exists, and the run cannot read it.

    S3 does not give it out, because it is archived, encrypted or denied; or it tells nothing to this version.

    Attributes:
        key: The file.
        remedy: What to do.
    """

    def __init__(self, key: str, code: str, remedy: str = "") -> None:
        """Name the file and the remedy.

        Args:
            key: The file.
            code: S3's code of the error, or what else is wrong with it.
            remedy: What to do; empty if the code says it.
        """
        self.key = key
        self.remedy = remedy or _REMEDIES.get(code, _REMEDY)
        super().__init__(f"{one_line(key)} cannot be read ({code}): {self.remedy}")


class TooOldError(UnreadableError):
    """A newer cleaner wrote the file, so this one must not write over it."""

    def __init__(self, key: str, error: NewerLedgerError) -> None:
        """Name the file, its format and the remedy."""
        super().__init__(key, str(error), "a newer version of the cleaner wrote it: deploy that version again")


_REMEDIES = {
    "InvalidObjectState": "it is archived: bring it back (aws s3api restore-object), and exclude the release log from "
    "the lifecycle rule that moved it",
    "AccessDenied": "let the cleaner's role read it: see the bucket's policy, and the policy of its KMS key if it has "
    "one",
    "InvalidRequest": "it is encrypted with a key that the client provides (SSE-C), which the cleaner does not have",
}
_REMEDY = "the cleaner's role must be able to use the KMS key that it is encrypted with, and the key must be enabled"


def is_unreadable(code: str) -> bool:
    """Whether S3's code of an error says that this one file cannot be read, now and later.

    Args:
        code: S3's code: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, or one of KMS's.
    """
    return code in _REMEDIES or code.startswith("KMS")
