"""The errors of this package."""

from __future__ import annotations


class CleanerError(Exception):
    """The run ended without an answer; the message says what to do.

    Lambda retries the run; after that its event goes to the dead letters.
    """


class RequestError(CleanerError):
    """The event or payload asks for something that is not there, or not allowed. Nothing was read or written."""


class ConflictError(CleanerError):
    """Somebody else wrote the ledger, or a file of the release log went while it was read: start the run over."""
