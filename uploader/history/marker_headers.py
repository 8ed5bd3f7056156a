"""What an uploader takes from an earlier marker as a hint: how objects are stored. Nothing else of it is checked.

The marker of 50,000 assets has 10 MB, and as a text, and as values, as many again each time. So it is read piece by
piece, as it arrives.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from release_log.bounds import OBJECT_BYTES
from release_log.errors import MarkerError
from release_log.marker_fields import check_amount, check_content
from uploader.columns import Digests, Names, Numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_BEGIN = b'{"assets":{'
"""The beginning of a marker that `release_log.marker.encode` wrote."""

_BETWEEN = b'},"'
"""What is between two assets there. Inside a text the quote would end it, and a piece that is cut there is not JSON."""

_END = b'}},"'
"""What follows the last asset there."""

STAMP, ETAG = 16, 32
"""The hexadecimal digits of an uploader's own stamp, and of an MD5."""


class MarkerHeaders:
    """The headers that a marker names.

    Attributes:
        marker: The marker's key.
        channel: Its release's channel.
        headers: Key -> digest of the headers that its object was stored with.
        sizes: Key -> bytes of that object.
        stamps: Key -> `Asset.stamp`.
        etags: Key -> `Asset.etag`.
        stored: Key of a page -> `Asset.stored`, of the version that has this ETag.
    """

    def __init__(self, marker: str, places: Mapping[str, int]) -> None:
        """Prepare for the assets of a marker.

        Args:
            marker: The marker's key.
            places: The keys that are asked for.
        """
        self.marker = marker
        self.channel = ""
        self.headers = Names(places)
        self.sizes = Numbers(places)
        self.stamps = Digests(places, STAMP)
        self.etags = Digests(places, ETAG)
        self.stored: dict[str, str] = {}
        self._places = places

    def read(self, body: bytes) -> MarkerHeaders:
        """Read a marker; returns itself.

        Raises:
            MarkerError: The body is not JSON, or is too large.
        """
        check_content(body)
        return self._with_channel(self._parse(body))

    def read_pieces(self, pieces: Iterable[bytes]) -> MarkerHeaders:
        """Read a marker as it arrives; returns itself.

        Raises:
            MarkerError: As above. Or another program wrote it, or a name in it ends like an asset, so that it has to be
                read as a whole.
        """
        left, size, values = bytearray(), 0, 0
        begun = ended = False
        for piece in pieces:
            size += len(piece)
            values = check_amount(piece, size, values)
            seen = max(0, len(left) + 1 - len(_END))  # what is before has neither of the texts that are looked for
            left += piece
            if not begun and len(left) >= len(_BEGIN):
                if not left.startswith(_BEGIN):
                    msg = "another program wrote it"
                    raise MarkerError(msg)
                del left[: len(_BEGIN)]
                begun, seen = True, 0
            if not begun or ended:
                continue
            cut = left.find(_END, seen)
            ended = cut >= 0
            cut = cut if ended else left.rfind(_BETWEEN, seen)
            if cut >= 0:
                self._parse(b"{%b}" % bytes(left[: cut + 1]))
                del left[: cut + (3 if ended else 2)]
        if not ended:
            msg = "it does not end like a marker"
            raise MarkerError(msg)
        return self._with_channel(self._parse(b"{%b" % bytes(left)))

    def with_older(self, older: MarkerHeaders) -> MarkerHeaders:
        """Add what an older marker says of the same keys, where this one says nothing; returns itself."""
        for key, name in older.stored.items():
            if self.etags.at(self._places[key]) is None:
                self.stored[key] = name
        for place in range(len(self._places)):
            if self.headers.at(place) is None:
                self.headers.put(place, older.headers.at(place))
            if self.stamps.at(place) is None:
                self.stamps.put(place, older.stamps.at(place))
            if self.etags.at(place) is None:
                self.etags.put(place, older.etags.at(place))
        return self

    def _parse(self, text: bytes) -> object:
        """Read the assets in a JSON text; returns what is left of it without them."""
        try:
            return json.loads(text, object_hook=self._take)
        except (ValueError, RecursionError) as error:
            msg = f"not JSON: {error}"
            raise MarkerError(msg) from error

    def _with_channel(self, document: object) -> MarkerHeaders:
        self.channel = str(document.get("channel")) if isinstance(document, dict) else ""
        return self

    def _take(self, entry: dict[str, Any]) -> dict[str, Any] | None:
        # An asset is dropped as soon as it is read: a marker may name 100,000 assets.
        get = entry.get
        key = get("key")
        if type(key) is not str:
            return entry
        place = self._places.get(key)
        if place is None:
            return None
        size, digest, stamp, etag = get("size"), get("headers"), get("stamp"), get("etag")
        if type(size) is int and 0 <= size <= OBJECT_BYTES and type(digest) is str:
            self.headers.put(place, digest)
            self.sizes.put(place, size)
        if type(stamp) is str:
            self.stamps.put(place, stamp)
        if type(etag) is str:
            self.etags.put(place, etag)
            if type(name := get("stored")) is str:
                self.stored[key] = name
        return None
