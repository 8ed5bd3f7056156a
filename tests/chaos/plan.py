"""What happens in a round, and in which order: it follows from the seed alone."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CHANNELS = ("production", "staging", "pr-12")
NAMES = ("app.js", "vendor.js", "chunk-a.js", "chunk-b.css", "img/logo.png", "lazy.js")
VERSIONS = 7
"""So few that versions come back and that channels share them, and so many that most are in no current release."""

DAY_SECONDS = 13.0
"""The time between two nights."""

WAIT_SECONDS = 0.55
"""The mean time between two actions."""


class Kind(StrEnum):
    """What somebody does."""

    UPLOAD = "upload"
    UNCHANGED = "unchanged"
    STAGE = "stage"
    ACTIVATE = "activate"
    DROP = "drop"
    ROLLBACK = "rollback"
    PIN = "pin"
    UNPIN = "unpin"
    RESTORE = "restore"
    END = "end"
    EVENT_AGAIN = "event_again"
    CLEAN = "clean"
    LIST_ALL = "list_all"
    DRY_RUN = "dry_run"
    COPY = "copy"
    ODD = "odd"
    NIGHT = "night"
    LEDGER_LOST = "ledger_lost"


WEIGHTS = {
    Kind.UPLOAD: 26,
    Kind.UNCHANGED: 7,
    Kind.STAGE: 8,
    Kind.ACTIVATE: 7,
    Kind.DROP: 3,
    Kind.ROLLBACK: 8,
    Kind.PIN: 3,
    Kind.UNPIN: 3,
    Kind.RESTORE: 3,
    Kind.END: 3,
    Kind.EVENT_AGAIN: 8,
    Kind.CLEAN: 10,
    Kind.LIST_ALL: 4,
    Kind.DRY_RUN: 3,
    Kind.COPY: 4,
    Kind.ODD: 3,
}

PROCESSES = {Kind.UPLOAD, Kind.UNCHANGED, Kind.STAGE, Kind.ACTIVATE, Kind.DROP, Kind.ROLLBACK} | {
    Kind.PIN,
    Kind.UNPIN,
    Kind.RESTORE,
    Kind.END,
}
"""The kinds that are a process of the uploader."""


@dataclass(frozen=True, slots=True)
class Action:
    """One step.

    Attributes:
        kind: What is done.
        wait: Seconds before it.
        channel: The channel of a release.
        versions: Name of a file -> its version, for a build.
        kill: Seconds until its process is killed; None if it is not.
        dice: Chooses among what exists then, such as staged releases.
        seconds: How long the night is.
    """

    kind: Kind
    wait: float = 0.0
    channel: str = CHANNELS[0]
    versions: Mapping[str, int] = field(default_factory=dict)
    kill: float | None = None
    dice: float = 0.0
    seconds: int = 0


NIGHTS = (902, 902, 7 * 3600, 26 * 3600)
"""An announcement is over; the same; an intent is over; an orphan is a day old."""


def actions(seed: int, seconds: float) -> list[Action]:
    """Everything that is done in a round of some seconds."""
    chance = random.Random(seed)  # noqa: S311 (no secret)
    planned: list[Action] = []
    passed, evening, copied = 0.0, DAY_SECONDS, False
    while passed < seconds:
        (kind,) = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
        planned.append(_action(chance, kind, WAIT_SECONDS))
        passed += planned[-1].wait
        copied |= kind is Kind.COPY
        if passed > evening:
            evening = passed + DAY_SECONDS
            planned.append(Action(Kind.NIGHT, seconds=chance.choice(NIGHTS)))
            # The order of markers that were copied within a minute of their release is lost with the ledger.
            if not copied and chance.random() < 0.4:
                planned.append(Action(Kind.LEDGER_LOST))
            # While the first run deletes what fell due at night, uploads want some of it back.
            planned += [_action(chance, Kind.UPLOAD, WAIT_SECONDS / 4) for _ in CHANNELS]
    return planned


def _action(chance: random.Random, kind: Kind, wait: float) -> Action:
    killed = chance.random() < (0.2 if kind in PROCESSES else 0.12)
    return Action(
        kind,
        chance.expovariate(1 / wait),
        channel=chance.choice(CHANNELS),
        versions={name: chance.randrange(VERSIONS) for name in NAMES if chance.random() < 0.8},
        kill=chance.uniform(0.1, 1.8) if killed else None,
        dice=chance.random(),
    )


def write_build(folder: Path, versions: Mapping[str, int]) -> None:
    """Write a build: each file's fingerprint is the beginning of its MD5 digest, which S3 gives as its ETag."""
    for name, version in versions.items():
        body = f"{name} {version}\n".encode() * 40
        stem, _, ending = name.rpartition(".")
        digest = hashlib.md5(body, usedforsecurity=False).hexdigest()
        path = folder / f"{stem}-{digest[:8]}.{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    (folder / "index.html").write_text(f"<html>{dict(versions)}</html>")
