"""The errors of this package."""

from __future__ import annotations


class ReleaseLogError(Exception):
    """Something in the release log is not as the format says; the message is one line for a person."""


class LayoutError(ReleaseLogError):
    """A prefix, key or release name that the layout does not allow."""


class MarkerError(ReleaseLogError):
    """A marker, intent or staged release that does not validate.

    Whoever deletes must stop: what is current is unknown.
    """


class SettingError(ReleaseLogError):
    """A policy setting that is unknown, of the wrong type, or out of its bounds."""


class LedgerError(ReleaseLogError):
    """The ledger cannot be read as this version writes it. It is rebuilt; until then nobody knows what it announces."""
