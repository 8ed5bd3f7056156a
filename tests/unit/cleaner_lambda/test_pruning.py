"""Files that the release log no longer needs are deleted, and a rebuild from the rest finds the same instants."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest

from cleaner_lambda import pruning
from cleaner_lambda.job import Job
from cleaner_lambda.ledger import Folded, Ledger, Retired
from cleaner_lambda.pruning import EVERY, KEEP_MARKERS, SETTLED, checkpoint, next_cut, old_markers
from cleaner_lambda.run import clean
from release_log.policy_settings import Policy
from release_log.tags import Mark, State
from tests.fake_cleaner_s3 import NOON, FakeS3, client_error
from tests.unit.cleaner_lambda.states import MORE

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

KEEP = Policy(version_limit=100, version_ttl=0, removed_ttl=10**9, grace=0)
"""Nothing is deleted."""
SOON = Policy(version_limit=1, version_ttl=0, removed_ttl=600, grace=0)
HOUR = 3600
APP = "assets/app.js"


def folded(*channels: str) -> dict[str, Folded]:
    """Markers r000, r001, … a second apart, in these channels."""
    instants = [NOON + timedelta(seconds=n) for n in range(len(channels))]
    return {
        f"r{n:03}": Folded(at, channel, placed=at)
        for n, (at, channel) in enumerate(zip(instants, channels, strict=True))
    }


def order(log: dict[str, Folded], release_id: str) -> tuple[datetime, str]:
    """A marker's order."""
    return (log[release_id].at, release_id)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two markers of each channel stay, and the cut moves with every marker."""
    monkeypatch.setattr(pruning, "KEEP_MARKERS", 2)
    monkeypatch.setattr(pruning, "EVERY", 1)
    monkeypatch.setattr(pruning, "SETTLED", timedelta())


def last_named_by(release: str) -> Retired:
    """A retired asset."""
    return Retired("app.js", Mark(State.SUPERSEDED, NOON), 1, release)


def run(s3: FakeS3, policy: Policy, refused: Collection[str] = ()) -> int:
    """Run the cleaner; returns how many files of the log it deleted."""
    report = clean(s3, Job(prefix="assets/", policy=policy, run="run"))
    assert report.outcome.failed.keys() <= set(refused)
    return len(report.outcome.pruned)


def test_the_newest_hundred_of_each_channel_stay() -> None:
    log = folded(*["a"] * 150, *["b"] * 50)
    assert old_markers(log, order(log, "r199"), {"r149", "r199"}) == {f"r{n:03}" for n in range(50)}


def test_a_channel_that_rests_keeps_nothing_of_another() -> None:
    """Its current marker is old, and stays; the other channel's old markers are deleted all the same."""
    log = folded("rests", *["busy"] * 300)
    assert old_markers(log, order(log, "r300"), {"r300"}) == {f"r{n:03}" for n in range(1, 201)}


def test_the_markers_after_the_cut_stay_and_so_do_those_that_were_current_then() -> None:
    log = folded(*["a", "b"] * 150)
    assert old_markers(log, order(log, "r040"), ()) == {f"r{n:03}" for n in range(39)}


def test_a_marker_that_is_to_be_kept_stays() -> None:
    log = folded(*["a"] * 200)
    assert "r003" not in old_markers(log, order(log, "r199"), {"r003"})


def test_the_cut_is_the_newest_marker_that_is_an_hour_old_and_folded_in_by_an_earlier_run() -> None:
    log = folded(*["a"] * 50)
    cut = next_cut(Ledger(folded=log), log, (), NOON + timedelta(seconds=39) + SETTLED)
    assert cut is not None
    assert cut.at == order(log, "r039")
    assert next_cut(Ledger(), log, (), NOON + timedelta(days=1)) is None


def test_a_marker_that_turned_up_late_and_that_no_earlier_run_folded_in_is_after_the_cut() -> None:
    """A run that dies before its last write leaves the cut behind, and not what it folded in."""
    log = folded(*["a"] * (EVERY + 10))
    known = {i: each for i, each in log.items() if i != "r025"}
    cut = next_cut(Ledger(folded=known), log, (), NOON + timedelta(days=1))
    assert cut is not None
    assert cut.at == order(log, "r024")


