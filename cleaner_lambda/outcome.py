"""What became of a plan. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from release_log.tags import Mark


@dataclass(slots=True)
class Outcome:
    """What became of a plan.

    Attributes:
        untagged: Keys that bear no tag of ours any more.
        deleted: Keys that are gone.
        tagged: Key -> the mark that it now bears, or that the ledger alone holds because the object has no room for it.
        gone: Keys that were to be tagged or untagged, and are not there.
        failed: Key -> error.
        unanswered: Keys whose deletion was sent, and of which S3 did not say what became: it may still come to pass.
        untold: The same of tags.
        pruned: Files of the release log that are gone.
        unfinished: Whether the time was over before the plan was.
    """

    untagged: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    tagged: dict[str, Mark] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    unanswered: set[str] = field(default_factory=set)
    untold: set[str] = field(default_factory=set)
    pruned: set[str] = field(default_factory=set)
    unfinished: bool = False
