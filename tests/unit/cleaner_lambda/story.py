"""A random history of one site, and the comparison of the cleaner with `tests.reference` after every run.

`tests.reference` derives every instant anew from all releases; the cleaner carries a ledger from run to run. A story
has releases of several channels, ends of channels, roll-backs, releases of one second, markers that appear late,
intents, staged releases and pins, lost ledgers, and runs that are skipped, doubled or late. After every run the ledger,
the tags, the objects that are left and the answer must agree with the reference.

A failure names its seed. To see that story step by step::

    python -c "from tests.unit.cleaner_lambda.story import replay; replay(SEED)"
"""

from __future__ import annotations

from contextlib import nullcontext
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from cleaner_lambda.job import Job
from cleaner_lambda.run import clean
from release_log.instants import format_instant
from release_log.ledger_file import FORMAT, HEAD_FORMAT
from release_log.policy_settings import Policy
from release_log.tags import OUR_KEYS
from tests import reference
from tests.fake_cleaner_s3 import NOON, FakeS3
from tests.few_markers import few_markers
from tests.ledger_formats import writing

if TYPE_CHECKING:
    from collections.abc import Callable


DAY = 86_400
TICK = 5
"""Durations are multiples of it, so that instants and due instants are often the same second."""


class Difference(AssertionError):  # noqa: N818 (the tests look for it)
    """The cleaner and the reference disagree."""