def test_the_cut_moves_once_there_are_so_many_markers_after_it() -> None:
    log = folded(*["a"] * (10 + EVERY))
    ledger, later = Ledger(folded=log, cut=order(log, "r009")), NOON + timedelta(days=1)
    assert next_cut(ledger, log, (), later) is not None
    assert next_cut(replace(ledger, cut=order(log, "r010")), log, (), later) is None


def test_the_checkpoint_holds_the_assets_that_no_marker_after_the_cut_dates() -> None:
    log = folded(*["a", "b"] * 20)
    retired = {f"by-{release}": last_named_by(release) for release in ("r003", "r009", "r010", "r011", "")}
    made = checkpoint(Ledger({"a": "r038", "b": "r039"}, log), retired, order(log, "r010"))
    assert made.retired.keys() == {"by-r003", "by-"}, "r009 and r010 were current then, r011 is after the cut"
    assert made.tags_read_to == "", "a rebuild that begins with it reads the tags"


@pytest.mark.usefixtures("few")
def test_the_marker_of_a_pinned_release_stays_and_so_does_the_pin() -> None:
    """Whatever their age: a roll-back to it is possible."""
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


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("policy", [KEEP, SOON], ids=["keep", "soon"])
def test_a_rebuild_from_the_pruned_log_finds_the_same_instants(policy: Policy) -> None:
    """Many releases in several channels, with few markers kept; the ledger is lost after each run of a copy."""
    stories = 10 * MORE
    pruned = sum(_story(seed, policy) for seed in range(stories))
    assert pruned > 2 * stories, "hardly anything was pruned: this shows nothing"


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("replayed", [False, True])
@pytest.mark.parametrize("back", [False, True])
def test_a_path_that_left_before_its_channel_ended_counts_from_then(*, replayed: bool, back: bool) -> None:
    """The replay does not read the marker that named the old version; the path may come back in another channel."""
    s3 = FakeS3()
    for number, digit in enumerate("1234"):
        marker = s3.publish(f"r{number}", "default", {APP: f"assets/app-{digit * 8}.js"})
        s3.advance(60)
        run(s3, KEEP)
    s3.publish("without", "default", {"assets/lib.js": "assets/lib-1a1a1a1a.js"})
    left = s3.clock
    s3.advance(60)
    s3.end()
    s3.advance(60)
    if back:
        s3.publish("back", "other", {APP: "assets/app-55555555.js"})
    if replayed:
        s3.objects[s3.layout.marker_key(marker)].last_modified = s3.clock
    run(s3, KEEP)
    entry = s3.ledger.retired["assets/app-11111111.js"]
    late = timedelta(seconds=60) if replayed and back else timedelta()
    assert (entry.mark, entry.ended) == (Mark(State.REMOVED, left + late), True)


def _story(seed: int, policy: Policy) -> int:
    random, s3, pruned = Random(seed), FakeS3(), 0  # noqa: S311 (a story, no secret)
    refused = {f"assets/app-{random.randrange(4)}a1b2c3d.js"}
    s3.on_request = lambda operation, key: _refuse_tags(operation, key, refused)
    s3.put("assets/lib-9a9b9c9d.js")
    for number in range(14):
        paths = [path for path in ("app", "lib", "page") if random.random() < 0.6] or ["app"]
        assets = {f"assets/{path}.js": f"assets/{path}-{random.randrange(4)}a1b2c3d.js" for path in paths}
        s3.publish(f"r{number:02}", random.choice(("default", "staging", "beta")), assets)
        if random.random() < 0.1:
            s3.pin(f"20261123T120000Z-p{number}", "default", assets)
        s3.advance(random.choice((0, 1, 400, 90_000)))
        if random.random() < 0.3:
            continue
        pruned += run(s3, policy, refused)
        other = copy.deepcopy(s3)
        other.on_request = s3.on_request
        del other.objects[other.layout.ledger]
        run(other, policy, refused)
        where = f"seed {seed}, after r{number:02}"
        assert _what_is_known(other) == _what_is_known(s3), where
        assert _plan(other) == _plan(s3), where
    return pruned


def _refuse_tags(operation: str, key: str, refused: set[str]) -> None:
    if operation == "put_tags" and key in refused:
        raise client_error(code="AccessDenied")


