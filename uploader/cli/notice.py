"""Whom a command tells how it ended: the record that its body gets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True, kw_only=True)
class Notice:
    """Whom a command tells how it ended, and what.

    Attributes:
        notify_url: A webhook's URL; None: nobody is told.
        document: The document of ``--json``; the command's body sets it as soon as it has one.
    """

    notify_url: str | None = None
    document: dict[str, Any] = field(default_factory=dict)