class Story:
    """One random history of one site, with the facts that the reference needs."""

    def __init__(self, seed: int, tell: Callable[[str], None] = lambda _: None) -> None:
        self.seed = seed
        self.tell = tell
        self.random = Random(seed)  # noqa: S311 (a story, not a secret)
        self.s3 = FakeS3()
        self.policy = self._policy()
        self.channels = ["production", "staging", "preview"][: self.random.randint(1, 3)]
        self.paths = [f"assets/{name}.js" for name in "abcd"[: self.random.randint(2, 4)]]
        self.releases: list[reference.Release] = []
        self.protections: dict[str, tuple[datetime, frozenset[str]]] = {}
        self.pins: dict[str, frozenset[str]] = {}
        self.orphans: dict[str, datetime] = {}
        self.gone: set[str] = set()
        self.unseen: list[reference.Release] = []
        self.late = False
        self.copies, self.copied = self.chance(0.3), False
        self.few_markers, self.ends = self.chance(0.15), False
        if seed % 5 == 0:  # in a batch S3 cannot read these, as it cannot read a control character
            self.s3.unreadable = {self.key(self.paths[0], version) for version in range(10)}
        self.over = False
        self.lost = True  # at first there is no ledger
        tell(f"seed {seed}: {self.policy}")

    def _policy(self) -> Policy:
        def ticks(*counts: int) -> int:
            return TICK * self.random.choice(counts)

        return Policy(
            version_limit=self.random.choice([0, 1, 1, 2]),
            version_ttl=ticks(0, 1, 2, 4),
            removed_ttl=ticks(0, 1, 3, 6),
            grace=ticks(0, 0, 1, 2),
            keep_releases=self.random.choice([0, 0, 0, 1, 2]),
            pending_ttl=ticks(2, 8) - 1,  # a protection ends a second later, and so on a tick
            staged_ttl=ticks(2, 8) - 1,
        )

    # What happens to the bucket

    def play(self) -> None:
        """Play the whole story; raises `Difference` as soon as cleaner and reference disagree."""
        with few_markers(self.random.choice([1, 2])) if self.few_markers else nullcontext():
            self._play()

    def _play(self) -> None:
        if self.chance(0.3):
            self.litter()
        for _ in range(self.random.choice([3, 3, 3, 4, 4, 5, 8])):
            if self.over:
                return
            self.release()
            for _ in range(self.random.choice([0, 1, 1, 2])):
                self.random.choice([self.wait, self.wait, self.protect, self.withdraw, self.pin, self.copy])()
            if self.chance(0.5):
                self.run()
        self.wait()
        self.run()

    def chance(self, probability: float) -> bool:
        """Toss a coin."""
        return self.random.random() < probability

    def wait(self) -> None:
        """Let some time pass; now and then a day, after which a full listing is due."""
        seconds = DAY if self.chance(0.06) else TICK * self.random.choice([0, 1, 1, 2, 3, 6]) + self.chance(0.2)
        self.tell(f"  {seconds} s pass")
        self.s3.advance(seconds)

    def litter(self) -> None:
        """Leave objects that no release has named yet, as an upload that died long ago does."""
        self.s3.advance(-2 * DAY)
        for path in self.paths:
            if self.chance(0.5):
                key = self.random.choice([self.key(path, 0), self.key(path, 9), path])
                self.tell(f"  stray {key}")
                self.s3.put(key)
        self.s3.advance(2 * DAY)

    def key(self, path: str, version: int) -> str:
        """A fingerprinted key."""
        return path.replace(".js", f"-{version}a{version}b{version}c{version}d.js")

    def build(self) -> dict[str, str]:
        """The assets of a new build. Versions are few, so that they often come back; one key changes its path."""
        everything = {path: self.key(path, self.random.randint(0, 3)) for path in self.paths}
        if self.chance(0.15):
            everything[self.random.choice(self.paths)] = self.key("assets/moved.js", 0)
        left = [path for path in self.paths if self.chance(0.8)] or [self.random.choice(self.paths)]
        return {path: everything[path] for path in left}

    def release(self) -> None:
        """Publish a build, or an old release's assets again, or end a channel; the marker may appear late."""
        if self.few_markers or self.ends:
            # An uploader waits for the second after the newest marker. If a run has deleted that one, the name decides.
            self.s3.advance(1)
        earlier = [each for each in self.releases if not each.ended] if self.chance(0.35) else []
        assets = dict(self.random.choice(earlier).assets) if earlier else self.build()
        channel = self.random.choice(self.channels)
        name = f"{self.random.choice('abcdefgh')}{len(self.releases)}"
        ended = self.chance(0.1)
        self.ends |= ended
        assets = {} if ended else assets
        release_id = self.s3.end(channel, name) if ended else self.s3.publish(name, channel, assets)
        marker = self.s3.objects[self.s3.layout.marker_key(release_id)]
        if self.releases and not self.few_markers and self.chance(0.15):
            oldest = min(release.at for release in self.releases)
            span = round((self.s3.clock - oldest).total_seconds())
            marker.last_modified -= timedelta(seconds=self.random.randint(0, min(span, 8 * TICK)))
        release = reference.Release(release_id, marker.last_modified, channel, assets, ended)
        self.late |= any((release.at, release.id) < (other.at, other.id) for other in self.releases)
        self.releases.append(release)
        self.unseen.append(release)
        self.tell(f"  {channel}: {release_id} at {format_instant(release.at)}: {assets}")

    def protect(self) -> None:
        """Begin an upload, or stage a release."""
        staged = self.chance(0.5)
        name = f"p{len(self.protections)}"
        channel = self.random.choice(self.channels)
        assets = self.build()
        if staged:
            # A deleted asset that comes back without a release is in old releases, but the cleaner only learns of it
            # by a listing.
            assets = {path: key for path, key in assets.items() if key in self.s3.objects or key not in self.gone}
            if not assets:
                return
        release_id = (self.s3.stage if staged else self.s3.intend)(name, channel, assets)
        ttl = self.policy.staged_ttl if staged else self.policy.pending_ttl
        until = self.now + timedelta(seconds=ttl + 1)
        self.protections[release_id] = (until, frozenset(assets.values()))
        self.tell(f"  {'staged' if staged else 'intent'} {release_id} until {format_instant(until)}: {assets}")

    def pin(self) -> None:
        """Pin a release that is whole, or unpin a pinned one."""
        if self.pins and self.chance(0.5):
            release_id = self.random.choice(sorted(self.pins))
            del self.pins[release_id]
            self.s3.objects.pop(self.s3.layout.pin_key(release_id))
            self.tell(f"  {release_id} is unpinned")
            return
        whole = [each for each in self.releases if self.s3.objects.keys() >= set(each.assets.values()) and each.assets]
        if whole:
            release = self.random.choice(whole)
            self.s3.pin(release.id, release.channel, release.assets)
            self.pins[release.id] = frozenset(release.assets.values())
            self.tell(f"  {release.id} is pinned")

    def copy(self) -> None:
        """Copy a marker that the cleaner has seen onto itself: its ``LastModified`` is anew, and its release is not."""
        seen = [each for each in self.releases if each not in self.unseen]
        if not seen or self.lost or not self.copies:
            return
        release = self.random.choice(seen)
        key = self.s3.layout.marker_key(release.id)
        if key in self.s3.objects:
            self.s3.put(key, self.s3.objects[key].body)
            self.copied = True
            self.tell(f"  {release.id} is copied onto itself at {format_instant(self.now)}")

    def withdraw(self) -> None:
        """Remove an intent or a staged release."""
        if self.protections:
            release_id = self.random.choice(sorted(self.protections))
            self.s3.break_off(release_id)
            _, keys = self.protections.pop(release_id)
            self.protections[f"{release_id}, withdrawn"] = (NOON - timedelta(days=9), keys)
            self.tell(f"  {release_id} is withdrawn")

    def lose_ledger(self) -> None:
        """Now and then delete the ledger, or break it.

        Not where the reference would need to know what tags alone say: of orphans whose state changed meanwhile, and of
        assets that a late marker makes older than their tags say. Nor after a copy: the marker's instant is lost too.
        """
        key = self.s3.layout.ledger
        unknown = self.late or self.copied or (self.orphans and self.unseen)
        if not self.chance(0.12) or key not in self.s3.objects or unknown:
            return
        files = sorted(each for each in self.s3.objects if each.startswith(self.s3.layout.ledger_files))
        way = self.random.choice(["deleted", "broken", "cut short", *(["without its files"] if files else [])])
        body = self.s3.objects[key].body
        if way == "deleted":
            del self.s3.objects[key]
        elif way == "without its files":
            self.s3.objects = {each: stored for each, stored in self.s3.objects.items() if each not in files}
        elif way == "broken":
            self.s3.put(key, self.random.randbytes(self.random.randint(0, 60)))
        else:
            self.s3.put(key, body[: self.random.randrange(len(body))])
        self.tell(f"  the ledger is {way}")
        self.lost = True

    @property
    def now(self) -> datetime:
        """S3's clock, in whole seconds."""
        return self.s3.clock.replace(microsecond=0)

    # A run, and its comparison with the reference

    def run(self) -> None:
        """Run the cleaner, as a rule once, and compare."""
        for _ in range(self.random.choice([1, 1, 1, 1, 1, 2])):
            self.lose_ledger()
            self.tell(f"  run at {format_instant(self.now)}")
            self._run()

    def _run(self) -> None:
        if self.lost:  # An orphan's tag dates it, or a listing finds it again.
            self.orphans = {key: at for key, at in self.orphans.items() if OUR_KEYS & self.s3.tags(key).keys()}
        before = self.s3.assets()
        uploaded = {key: self.s3.objects[key].last_modified for key in before}

        # Half of the stories are told with the ledger's next format.
        with writing(HEAD_FORMAT if self.seed % 2 else FORMAT):
            answer = clean(self.s3, Job(prefix="assets/", policy=self.policy, run="model")).document()

        if answer["orphans"] is not None:
            found = reference.strays(self.site(before), uploaded, self.now)
            self.orphans |= dict.fromkeys(found - self.orphans.keys(), self.now)
        expected = set() if self.lost else reference.due(self.site(before), self.policy, self.now)
        left = self.s3.assets()
        self.compare("deleted", before - left, expected)
        self.compare("said to be deleted", {entry["key"] for entry in answer["delete"]}, expected)
        self.compare("appeared", left - before, set())

        site = self.site(left)
        retired = reference.retired(site)
        if self.s3.layout.ledger in self.s3.objects:
            entries = self.s3.ledger.retired.items()
            self.compare(
                "ledger",
                {key: (each.mark.state, each.mark.since, each.logical, each.release) for key, each in entries},
                {key: (each.state, each.since, each.logical, each.release) for key, each in retired.items()},
            )
            self.lost = False
        elif self.releases:
            self.compare("ledger", None, retired)
        safe = reference.protected(site, self.now)
        tags = {f"{key} {name}": value for key in left for name, value in self.s3.tags(key).items()}
        bare = {key: each for key, each in retired.items() if key not in safe}
        self.compare("tags", tags, {f"{key} {each.state}_at": format_instant(each.since) for key, each in bare.items()})
        # The cleaner stores when an orphan entered its state, not when it was found.
        self.orphans = {
            key: retired[key].since if key in retired else at for key, at in self.orphans.items() if key in left
        }
        self.gone = (self.gone | (before - left)) - left
        self.unseen, self.late = [], False
        self.releases = [each for each in self.releases if self._counts(each, left)]
        self.over = not any(self._is_there(each) for each in self.releases)

    def _is_there(self, release: reference.Release) -> bool:
        return self.s3.layout.marker_key(release.id) in self.s3.objects

    def _counts(self, release: reference.Release, left: set[str]) -> bool:
        """Whether a release still matters: what a channel that has ended leaves changes nothing for the others."""
        if self._is_there(release) or not self.few_markers:
            return self._is_there(release)
        theirs = sorted((each for each in self.releases if each.channel == release.channel), key=_order)
        return not theirs[-1].ended or any(not left.isdisjoint(each.assets.values()) for each in theirs)

    def site(self, present: set[str]) -> reference.Site:
        """The site for the reference."""
        protected: dict[str, datetime] = {}
        for until, keys in self.protections.values():
            protected |= {key: max(until, protected.get(key, until)) for key in keys}
        pinned = frozenset().union(*self.pins.values())
        return reference.Site(self.releases, present, protected, pinned, self.orphans)

    def compare(self, what: str, cleaner: object, expected: object) -> None:
        """Raise if the two differ."""
        if cleaner != expected:
            msg = (
                f"seed {self.seed}, {format_instant(self.now)}, {what}:\n  cleaner   {_show(cleaner)}\n"
                f"  reference {_show(expected)}\nreplay({self.seed}) in {__name__} tells the whole story"
            )
            raise Difference(msg)


def _order(release: reference.Release) -> tuple[datetime, str]:
    return release.at, release.id


def _show(value: object) -> str:
    items = sorted(value.items()) if isinstance(value, dict) else sorted(value) if isinstance(value, set) else [value]
    return ", ".join(str(item) for item in items) or "nothing"


def replay(seed: int) -> None:
    """Print one story; raises where it goes wrong."""
    Story(seed, print).play()


def play(first: int, count: int) -> None:
    """Play many stories."""
    for seed in range(first, first + count):
        Story(seed).play()
