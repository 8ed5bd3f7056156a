"""The cleaner against a second model of itself: the same history, the same answer, run by run.

`tests.reference` derives every instant anew from all releases; the cleaner carries a ledger from run to run. A story
is a random history of a bucket: releases of several channels, roll-backs, releases of one second, markers that appear
late, intents, staged releases and pins, lost ledgers, runs that are skipped, doubled or late. After every run the
ledger, the tags, the objects that are left and the answer must be what the reference says.

A failure names its seed. To see that one story, step by step::

    python -c "from tests.unit.cleaner_lambda.test_second_model import replay; replay(SEED)"

``MODEL_HISTORIES`` (how many stories) and ``MODEL_SEED`` (the first one's seed) may be set in the environment, to
search longer or elsewhere.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest

from cleaner_lambda import history as histories
from cleaner_lambda import policy as policies
from cleaner_lambda.folding import fold_log
from cleaner_lambda.history import History, Published, fold
from cleaner_lambda.policy import decide
from cleaner_lambda.run import Job, clean
from release_log.instants import format_instant
from release_log.ledger_file import FORMAT
from release_log.policy_settings import Policy
from release_log.tags import OUR_KEYS, Mark, State
from tests import reference
from tests.fake_cleaner_s3 import NOON, FakeS3

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cleaner_lambda.folding import FoldedLog
    from cleaner_lambda.ledger import Retired
    from cleaner_lambda.load import Loaded
    from cleaner_lambda.pace import Mapper
    from cleaner_lambda.policy import Plan, View
    from release_log.layout import Layout

HISTORIES = int(os.environ.get("MODEL_HISTORIES", "10000"))
FIRST_SEED = int(os.environ.get("MODEL_SEED", "1"))

DAY = 86_400
TICK = 5
"""Durations are multiples of it, so that instants and what falls due at them often meet to the second."""


class Difference(AssertionError):  # noqa: N818 (it is what is looked for, not an error)
    """The cleaner and the reference disagree."""


class Story:
    """One random history of one site, and what the reference needs to know of it."""

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
        self.lost = True  # there is none at first
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
        """Tell the whole story; raises `Difference` as soon as cleaner and reference disagree."""
        if self.chance(0.3):
            self.litter()
        for _ in range(self.random.choice([3, 3, 3, 4, 4, 5, 8])):
            self.release()
            for _ in range(self.random.choice([0, 1, 1, 2])):
                self.random.choice([self.wait, self.wait, self.protect, self.withdraw, self.pin])()
            if self.chance(0.5):
                self.run()
        self.wait()
        self.run()

    def chance(self, probability: float) -> bool:
        """Toss a coin."""
        return self.random.random() < probability

    def wait(self) -> None:
        """Let some time pass; now and then a day, which brings a full listing."""
        seconds = DAY if self.chance(0.06) else TICK * self.random.choice([0, 1, 1, 2, 3, 6]) + self.chance(0.2)
        self.tell(f"  {seconds} s pass")
        self.s3.advance(seconds)

    def litter(self) -> None:
        """Leave objects that no release has named yet: what an upload left behind that died long ago."""
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
        """The assets of a new build: few versions, so that they often come back; one key moves between two paths."""
        everything = {path: self.key(path, self.random.randint(0, 3)) for path in self.paths}
        if self.chance(0.15):
            everything[self.random.choice(self.paths)] = self.key("assets/moved.js", 0)
        left = [path for path in self.paths if self.chance(0.8)] or [self.random.choice(self.paths)]
        return {path: everything[path] for path in left}

    def release(self) -> None:
        """Publish a build, or an old release's assets again; the marker may appear late."""
        earlier = self.releases if self.chance(0.35) else []
        assets = dict(self.random.choice(earlier).assets) if earlier else self.build()
        channel = self.random.choice(self.channels)
        name = f"{self.random.choice('abcdefgh')}{len(self.releases)}"
        release_id = self.s3.publish(name, channel, assets)
        marker = self.s3.objects[self.s3.layout.marker_key(release_id)]
        if self.releases and self.chance(0.15):
            oldest = min(release.at for release in self.releases)
            span = round((self.s3.clock - oldest).total_seconds())
            marker.last_modified -= timedelta(seconds=self.random.randint(0, min(span, 8 * TICK)))
        release = reference.Release(release_id, marker.last_modified, channel, assets)
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
            # What was deleted and comes back without a release is in old releases, but the cleaner cannot know it
            # before a listing.
            assets = {path: key for path, key in assets.items() if key in self.s3.objects or key not in self.gone}
            if not assets:
                return
        release_id = (self.s3.stage if staged else self.s3.intend)(name, channel, assets)
        ttl = self.policy.staged_ttl if staged else self.policy.pending_ttl
        until = self.now + timedelta(seconds=ttl + 1)
        self.protections[release_id] = (until, frozenset(assets.values()))
        self.tell(f"  {'staged' if staged else 'intent'} {release_id} until {format_instant(until)}: {assets}")

    def pin(self) -> None:
        """Pin a release that is whole, or let go of one that is pinned."""
        if self.pins and self.chance(0.5):
            release_id = self.random.choice(sorted(self.pins))
            del self.pins[release_id]
            self.s3.objects.pop(self.s3.layout.pin_key(release_id))
            self.tell(f"  {release_id} is unpinned")
            return
        whole = [each for each in self.releases if self.s3.objects.keys() >= set(each.assets.values())]
        if whole:
            release = self.random.choice(whole)
            self.s3.pin(release.id, release.channel, release.assets)
            self.pins[release.id] = frozenset(release.assets.values())
            self.tell(f"  {release.id} is pinned")

    def withdraw(self) -> None:
        """Take an intent or a staged release away."""
        if self.protections:
            release_id = self.random.choice(sorted(self.protections))
            self.s3.break_off(release_id)
            _, keys = self.protections.pop(release_id)
            self.protections[f"{release_id}, withdrawn"] = (NOON - timedelta(days=9), keys)
            self.tell(f"  {release_id} is withdrawn")

    def lose_ledger(self) -> None:
        """Now and then delete the ledger, break it, or have it written by a newer cleaner.

        Not where the reference would need to know what tags alone say: of orphans whose state changed meanwhile, and of
        assets that a late marker makes older than their tags say.
        """
        key = self.s3.layout.ledger
        if not self.chance(0.12) or key not in self.s3.objects or self.late or (self.orphans and self.unseen):
            return
        way = self.random.choice(["deleted", "broken", "cut short", "of a newer format"])
        body = self.s3.objects[key].body
        if way == "deleted":
            del self.s3.objects[key]
        elif way == "broken":
            self.s3.put(key, self.random.randbytes(self.random.randint(0, 60)))
        elif way == "cut short":
            self.s3.put(key, body[: self.random.randrange(len(body))])
        else:
            document = {**json.loads(gzip.decompress(body)), "format": FORMAT + 1}
            self.s3.put(key, gzip.compress(json.dumps(document).encode()))
        self.tell(f"  the ledger is {way}")
        self.lost = True

    @property
    def now(self) -> datetime:
        """S3's clock, as it tells it."""
        return self.s3.clock.replace(microsecond=0)

    # A run, and what the reference says of it

    def run(self) -> None:
        """Run the cleaner, as a rule once, and compare."""
        for _ in range(self.random.choice([1, 1, 1, 1, 1, 2])):
            self.lose_ledger()
            self.tell(f"  run at {format_instant(self.now)}")
            self._run()

    def _run(self) -> None:
        if self.lost:  # An orphan is known by its tag, or found anew.
            self.orphans = {key: at for key, at in self.orphans.items() if OUR_KEYS & self.s3.tags(key).keys()}
        before = self.s3.assets()
        uploaded = {key: self.s3.objects[key].last_modified for key in before}

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
        # The cleaner keeps since when an orphan is in its state, not when it was found.
        self.orphans = {
            key: retired[key].since if key in retired else at for key, at in self.orphans.items() if key in left
        }
        self.gone = (self.gone | (before - left)) - left
        self.unseen, self.late = [], False

    def site(self, present: set[str]) -> reference.Site:
        """What the reference is asked about."""
        protected: dict[str, datetime] = {}
        for until, keys in self.protections.values():
            protected |= {key: max(until, protected.get(key, until)) for key in keys}
        pinned = frozenset().union(*self.pins.values())
        return reference.Site(self.releases, present, protected, pinned, self.orphans)

    def compare(self, what: str, cleaner: object, expected: object) -> None:
        """Raise where the two differ."""
        if cleaner != expected:
            msg = (
                f"seed {self.seed}, {format_instant(self.now)}, {what}:\n  cleaner   {_show(cleaner)}\n"
                f"  reference {_show(expected)}\nreplay({self.seed}) in {__name__} tells the whole story"
            )
            raise Difference(msg)


