"""Many ranges of keys, listed under asyncio: a page arrives in a hundred pieces, and a thread would wake for each."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterable, Sequence

    from obstore import ObjectMeta

    from uploader.s3.key_ranges import KeyRange

SETTLE_SECONDS = 0.05
"""How long cancelled requests may take to end, in obstore's own threads."""


def read_ranges(
    ranges: Iterable[KeyRange],
    pages_of: Callable[[KeyRange], AsyncIterable[Sequence[ObjectMeta]]],
    take: Callable[[Sequence[ObjectMeta], KeyRange], bool],
    ended: Callable[[KeyRange], None],
    at_once: int,
) -> None:
    """List ranges side by side.

    Args:
        ranges: The ranges.
        pages_of: Begins to list a range.
        take: Called with each page; returns whether it was the range's last.
        ended: Called for each range that was listed.
        at_once: How many ranges are listed at one time.

    Raises:
        Exception: What the first range raised that failed.
    """
    left = iter(ranges)

    async def worker() -> None:
        for keys in left:
            async for page in pages_of(keys):
                if take(page, keys):
                    break
            ended(keys)

    async def read() -> None:
        workers = [asyncio.create_task(worker()) for _ in range(at_once)]
        try:
            await asyncio.gather(*workers)
        except BaseException:
            for each in workers:
                each.cancel()
            # An answer that arrives at this very moment must still find the loop open.
            await asyncio.sleep(SETTLE_SECONDS)
            raise

    asyncio.run(read())
