"""The bounds of everything that is read from a bucket: no file there can take more memory or time than these allow.

A file beyond a bound is not valid: its readers name the file, the value and the remedy. The cleaner then deletes
nothing, and does all its other work. Whoever writes a file of the release log keeps to the same bounds.
"""

from __future__ import annotations

from typing import NamedTuple


class Bound(NamedTuple):
    """A bound.

    Attributes:
        of: The things that have it.
        value: The largest value that is read.
        unit: The unit of the value; empty if it has none.
    """

    of: str
    value: int
    unit: str


BOUNDS: list[Bound] = []
"""Every bound, for the documents."""


def _bound(value: int, unit: str, of: str) -> int:
    BOUNDS.append(Bound(of, value, unit))
    return value


FILE_BYTES = _bound(64 * 2**20, "bytes", "a file of the release log as it is stored")
"""A release of 100,000 assets takes 20 MB."""

LEDGER_BYTES = _bound(512 * 2**20, "bytes", "the content of the ledger, unpacked")
"""A million retired assets take some 250 MB."""

FILE_VALUES = _bound(4_000_000, "commas and opening brackets", "a marker, an intent, a staged release or a pin")
"""Python takes up to 70 bytes for a value of two bytes. An asset has seven of these characters."""

LEDGER_VALUES = _bound(20_000_000, "commas and opening brackets", "the content of the ledger, unpacked")
"""A retired asset has about twelve of these characters."""

SEGMENT_BYTES = _bound(64 * 2**20, "bytes", "the content of any other file of the ledger, unpacked")
"""A segment of 10,000 retired assets takes some 0.7 MB. It is larger only if one logical path has more versions."""

SEGMENT_VALUES = _bound(
    4_000_000, "commas and opening brackets", "the content of any other file of the ledger, unpacked"
)
"""A retired asset has about ten of these characters."""

SEGMENTS = _bound(100_000, "files", "the segments, and the deltas, that the ledger names")
"""A thousand million retired assets."""

DEPTH = _bound(32, "levels", "objects and lists inside one another, in a file of the release log")

KEY_BYTES = _bound(1024, "bytes of UTF-8", "a key, and a logical path")
"""S3's limit: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html"""

TEXT_LENGTH = _bound(4096, "characters", "any other text in a marker")

TEXTS = _bound(100, "entries", "`uploader` and `metadata` in a marker")

OBJECT_BYTES = _bound(50 * 2**40, "bytes", "the `size` of an asset")
"""S3's limit: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html"""

LAST_YEAR = _bound(8999, "", "the year of an instant")
"""The calendar ends with the year 9999, and a policy adds up to a hundred years to an instant."""

FOLDER_FILES = _bound(100_000, "files", "a folder of the release log, but for the markers")
"""As many names take some 40 MB and 100 requests."""

MARKER_FILES = _bound(4 * FOLDER_FILES, "files", "the folder of the markers, for the cleaner")
"""The releases of years. The cleaner takes them in in parts, and deletes what it needs no more."""

LOG_FILES = _bound(4 * FOLDER_FILES, "files", "the release log, for the uploader's commands")

STORED_PAGES = _bound(4 * FOLDER_FILES, "files", "the folder of the stored pages, for a look at the pages in place")
"""400 requests. With more of them each page in place is asked for its metadata instead."""

LEDGER_FILES = _bound(2 * SEGMENTS, "files", "the folder of the ledger's files, when unneeded ones are looked for")
"""Those that the ledger names, and as many others. What there is beyond is looked at when these are gone."""

INNER_SITES = _bound(FOLDER_FILES, "release logs", "the sites inside a site, as a listing finds them")
"""Their prefixes take some 10 MB."""

VERSIONS = _bound(
    5_000_000, "versions", "what `restore` reads of the versions of a release's objects, and of others in between"
)
"""As many take some 5,000 requests, and hardly any memory: only those of the release are kept."""

PROTECTED_KEYS = _bound(5_000_000, "keys", "all intents, staged releases and pins together")

SHOWN = 100
"""How many characters of a value an error shows."""


def shown(value: object) -> str:
    """A value from a file, for an error: cut, if it is long."""
    if isinstance(value, int) and not -(10**SHOWN) < value < 10**SHOWN:
        return f"a number of more than {SHOWN} digits"
    if isinstance(value, dict | list):
        return f"{'an object' if isinstance(value, dict) else 'a list'} with {len(value)} entries"
    if isinstance(value, str) and len(value) > SHOWN:
        return f"{value[:SHOWN]!r}... ({len(value)} characters)"
    return repr(value)


def one_line(key: str) -> str:
    """A key of the bucket, for a message: as it is, or with escapes if it has a line break or the like."""
    return key if key.isprintable() else repr(key)


def too_many_values(content: bytes, most: int) -> bool:
    """Whether JSON has more values than a reader has memory for: by its punctuation, before it is parsed."""
    return values_in(content) > most


def values_in(content: bytes) -> int:
    """How many values JSON has at most, by its punctuation."""
    return content.count(b",") + content.count(b"[") + content.count(b"{")


def is_too_deep(document: object) -> bool:
    """Whether the objects and lists of a parsed document lie inside one another in more than `DEPTH` levels."""
    level = [document]
    for _ in range(DEPTH):
        level = [
            value
            for each in level
            for value in (each.values() if isinstance(each, dict) else each if isinstance(each, list) else ())
            if isinstance(value, dict | list)
        ]
        if not level:
            return False
    return True
