"""The body of a file of the release log that this package writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release_log.errors import MarkerError
from release_log.marker import encode
from uploader.errors import UploaderError

if TYPE_CHECKING:
    from release_log.marker import Release


def body_of(release: Release) -> bytes:
    """The body of a marker, an intent, a staged release or a pin.

    Raises:
        UploaderError: The release is beyond a bound: no reader would accept it, and no cleaner would delete anything.
    """
    try:
        return encode(release)
    except MarkerError as error:
        msg = f"release {release.release[:64]!r} cannot be written ({error}): nothing was changed"
        raise UploaderError(msg) from error
