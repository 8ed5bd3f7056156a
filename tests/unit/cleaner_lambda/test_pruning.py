"""Files that the release log no longer needs are deleted, and a rebuild from the rest finds the same instants."""

from __future__ import annotations

import copy
from datetime import timedelta
from random import Random

import pytest

from cleaner_lambda import pruning
from cleaner_lambda.ledger import Folded, Retired
from cleaner_lambda.pruning import KEEP_MARKERS, old_markers
from cleaner_lambda.run import Job, clean
from release_log.policy_settings import Policy
from release_log.tags import Mark, State
from tests.fake_cleaner_s3 import NOON, FakeS3

KEEP = Policy(version_limit=100, version_ttl=0, removed_ttl=10**9, grace=0)
"""Nothing is deleted."""
SOON = Policy(version_limit=1, version_ttl=0, removed_ttl=600, grace=0)


def folded(*channels: str) -> dict[str, Folded]:
    """Markers r000, r001, … a second apart, in these channels."""
    return {f"r{n:03}": Folded(NOON + timedelta(seconds=n), channel) for n, channel in enumerate(channels)}


def last_named_by(release: str) -> Retired:
    """A retired asset."""
    return Retired("app.js", Mark(State.SUPERSEDED, NOON), 1, release)


def run(s3: FakeS3, policy: Policy) -> int:
    """Run the cleaner; returns how many files of the log it deleted."""
    report = clean(s3, Job(prefix="assets/", policy=policy, run="run"))
    assert not report.outcome.failed
    return len(report.outcome.pruned)


def test_the_newest_hundred_of_each_channel_stay() -> None:
    log = folded(*["a"] * 150, *["b"] * 50)
    assert old_markers(log, [], {"r149", "r199"}) == [f"r{n:03}" for n in range(50)]


def test_a_channel_that_rests_keeps_nothing_of_another() -> None:
    """Its current marker is old, and stays; the other channel's old markers are deleted all the same."""
    log = folded("rests", *["busy"] * 300)
    assert old_markers(log, [], {"r000", "r300"}) == [f"r{n:03}" for n in range(1, 201)]


def test_from_the_last_marker_that_names_an_asset_that_is_there_all_stay() -> None:
    """And before it, in each channel, the marker that was current then."""
    log = folded(*["a", "b"] * 150)
    gone = old_markers(log, [last_named_by("r040")], {"r298", "r299"})
    assert gone == [f"r{n:03}" for n in range(38)]


def test_a_marker_that_is_to_be_kept_stays() -> None:
    assert "r003" not in old_markers(folded(*["a"] * 200), [], {"r003"})


def test_the_marker_of_a_pinned_release_stays_and_so_does_the_pin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever their age: a roll-back to it is possible."""
    monkeypatch.setattr(pruning, "KEEP_MARKERS", 2)
    s3, assets = FakeS3(), {"assets/app.js": "assets/app-1a1a1a1a.js"}
    ids = []
    for number in range(6):
        ids.append(s3.publish(f"r{number}", "default", assets))
        s3.advance(60)
    pin = s3.layout.pin_key(s3.pin(ids[1], "default", assets))
    run(s3, SOON)
    s3.advance(10**8)
    assert run(s3, SOON) == 3
    assert {s3.layout.marker_key(ids[n]) for n in (1, 4, 5)} == {
        k for k in s3.objects if k.startswith(s3.layout.markers)
    }
    assert pin in s3.objects


def test_expired_intents_and_staged_releases_go_and_others_stay() -> None:
    s3 = FakeS3()
    s3.publish("r1", "default", {"assets/app.js": "assets/app-1a1a1a1a.js"})
    old = [s3.intend("i1", "default", {"assets/app.js": "assets/app-1a1a1a1a.js"})]
    run(s3, KEEP)
    s3.advance(KEEP.pending_ttl + 1)
    young = s3.intend("i2", "default", {"assets/app.js": "assets/app-2b2b2b2b.js"})
    assert run(s3, KEEP) == 1
    names = {key.rpartition("/")[2] for key in s3.objects if key.startswith(s3.layout.pending)}
    assert names == {f"{young}.json"}
    assert f"{old[0]}.json" not in names
    s3.stage("s1", "default", {"assets/app.js": "assets/app-3c3c3c3c.js"})
    s3.advance(KEEP.staged_ttl + 1)
    assert run(s3, KEEP) == 2
    assert s3.ledger.deleting is None


def test_an_intent_that_is_new_at_the_second_look_stays_though_an_expired_one_had_its_name() -> None:
    """Its uploader reads the announcement and takes another name; but the cleaner does not rely on that."""
    s3 = FakeS3()
    s3.publish("r1", "default", {"assets/app.js": "assets/app-1a1a1a1a.js"})
    intent = s3.intend("i1", "default", {"assets/app.js": "assets/app-1a1a1a1a.js"})
    run(s3, KEEP)
    s3.advance(KEEP.pending_ttl + 1)

    def again(operation: str, key: str) -> None:
        if (operation, key) == ("put_if", s3.layout.ledger):
            s3.on_request = None
            s3.break_off(intent)
            s3.intend(intent, "default", {"assets/app.js": "assets/app-1a1a1a1a.js"})

    s3.on_request = again
    assert run(s3, KEEP) == 0
    assert s3.layout.pending_key(intent) in s3.objects


def test_nothing_is_pruned_while_anything_stops_deletion() -> None:
    s3 = FakeS3()
    s3.publish("r1", "default", {"assets/app.js": "assets/app-1a1a1a1a.js"})
    s3.intend("i1", "default", {"assets/app.js": "assets/app-1a1a1a1a.js"})
    run(s3, KEEP)
    s3.put(f"{s3.layout.markers}20261123T130000Z-r2.json", b"no marker")
    s3.advance(KEEP.pending_ttl + 1)
    assert run(s3, KEEP) == 0


@pytest.mark.parametrize("policy", [KEEP, SOON], ids=["keep", "soon"])
def test_a_rebuild_from_the_pruned_log_finds_the_same_instants(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many releases in several channels, with few markers kept; the ledger is lost after each run of a copy."""
    monkeypatch.setattr(pruning, "KEEP_MARKERS", 2)
    pruned = sum(_story(seed, policy) for seed in range(60))
    assert pruned > 30, "hardly anything was pruned: this shows nothing"


def _story(seed: int, policy: Policy) -> int:
    random, s3, pruned = Random(seed), FakeS3(), 0  # noqa: S311 (a story, no secret)
    for number in range(14):
        paths = [path for path in ("app", "lib", "page") if random.random() < 0.6] or ["app"]
        assets = {f"assets/{path}.js": f"assets/{path}-{random.randrange(4)}a1b2c3d.js" for path in paths}
        s3.publish(f"r{number:02}", random.choice(("default", "staging", "beta")), assets)
        s3.advance(random.choice((0, 1, 400)))
        if random.random() < 0.3:
            continue
        pruned += run(s3, policy)
        other = copy.deepcopy(s3)
        del other.objects[other.layout.ledger]
        run(other, policy)
        where = f"seed {seed}, after r{number:02}"
        assert _what_is_known(other) == _what_is_known(s3), where
    return pruned


def _what_is_known(s3: FakeS3) -> dict[str, object]:
    return {
        "retired": {key: (entry.mark, entry.logical, entry.release) for key, entry in s3.ledger.retired.items()},
        "current": s3.ledger.current,
        "tags": {key: s3.tags(key) for key in s3.assets()},
    }


def test_a_hundred_is_what_people_may_look_back() -> None:
    assert KEEP_MARKERS == 100
