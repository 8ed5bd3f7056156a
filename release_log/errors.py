"""The errors of this package."""

from __future__ import annotations


class ReleaseLogError(Exception):
    """A part of the release log breaks the format. The message is one line for a person."""


class LayoutError(ReleaseLogError):
    """A prefix, key or release name that the layout does not allow."""


class MarkerError(ReleaseLogError):
    """A marker, an intent or a staged release that is not valid.

    A caller that deletes must stop: it is unknown which assets are current.
    """


class NewerFormatError(MarkerError):
    """One of a format that only a newer version reads: it is as it should be, and the reader is too old."""


class SettingError(ReleaseLogError):
    """A policy setting that is unknown, has the wrong type, or is out of its bounds."""


class LedgerError(ReleaseLogError):
    """The ledger cannot be read. The cleaner rebuilds it; until then its announcements are unknown."""


class FullError(ReleaseLogError):
    """A file would have more than its readers take, so it must not be written."""


class NewerLedgerError(LedgerError):
    """The ledger has a newer format: its reader is too old. It is whole, so nobody may rebuild it or write over it."""