def _what_is_known(s3: FakeS3) -> dict[str, object]:
    return {
        "retired": {key: (entry.mark, entry.logical, entry.release) for key, entry in s3.ledger.retired.items()},
        "current": s3.ledger.current,
        "tags": {key: s3.tags(key) for key in s3.assets()},
    }


def _plan(s3: FakeS3) -> dict[str, object]:
    """What the next run would do, a day later and under a short policy."""
    later = copy.deepcopy(s3)
    later.advance(90_000)
    report = clean(later, Job(prefix="assets/", policy=SOON, run="plan"))
    document = report.document()
    return {name: document[name] for name in ("delete", "tag", "upcoming", "stopped_by")}


def test_six_hundred_releases_leave_about_a_hundred_markers_of_a_channel_and_a_rebuild_reads_few_of_them() -> None:
    """Each version stays, so each release was the last to name an asset that exists."""
    s3, policy = FakeS3(), replace(KEEP, version_limit=1000)
    for number in range(600):
        channel = "staging" if number % 3 == 0 else "default"
        s3.publish(
            f"r{number:03}", channel, {APP: f"assets/app-{number:08x}.js", "assets/a.css": "assets/a-1a1a1a1a.css"}
        )
        s3.advance(HOUR)
        if number % 10 == 9:
            run(s3, policy)
    markers = [key for key in s3.objects if key.startswith(s3.layout.markers)]
    assert len(markers) <= 2 * (KEEP_MARKERS + EVERY)
    assert len(s3.ledger.retired) == 598

    intact, lost = s3, copy.deepcopy(s3)
    del lost.objects[lost.layout.ledger]
    lost.requests.clear()
    run(lost, policy)
    read = [key for operation, key in lost.requests if operation == "get" and key.startswith(lost.layout.markers)]
    assert len(read) <= EVERY + 10 + 2 * 2, "those after the cut, and the current ones"
    assert _what_is_known(lost) == _what_is_known(intact)
    assert _plan(lost) == _plan(intact)


def test_a_hundred_is_what_people_may_look_back() -> None:
    assert KEEP_MARKERS == 100


def test_of_all_channels_together_the_newest_thousand_stay_and_what_counts() -> None:
    """A site may have thousands of channels, a preview each."""
    log = folded(*[f"c{n % 400}" for n in range(4000)])
    last = {f"r{n:03}" for n in range(3600, 4000)}
    kept = {"r000", "r001"}
    old = old_markers(log, order(log, "r3999"), kept)
    assert log.keys() - old == kept | {f"r{n:03}" for n in range(3000, 4000)}
    assert last <= log.keys() - old, "the current ones"


def test_a_run_deletes_the_oldest_ten_thousand_and_the_next_one_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them stands in the ledger's announcement, which an upload reads."""
    monkeypatch.setattr(pruning, "AT_ONCE", 150)
    log = folded(*["a"] * 400)
    later = NOON + timedelta(days=1)
    first = next_cut(Ledger(folded=log), log, (), later)
    assert first is not None
    assert (first.markers, first.has_more) == (frozenset(f"r{n:03}" for n in range(150)), True)
    left = {i: each for i, each in log.items() if i not in first.markers}
    second = next_cut(Ledger(folded=left, cut=first.at), left, (), later)
    assert second is not None
    assert second.at == first.at
    assert (second.markers, second.has_more) == (frozenset(f"r{n:03}" for n in range(150, 300)), False)
    left = {i: each for i, each in left.items() if i not in second.markers}
    assert next_cut(Ledger(folded=left, cut=second.at), left, (), later) is None


def test_a_few_markers_that_can_go_since_the_last_cut_wait_for_the_next_one() -> None:
    """A checkpoint is written for each time that markers go."""
    log = folded(*["a"] * (KEEP_MARKERS + EVERY))
    later, cut = NOON + timedelta(days=1), order(log, f"r{KEEP_MARKERS + EVERY - 1:03}")
    pinned = [f"r{n:03}" for n in range(1, EVERY)]
    assert next_cut(Ledger(folded=log, cut=cut), log, ["r000"], later) is None
    assert next_cut(Ledger(folded=log, cut=cut), log, pinned, later, again=True) is not None
