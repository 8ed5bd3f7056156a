"""The intent: once it exists, and no cleaner is deleting its keys, no cleaner deletes them."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from release_log.release_id import make_id
from uploader.errors import StoppedError, UploaderError
from uploader.protocol.held import Intent
from uploader.protocol.look import look_around

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from release_log.layout import Layout
    from uploader.clocks import Clocks
    from uploader.s3.port import BucketPort

TRIES = 5
"""How many ids are tried while others publish under the same name in the same second."""

log = logging.getLogger("uploader")


@contextmanager
def intent(
    bucket: BucketPort,
    layout: Layout,
    name: str,
    body: Callable[[datetime], bytes],
    keys: frozenset[str],
    clocks: Clocks,
) -> Iterator[Intent]:
    """Hold an intent that no cleaner overlooks, and withdraw it at the end.

    Args:
        bucket: The site's bucket.
        layout: The site.
        name: The release's name.
        body: Makes the intent's content, from the instant in its id.
        keys: The keys that it protects.
        clocks: See `Clocks`.

    Raises:
        UploaderError: S3 refused.
    """
    for _ in range(TRIES):
        began, at = clocks.passed(), clocks.wall()
        held = Intent(make_id(at, name), at, began)
        # If this fails, nobody knows whether our intent exists. One that is left behind expires.
        if bucket.create(layout.pending_key(held.id), body(at)):
            try:
                try:
                    look = look_around(bucket, layout, held, keys, clocks)
                    if look is not None:
                        held.keep_look(look)
                        look = None  # see `take_look`
                        yield held
                        return
                finally:
                    if not (held.keep or held.withdrawn):
                        withdraw(bucket, layout.pending_key(held.id))
            except KeyboardInterrupt as error:
                if held.written is None:
                    raise
                if held.left:
                    raise StoppedError(held.left, is_current=True) from error
                msg = f"too late: {held.written} is written, and nothing is left to do"
                raise StoppedError(msg, done=True) from error
        clocks.sleep(1)
    raise busy_error(name)


def busy_error(name: str) -> UploaderError:
    """The error after `TRIES` ids that S3 said to be another upload's."""
    return UploaderError(
        f"S3 says that another upload has the id of release {name!r}, {TRIES} times in a row: "
        "run again, and see that nothing between here and S3 refuses requests with If-None-Match"
    )


def withdraw(bucket: BucketPort, key: str) -> None:
    """Remove an intent or a staged release.

    A file that is left behind only keeps its assets until it expires. So an error here is logged, and not raised.
    """
    try:
        bucket.withdraw(key)
    except UploaderError as error:
        warn_of_left(key, error)


def warn_of_left(key: str, error: UploaderError) -> None:
    """Say that an intent or a staged release could not be removed."""
    log.warning("%s stays until it expires: %s", key, error)
