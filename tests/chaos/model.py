"""An independent model of the product: it reads the raw bucket, and knows nothing of the product but the format.

It shares no code with the uploader and the cleaner, and must not. After every step it looks at each key:

- `tests.chaos.promise`: what a current, pinned or staged release names is there, with the bytes that its fingerprint
  says; a page is stored, and in place from the file on that says so;
- what went was due, by each of the policy's settings (`tests.chaos.due`), and no standing intent named it;
- `Model.overdue`, after a quiet time: what was due did go.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.chaos import promise
from tests.chaos.due import Rules, due, retired
from tests.chaos.log import Bucket, Log, Stored, current
from tests.chaos.promise import FINGERPRINT, BrokenError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

DAY = 86_400

RUN_SECONDS = 30
"""A run that is under way does not know what is younger than this."""


@dataclass
class Model:
    """What is known from looking.

    Attributes:
        bucket: The bucket.
        rules: The policy.
        now: S3's clock.
        nights: The number of times at which nothing was under way, neither an upload nor a run.
        log: The release log.
        assets: The assets at the last look.
        checked: The number of keys checked so far.
        went: The number of assets that went.
    """

    bucket: Bucket
    rules: Rules
    now: Callable[[], datetime]
    nights: int = 0
    log: Log = field(init=False)
    assets: Mapping[str, Stored] = field(default_factory=dict)
    checked: int = 0
    went: int = 0

    def __post_init__(self) -> None:
        """Begin to read the release log."""
        self.log = Log(self.bucket)

    def look(self) -> None:
        """Look at every key.

        Raises:
            BrokenError: Something is lost, or went too early.
        """
        seen = promise.look(self.log, self.nights, self.now, self.rules.staged_ttl)
        gone = self.assets.keys() - seen.assets.keys()
        self._check_gone(gone, seen.files, self.now())
        self.checked += len(seen.assets) + seen.needed
        self.went += len(gone)
        self.assets = seen.assets

    def overdue(self) -> set[str]:
        """What is still there, although it was due: assets, intents and staged releases."""
        now, log, markers = self.now(), self.log.read(self.nights), self.log.markers()
        gone = retired(markers)
        pinned = {key for name in log if "/pins/" in name for key in self.log.files[name].assets.values()}
        assets = {
            key
            for key in due(gone, self.assets, self.rules, now, surely=True) & self.assets.keys() - pinned
            if FINGERPRINT.search(key) or self.assets[key].at <= gone[key].since
        }
        named = {key for each in markers for key in each.assets.values()} | pinned
        paths = {path for line in current(markers).values() for each in line for path in each.assets}
        strays = {key for key in self.assets.keys() - named if FINGERPRINT.search(key) and _path(key) not in paths}
        # Digits alone may be a number, so the first build has that file as a page. While it lies in place it keeps its
        # release.
        lying = [each for each in markers if any(FINGERPRINT.search(page) for page in each.stored.keys() & self.assets)]
        assets -= {key for each in lying for key in each.assets.values()}
        return assets | strays | {key for key in log if ("/pending/" in key or "/staged/" in key)}

    def _check_gone(self, gone: set[str], log: set[str], now: datetime) -> None:
        """Each asset that went was due for a run that may not know what is younger than `RUN_SECONDS`."""
        if not gone:
            return
        before = now - timedelta(seconds=RUN_SECONDS)
        markers = self.log.markers()
        events = {at for each in markers for at in (each.at, each.placed) if at is not None and at > before}
        were_due = set()
        for instant in {before, *events}:
            releases = [
                each if each.placed is None or each.placed <= instant else each._replace(placed=None)
                for each in markers
                if each.at <= instant
            ]
            were_due |= due(retired(releases), self.assets, self.rules, now, surely=False)
        named = {key for each in markers for key in each.assets.values()}
        until = now - timedelta(seconds=self.rules.pending_ttl)
        for key in gone:
            for name in log:
                file = self.log.files[name]
                standing = "/pending/" in name and file.seen < self.nights and file.at > until
                if standing and key in file.assets.values():
                    msg = f"{key} went, although the intent {name} names it"
                    raise BrokenError(msg)
            if key in named and key not in were_due:
                msg = f"{key} went too early: {retired(markers).get(key)}, and it is {now}"
                raise BrokenError(msg)
            if key not in named and (now - self.assets[key].at < timedelta(seconds=DAY) or not FINGERPRINT.search(key)):
                msg = f"{key} went, although no release names it and it is not a day old"
                raise BrokenError(msg)


def _path(key: str) -> str:
    return FINGERPRINT.sub(lambda found: found[0].replace(f"-{found[1]}", ""), key)
