"""Objects that may be what a release misses, under another spelling of its key: they are not deleted.

A release names ``caf%C3%A9-….js``, and the object is stored as ``café-….js``: the release's asset is missing, and the
object looks retired or like an orphan. Whoever publishes or serves the release may well mean this object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleaner_lambda.spelling import other_spellings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cleaner_lambda.pace import Mapper
    from cleaner_lambda.port import S3Port
    from cleaner_lambda.view import View

LOOKED_FOR = 1000
"""So many needed keys are looked for in a run; all beyond them count as missing."""


def find_doubles(store: S3Port, keys: Iterable[str], view: View, mapper: Mapper = map) -> dict[str, str]:
    """Find the due keys that a missing key of a release may mean.

    A needed key is looked for only if a due key is another spelling of it, so as a rule this sends no request.

    Args:
        store: The site's bucket.
        keys: The keys that are due.
        view: What is needed.
        mapper: Runs the requests.

    Returns:
        Due key -> the missing key that it may mean.
    """
    found = other_spellings(keys, {*view.live, *view.protected, *view.pinned, *view.kept, *view.around, *view.in_place})
    wanted = sorted(set().union(*found.values()))
    looked_for = wanted[:LOOKED_FOR]

    def exists(key: str) -> bool:
        # A listing, as the cleaner may not read assets, and S3 would answer 403 for those that do not exist.
        return any(listed.key == key for listed in store.list(key, to=key))

    there = {key for key, stored in zip(looked_for, mapper(exists, looked_for), strict=True) if stored}
    return {key: min(missing) for key, needed in found.items() if (missing := needed - there)}
