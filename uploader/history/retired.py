"""The retired assets of a ledger that has them in files of their own."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from release_log.errors import LedgerError
from release_log.ledger_view import view_segment

if TYPE_CHECKING:
    from release_log.layout import Layout
    from release_log.ledger_view import LedgerView, RetiredAsset
    from uploader.s3.port import ReaderPort


def with_retired(bucket: ReaderPort, layout: Layout, ledger: LedgerView) -> tuple[LedgerView, tuple[str, ...]]:
    """The ledger with its retired assets, as of the cleaner's last sweep of each file.

    Returns:
        The ledger, and why some of the files cannot be read.
    """
    if ledger.lines is None:
        return ledger, ()
    keys = [layout.ledger_file(each.name) for each in ledger.lines.segments if each.name is not None]
    blobs = bucket.get_each(keys)
    found: list[list[RetiredAsset]] = []
    problems = []
    for key in keys:
        try:
            found.append(view_segment(blobs[key].body))
        except KeyError:
            problems.append(f"{key} is gone: the cleaner has replaced it meanwhile, or it was deleted; ask again")
        except LedgerError as error:
            problems.append(f"{key}: {error}")
    return replace(ledger, retired=tuple(chain.from_iterable(found))), tuple(problems)
