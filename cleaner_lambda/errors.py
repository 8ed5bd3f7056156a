"""The errors of this package."""

from __future__ import annotations


class CleanerError(Exception):
    """The run ended without an answer. The message says what to do.

    Lambda retries the run; after the last attempt its event goes to the dead-letter queue.
    """


class RequestError(CleanerError):
    """The event or payload is wrong, or names an unknown site. Nothing was read or written."""


class ConflictError(CleanerError):
    """Another run wrote the ledger, or the release log changed while it was read: start the run over."""
