"""How each action is done to the world."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

from tests.chaos.log import LOG, PREFIX
from tests.chaos.plan import Action, Kind, write_build
from tests.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.chaos.model import Model
    from tests.chaos.world import World

ODD = {
    "a folder/ä ö.txt": b"odd",
    "app%2D1.js": b"odd",
    ".hidden": b"",
    "e\u0301te\u0301-a2b6f2a6.js": b"odd",
    "folder/": b"",
    ".releases/README.txt": b"odd",
    ".releases/markers/notes.txt": b"odd",
    ".releases/pins/": b"",
    ".releases/markers/20260101T000000Z-odd.json": b'{"format": 1, "assets": [',
    ".releases/pending/20260101T000000Z-odd.json": b"\x00",
}
"""What a neighbour leaves behind, below the site's prefix."""


class Deeds:
    """Does the actions of a plan.

    Attributes:
        folders: Channel -> the folder of its last build.
    """

    def __init__(self, world: World, model: Model) -> None:
        self.world, self.model = world, model
        self.folders: dict[str, Path] = {}
        self._does: dict[Kind, Callable[[Action], object]] = {
            Kind.UPLOAD: self._upload,
            Kind.UNCHANGED: self._unchanged,
            Kind.STAGE: lambda action: self._upload(action, "--stage"),
            Kind.ACTIVATE: lambda action: self._on("activate", "staged", action),
            Kind.DROP: lambda action: self._on("drop", "staged", action),
            Kind.ROLLBACK: self._roll_back,
            Kind.PIN: lambda action: self._on("pin", "markers", action),
            Kind.UNPIN: lambda action: self._on("unpin", "pins", action),
            Kind.RESTORE: self._restore,
            Kind.END: lambda action: self.world.start("end", f"--channel={action.channel}", kill=action.kill),
            Kind.EVENT_AGAIN: self._event_again,
            Kind.CLEAN: lambda action: self.world.invoke({"site": PREFIX}, _requests(action)),
            Kind.LIST_ALL: lambda action: self.world.invoke({"site": PREFIX, "full": True}, _requests(action)),
            Kind.DRY_RUN: lambda action: self.world.invoke({"site": PREFIX, "dry_run": True}, _requests(action)),
            Kind.COPY: self._copy,
            Kind.ODD: self._odd,
            Kind.NIGHT: self._night,
            Kind.LEDGER_LOST: self._lose_ledger,
        }

    def do(self, action: Action) -> None:
        """Do it, or begin it."""
        self.world.counts[action.kind] += 1
        self._does[action.kind](action)

    def _upload(self, action: Action, *options: str) -> None:
        folder = self.world.folder()
        write_build(folder, action.versions)
        self.folders[action.channel] = folder
        self.world.start("upload", folder, f"--channel={action.channel}", *options, kill=action.kill)

    def _unchanged(self, action: Action) -> None:
        if action.channel in self.folders:
            folder = self.folders[action.channel]
            self.world.start("upload", folder, f"--channel={action.channel}", kill=action.kill)

    def _on(self, command: str, folder: str, action: Action) -> None:
        """A command on one of the releases that are in a folder of the release log."""
        ids = [each for each in self.world.ids(folder) if f"{LOG}{folder}/{each}.json" in self.model.log.files]
        if ids:
            self.world.start(command, ids[int(action.dice * len(ids))], kill=action.kill)

    def _roll_back(self, action: Action) -> None:
        if action.dice < 0.5:
            self.world.start("rollback", "--previous", f"--channel={action.channel}", kill=action.kill)
        else:
            self._on("rollback", "markers", action)

    def _restore(self, action: Action) -> None:
        ids = self.world.ids("markers")
        ids = [each for each in ids if f"{LOG}markers/{each}.json" in self.model.log.files]
        if ids:
            self.world.start("restore", f"--release={ids[int(action.dice * len(ids))]}", kill=action.kill)

    def _event_again(self, action: Action) -> None:
        """S3's event of a marker, delivered once more: of the newest one, or of any."""
        ids = self.world.ids("markers")
        if ids:
            event = json.loads((ROOT / "tests" / "events" / "object_created.json").read_text())
            event["detail"]["bucket"]["name"] = self.world.site.bucket
            chosen = ids[-1] if action.dice < 0.5 else ids[int(action.dice * len(ids))]
            event["detail"]["object"]["key"] = f"{LOG}markers/{chosen}.json"
            for _ in range(1 + (action.dice > 0.8)):
                self.world.invoke(event, _requests(action))

    def _copy(self, action: Action) -> None:
        """Copy a marker onto itself; one that a run has seen, so that its instant is known."""
        packed = self.world.read(f"{LOG}ledger.json.gz")
        folded = json.loads(gzip.decompress(packed))["folded"] if packed else {}
        keys = [key for key in (f"{LOG}markers/{each}.json" for each in folded) if key in self.model.log.files]
        if keys:
            bucket, key = self.world.site.bucket, keys[int(action.dice * len(keys))]
            self.world.s3.copy_object(
                Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": key}, StorageClass="STANDARD_IA"
            )

    def _odd(self, action: Action) -> None:
        key = list(ODD)[int(action.dice * len(ODD))]
        self.world.s3.put_object(Bucket=self.world.site.bucket, Key=PREFIX + key, Body=ODD[key])

    def tidy(self) -> None:
        """Delete the files of the release log that a stop would name."""
        for key in (PREFIX + key for key in ODD if key.startswith(".releases/")):
            self.world.s3.delete_object(Bucket=self.world.site.bucket, Key=key)

    def _night(self, action: Action) -> None:
        self._sleep(action.seconds)
        self.model.look()
        self.model.nights += 1
        self.tidy()
        self.world.start_cleaner()
        self.world.invoke({"site": PREFIX, "full": True}, _requests(action))

    def _sleep(self, seconds: float) -> None:
        """Let hours pass. What went in the evening is looked at by the evening's clock: a run then knew less."""
        self.world.rest()
        self.model.look()
        self.world.clock.leap(seconds)

    def _lose_ledger(self, _action: Action) -> None:
        """As `docs/protocol.md` allows: the cleaner is stopped, and a quarter of an hour over."""
        self._sleep(902)
        self.world.s3.delete_object(Bucket=self.world.site.bucket, Key=f"{LOG}ledger.json.gz")
        self.world.start_cleaner()


def _requests(action: Action) -> int | None:
    """After how many requests of the function it is killed."""
    return None if action.kill is None else int(action.kill * 20)