def _show(value: object) -> str:
    items = sorted(value.items()) if isinstance(value, dict) else sorted(value) if isinstance(value, set) else [value]
    return ", ".join(str(item) for item in items) or "nothing"


def replay(seed: int) -> None:
    """Tell one story aloud; raises where it goes wrong."""
    Story(seed, print).play()


def play(first: int, count: int) -> None:
    """Tell many stories."""
    for seed in range(first, first + count):
        Story(seed).play()


@pytest.mark.timeout(max(180, HISTORIES // 20))
def test_cleaner_agrees_with_the_reference_after_every_run() -> None:
    """Whatever came in between, and in whatever order it came to be known."""
    play(FIRST_SEED, HISTORIES)


# Does it bite? Each rule broken on purpose, in the real code, makes a difference within some hundred stories.

Mutant = Callable[[pytest.MonkeyPatch], None]


def deciding_on(change: Callable[[View, Policy], tuple[View, Policy]]) -> Mutant:
    """The policy is asked about another state, or with other settings."""

    def mutant(patch: pytest.MonkeyPatch) -> None:
        def mutated(view: View, policy: Policy, now: datetime, *, force: bool = False) -> Plan:
            return decide(*change(view, policy), now, force=force)

        patch.setattr("cleaner_lambda.run.decide", mutated)

    return mutant


def ranking(change: Callable[[View], View]) -> Mutant:
    """The ranks are those of another state."""
    ranks = policies._ranks  # noqa: SLF001 (to break what it does)
    return lambda patch: patch.setattr(policies, "_ranks", lambda view: ranks(change(view)))


def uploaded_order(view: View) -> View:
    """Nothing but the release's id tells versions apart."""
    return replace(
        view, retired={key: replace(each, mark=Mark(each.mark.state, NOON)) for key, each in view.retired.items()}
    )


def since_the_run(patch: pytest.MonkeyPatch) -> None:
    """What is new is dated with the run that found it, not with its marker."""

    def mutated(store: FakeS3, layout: Layout, loaded: Loaded, _mapper: Mapper) -> FoldedLog:
        folded, known = fold_log(store, layout, loaded), loaded.ledger.retired
        history = folded.history
        new = {key for key, each in history.retired.items() if key not in known or known[key].mark != each.mark}
        dated = {
            key: replace(history.retired[key], mark=Mark(history.retired[key].mark.state, store.now())) for key in new
        }
        return replace(folded, history=replace(history, retired={**history.retired, **dated}))

    patch.setattr("cleaner_lambda.run.fold_log", mutated)


def revived_keeps_its_clock(patch: pytest.MonkeyPatch) -> None:
    """A key that lives again and leaves again is dated with the first time."""
    first: dict[str, datetime] = {}

    def mutated(history: History, releases: Iterable[Published]) -> History:
        if not history.current:
            first.clear()
        for published in sorted(releases, key=lambda each: each.order):
            before, history = history.retired, fold(history, [published])
            first.update({key: before[key].mark.since for key in before.keys() - history.retired.keys()})
            left = {
                key: replace(each, mark=Mark(each.mark.state, first.get(key, each.mark.since)))
                for key, each in history.retired.items()
                if key not in before
            }
            history = replace(history, retired={**history.retired, **left})
        return history

    patch.setattr("cleaner_lambda.folding.fold", mutated)


def removed_for_ever(patch: pytest.MonkeyPatch) -> None:
    """A logical path that comes back leaves its old versions removed."""
    restate = histories.restate

    def mutated(entry: Retired, paths: set[str], at: datetime) -> Retired:
        return entry if entry.mark.state is State.REMOVED else restate(entry, paths, at)

    patch.setattr(histories, "restate", mutated)


def other_channels_ignored(patch: pytest.MonkeyPatch) -> None:
    """Only the channel of the newest release counts."""
    for name in ("live_keys", "live_paths"):
        whole = getattr(History, name)

        def mutated(history: History, whole: Callable[[History], set[str]] = whole) -> set[str]:
            newest = sorted(history.current.items(), key=lambda each: each[1].order)[-1:]
            return whole(replace(history, current=dict(newest)))

        patch.setattr(History, name, mutated)


MUTANTS: dict[str, Mutant] = {
    "version_limit is off by one": deciding_on(lambda v, p: (v, replace(p, version_limit=p.version_limit + 1))),
    "version_ttl is > not >=": deciding_on(lambda v, p: (v, replace(p, version_ttl=p.version_ttl + 1))),
    "removed_ttl is > not >=": deciding_on(lambda v, p: (v, replace(p, removed_ttl=p.removed_ttl + 1))),
    "grace is no floor": deciding_on(lambda v, p: (v, replace(p, grace=0))),
    "protection is ignored": deciding_on(lambda v, p: (replace(v, protected={}), p)),
    "pins are ignored": deciding_on(lambda v, p: (replace(v, pinned=frozenset()), p)),
    "keep_releases is ignored": deciding_on(lambda v, p: (replace(v, kept=frozenset()), p)),
    "a rebuilt ledger deletes at once": deciding_on(lambda v, p: (replace(v, stops=()), p)),
    "revived keys keep their tag": deciding_on(lambda v, p: (replace(v, owed=frozenset()), p)),
    "protected versions take a place": ranking(lambda view: replace(view, protected={})),
    "ranks follow the upload": ranking(uploaded_order),
    "since is when the run was": since_the_run,
    "a revived key keeps its clock": revived_keeps_its_clock,
    "a path that comes back is still removed": removed_for_ever,
    "other channels are ignored": other_channels_ignored,
    "markers are ordered by id alone": lambda patch: patch.setattr(
        Published, "order", property(lambda published: (NOON, published.id))
    ),
    "a young object is an orphan": lambda patch: patch.setattr("cleaner_lambda.listing.ORPHAN_SECONDS", 0),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_broken_rule_makes_a_difference(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within 500 stories; as a rule within 20."""
    MUTANTS[name](monkeypatch)
    with pytest.raises(Difference):
        play(1, 500)


def test_story_of_a_seed_is_always_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """So that the seed of a failure tells it again, up to where it fails."""
    MUTANTS["protection is ignored"](monkeypatch)
    with pytest.raises(Difference) as failure:
        play(1, 500)
    seed = int(str(failure.value).removeprefix("seed ").partition(",")[0])
    with pytest.raises(Difference) as again:
        replay(seed)
    assert str(again.value) == str(failure.value)
    assert capsys.readouterr().out.startswith(f"seed {seed}: Policy(")
