"""Retired assets as the files of the ledger have them: in columns. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleaner_lambda.ledger import Retired
from release_log.segment_file import Columns

if TYPE_CHECKING:
    from collections.abc import Mapping


def columns_of(retired: Mapping[str, Retired]) -> Columns:
    """Retired assets in columns, the versions of a logical path beside each other."""
    rows = sorted(retired.items(), key=lambda each: (each[1].logical, each[0]))
    return Columns(
        [key for key, _ in rows],
        *([getattr(entry, name) for _, entry in rows] for name in Columns._fields[1:]),
    )


def retired_of(columns: Columns) -> dict[str, Retired]:
    """Read what `columns_of` gave."""
    _, *fields = columns
    return dict(zip(columns.keys, map(Retired, *fields), strict=True))
