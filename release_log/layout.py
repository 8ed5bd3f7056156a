"""The keys in the bucket. No other module builds a key from parts, or takes one apart.

==============================================  =====================================================
``<prefix>.releases/pending/<id>.json``         intent: a release that is being uploaded
``<prefix>.releases/staged/<id>.json``          a release that waits for its activation
``<prefix>.releases/pins/<id>.json``            a release whose assets are kept until it is unpinned
``<prefix>.releases/markers/<id>.json``         release marker, never changed afterwards
``<prefix>.releases/markers/<id>.placed.json``  the pages of that release are in place
``<prefix>.releases/pages/<digest>``            a page as a release has it: a file without a fingerprint
``<prefix>.releases/ledger.json.gz``            the cleaner's state
``<prefix>.releases/checkpoint.json.gz``        what deleted markers said, for a rebuild of that state
any other key below ``<prefix>``                an asset
==============================================  =====================================================
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from release_log.bounds import KEY_BYTES
from release_log.errors import LayoutError
from release_log.release_id import PLACED, is_id

if TYPE_CHECKING:
    from collections.abc import Iterable

LOG_FOLDER = ".releases/"

_ODD_PART = re.compile(r"(?:^|/)\.{0,2}(?:/|\Z)")
_ODD_CHARACTER = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_PAGE = re.compile(r"[0-9a-f]{64}")


class Layout(NamedTuple):
    """The keys of one site.

    Attributes:
        prefix: Empty, or ends with ``/``; see `check_prefix`.
    """

    prefix: str

    @property
    def log(self) -> str:
        """The release log's own prefix."""
        return f"{self.prefix}{LOG_FOLDER}"

    @property
    def pending(self) -> str:
        """Prefix of the intents."""
        return f"{self.prefix}{LOG_FOLDER}pending/"

    @property
    def staged(self) -> str:
        """Prefix of the staged releases."""
        return f"{self.prefix}{LOG_FOLDER}staged/"

    @property
    def pins(self) -> str:
        """Prefix of the pinned releases."""
        return f"{self.prefix}{LOG_FOLDER}pins/"

    @property
    def markers(self) -> str:
        """Prefix of the release markers."""
        return f"{self.prefix}{LOG_FOLDER}markers/"

    @property
    def pages(self) -> str:
        """Prefix of the stored pages."""
        return f"{self.prefix}{LOG_FOLDER}pages/"

    @property
    def ledger(self) -> str:
        """Key of the cleaner's state."""
        return f"{self.prefix}{LOG_FOLDER}ledger.json.gz"

    @property
    def checkpoint(self) -> str:
        """Key of the file that dates the assets of deleted markers."""
        return f"{self.log}checkpoint.json.gz"

    @property
    def ledger_files(self) -> str:
        """Prefix of the files that the ledger names."""
        return f"{self.log}ledger/"

    def ledger_file(self, name: str) -> str:
        """Key of a file that the ledger names; see `release_log.ledger_index`."""
        return f"{self.ledger_files}{name}"

    def key_in(self, folder: str, release_id: str) -> str:
        """Key of a release's file in the folder `pending`, `staged`, `pins` or `markers`."""
        return f"{folder}{release_id}.json"

    def pending_key(self, release_id: str) -> str:
        """Key of the intent of a release."""
        return self.key_in(self.pending, release_id)

    def staged_key(self, release_id: str) -> str:
        """Key of a staged release."""
        return self.key_in(self.staged, release_id)

    def pin_key(self, release_id: str) -> str:
        """Key of the pin of a release."""
        return self.key_in(self.pins, release_id)

    def marker_key(self, release_id: str) -> str:
        """Key of the marker of a release."""
        return self.key_in(self.markers, release_id)

    def placed_key(self, release_id: str) -> str:
        """Key of the file that says that the pages of a release are in place."""
        return f"{self.markers}{release_id}{PLACED}"

    def page_key(self, name: str) -> str:
        """Key of a stored page; see `release_log.marker.Asset.stored`."""
        return f"{self.pages}{name}"

    def stores(self, key: str) -> bool:
        """Whether a key can be a stored page of this site."""
        return key.startswith(self.pages) and is_page_name(key[len(self.pages) :])

    def page_path(self, key: str) -> str:
        """The logical path of a page's stored versions."""
        return f"{self.pages}{key}"

    def page_of(self, path: str) -> str | None:
        """The page's key in such a logical path; None for the logical path of an asset."""
        return path[len(self.pages) :] if path.startswith(self.pages) else None

    def placed_id(self, key: str) -> str | None:
        """The id of the release that a file says is in place; None if the file is named otherwise."""
        name = key[len(self.markers) : -len(PLACED)]
        return name if key.startswith(self.markers) and key.endswith(PLACED) and is_id(name) else None

    def owns(self, key: str) -> bool:
        """Whether a key can be an asset of this site: under its prefix, and outside every release log.

        A site configured inside this one's prefix has its own release log there, which never belongs to this site.
        """
        if not key.startswith(self.prefix) or key == self.prefix:
            return False
        inner = key[len(self.prefix) :]
        return not inner.startswith(LOG_FOLDER) and f"/{LOG_FOLDER}" not in inner

    @property
    def around(self) -> tuple[str, ...]:
        """The prefixes that a site around this one may have, the innermost first."""
        parts = self.prefix.split("/")[:-1]
        return tuple("".join(f"{part}/" for part in parts[:count]) for count in reversed(range(len(parts))))

    def folders(self, keys: Iterable[str]) -> set[str]:
        """Every folder below the site's prefix that some keys lie in: a site inside this one may have it as prefix."""
        found: set[str] = set()
        for key in keys:
            slash = -1 if key.startswith(self.log) else key.rfind("/")
            while slash >= len(self.prefix) and key[: slash + 1] not in found:
                found.add(key[: slash + 1])
                slash = key.rfind("/", 0, slash)
        return found

    def release_id(self, key: str) -> str:
        """The id in the key of a marker, intent, staged release or pin.

        Raises:
            LayoutError: The key has another form.
        """
        for folder in (self.markers, self.pending, self.staged, self.pins):
            if key.startswith(folder) and key.endswith(".json"):
                name = key[len(folder) : -len(".json")]
                if is_id(name):
                    return name
        msg = f"{key!r} is not named as the release log names its files (<yyyymmddThhmmssZ>-<release>.json)"
        raise LayoutError(msg)


