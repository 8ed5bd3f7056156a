"""How an object says that an upload sent it.

Only who stores an object can write its metadata. Whoever can do that could store other content as well, so this proves
as much as anything under the prefix can.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADERS = "headers"
"""The name in an object's metadata (``x-amz-meta-headers``) for the digest of its headers. Every upload writes it."""


def was_sent(metadata: Mapping[str, str]) -> bool:
    """Whether an upload sent the object with this metadata."""
    return HEADERS in metadata
