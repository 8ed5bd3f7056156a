"""What became of a plan. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from release_log.tags import Mark


@dataclass(slots=True)
class Unanswered:
    """The requests of a run to which S3 gave no answer, or one that tells nothing: each may still be executed.

    They belong to the run, and outlive its starting over.

    Attributes:
        deletions: Keys whose deletion was sent.
        tags: Keys whose tags were written.
    """

    deletions: set[str] = field(default_factory=set)
    tags: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Outcome:
    """What became of a plan.

    Attributes:
        untagged: Keys whose object has no tag of ours any more.
        deleted: Keys whose object is deleted.
        tagged: Key -> the mark that its object has now. Only the ledger holds it if the object has too many tags.
        gone: Keys that were to be tagged or untagged, but have no object.
        failed: Key -> error.
        pruned: Files of the release log that are deleted.
        unfinished: Whether the time ended before the plan did.
    """

    untagged: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    tagged: dict[str, Mark] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    pruned: set[str] = field(default_factory=set)
    unfinished: bool = False