def prefix_of_marker(key: str) -> str:
    """The site's prefix, from the key of one of its markers.

    Raises:
        LayoutError: The key is not a marker's.
    """
    prefix, found, _ = key.rpartition(f"{LOG_FOLDER}markers/")
    if not found:
        msg = f"{key!r} is not the key of a release marker ({LOG_FOLDER}markers/<id>.json)"
        raise LayoutError(msg)
    return prefix


def is_stored_page(key: str) -> bool:
    """Whether a key is a stored page's, of any site; no asset has such a key."""
    return f"{LOG_FOLDER}pages/" in key


def is_page_name(name: str) -> bool:
    """Whether a text is the name of a stored page."""
    return _PAGE.fullmatch(name) is not None


def check_prefix(prefix: str) -> str:
    """The prefix as given, if a site may have it.

    An empty prefix is the whole bucket. A slash at the end is required, because ``site`` would also match
    ``site-staging/``.

    Raises:
        LayoutError: A site may not have this prefix.
    """
    if prefix == "":
        return prefix
    parts = prefix.split("/")
    if not prefix.endswith("/"):
        problem = f"must end with a slash: {prefix + '/'!r}"
    elif prefix.startswith("/"):
        problem = f"must not begin with a slash: {prefix.lstrip('/')!r}"
    elif "" in parts[:-1]:
        problem = "must not hold '//'"
    elif "." in parts or ".." in parts:
        problem = "must not hold '.' or '..' as a folder"
    elif ".releases" in parts:
        problem = "must not lie inside a release log (.releases/)"
    elif any(ord(char) < ord(" ") or char in "\x7f*?$" or "\ud800" <= char <= "\udfff" for char in prefix):
        problem = (
            "must not hold control characters, bytes that are not UTF-8, or '*', '?', '$', which are patterns to IAM"
        )
    elif any(char > "\u00ff" for char in prefix):
        problem = "must not hold characters beyond U+00FF, which IAM policies cannot name"
    elif len(prefix.encode()) > KEY_BYTES // 2:
        problem = f"is longer than {KEY_BYTES // 2} bytes"
    else:
        return prefix
    msg = f"prefix {prefix!r} {problem}"
    raise LayoutError(msg)


def is_plain(key: str) -> bool:
    """Whether a key is certainly allowed for an asset of its site: a quick check, as a build may have 100,000 files.

    For a key that is not plain, `check_key` and `Layout.owns` decide.
    """
    return (
        key.isprintable()
        and len(key) <= KEY_BYTES // 4  # UTF-8 has up to four bytes a character
        and "/." not in key
        and "//" not in key
        and not key.startswith((".", "/"))
        and not key.endswith("/")
        and key != ""
    )


def check_key(key: str) -> str:
    """The key as given, if an asset may have it: S3 clients, URLs and IAM all read such a key alike.

    Raises:
        LayoutError: An asset may not have this key.
    """
    if len(key.encode(errors="surrogatepass")) > KEY_BYTES:
        problem = f"is longer than S3's {KEY_BYTES} bytes"
    elif _ODD_PART.search(key):
        problem = "has an empty, '.' or '..' part"
    elif _ODD_CHARACTER.search(key):
        problem = "holds a control character or bytes that are not UTF-8"
    else:
        return key
    msg = f"key {key!r} {problem}"
    raise LayoutError(msg)
