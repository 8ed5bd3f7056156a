"""Read the files of the release log: side by side, within the bounds, and only while there is time.

What is not read is set aside with a stop, because it may name assets that nobody else knows to be needed.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from cleaner_lambda.errors import UnreadableError
from cleaner_lambda.pace import batches
from cleaner_lambda.plan import Reason, Stop
from release_log.bounds import FOLDER_FILES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cleaner_lambda.pace import Pace
    from cleaner_lambda.port import Blob, Listed, S3Port

AT_ONCE = 8
"""How many files are read side by side. All of them are in memory, and each may have `FILE_BYTES`."""

NAMED = 20
"""How many files of one folder are named, each with a stop of its own."""


def list_files(store: S3Port, folder: str, most: int | None = None) -> tuple[list[Listed], list[Stop]]:
    """The files of a folder, up to the bound; and a stop if it has more. A console's "folders" are left out."""
    most = FOLDER_FILES if most is None else most
    every = (listed for listed in store.list(folder) if not listed.key.endswith("/"))
    files = list(islice(every, most + 1))
    if len(files) <= most:
        return files, []
    message = (
        f"{folder} has more than {most} files, and only the first ones were read: nothing is deleted until you "
        "delete those of them that no release needs any more"
    )
    return files[:most], [Stop(Reason.INVALID_MARKER, message)]


def read_files(store: S3Port, keys: Sequence[str], pace: Pace) -> Iterator[tuple[str, Blob | UnreadableError | None]]:
    """Read files, in the order of the keys; None for a file that does not exist, and the error for an unreadable one.

    A few are always read. Ends early when there is no time for more.
    """
    if not keys:
        return

    def read(key: str) -> Blob | UnreadableError | None:
        try:
            return store.get(key)
        except UnreadableError as error:
            return error

    for number, batch in enumerate(batches(keys, AT_ONCE)):
        if number and not pace.has_time():
            return
        yield from zip(batch, pace.mapper(read, batch), strict=True)


def stop_for_time(folder: str, unread: int) -> Stop:
    """Why nothing may be deleted when the time did not suffice to read some files."""
    message = (
        f"{unread} files under {folder} were not read, because the invocation's time is nearly over: nothing is "
        "deleted until a run can read all of them. Delete those that no release needs any more, or give the function "
        "more memory"
    )
    return Stop(Reason.INVALID_MARKER, message)


def name_some(folder: str, stops: Sequence[Stop]) -> list[Stop]:
    """The stops for the files of a folder: the first `NAMED`, and one for all others."""
    if len(stops) <= NAMED:
        return list(stops)
    others = stops[NAMED:]
    ends = [stop.until for stop in others if stop.until is not None]
    message = (
        f"{len(others)} more files under {folder} are not valid, or cannot be read: nothing is deleted until you have "
        "dealt with them too"
    )
    return [*stops[:NAMED], Stop(others[0].reason, message, min(ends) if len(ends) == len(others) else None)]
