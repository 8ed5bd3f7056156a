"""What tools of this kind test, and what their users lost: `tests/SCENARIOS.md` is true, and what no other test holds.

The table names a test for each scenario. Where no other file had one, it is here.
"""

from __future__ import annotations

import ast
import os
import re
from dataclasses import replace
from functools import cache
from itertools import chain, repeat
from typing import TYPE_CHECKING

import pytest

from cleaner_lambda.pace import BATCH, Pace
from cleaner_lambda.port import DELETE_BATCH
from cleaner_lambda.run import Job, clean
from release_log.fingerprints import Name, split
from release_log.policy_settings import Policy
from tests.fake_cleaner_s3 import FakeS3
from tests.fake_uploader_s3 import Clock, FakeBucket
from tests.paths import ROOT
from uploader.aws.access import find_access
from uploader.builds.collect import collect
from uploader.errors import UsageError
from uploader.publishing.compare import Reason
from uploader.publishing.publish import Build, Published, publish
from uploader.treatment.headers import IMMUTABLE, NO_CACHE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cleaner_lambda.report import Report

TABLE = ROOT / "tests" / "SCENARIOS.md"
HELD = re.compile(r"`(tests/[\w/]+\.py)::((?:\w+::)?\w+)`")
NUMBERED = 35

DAY = 86_400
ALL = Policy(version_limit=0, version_ttl=0, removed_ttl=0, grace=0)
"""Everything that is retired is due."""
A, B, C = ("assets/app-aaaa1111.js", "assets/app-bbbb2222.js", "assets/app-cccc3333.js")
LOGO = "assets/logo-dddd4444.png"
APP = "assets/app.js"


# The table


def rows() -> Iterator[tuple[str, str, str]]:
    """The rows of every table of the file: number or nothing, scenario, what holds it."""
    for line in TABLE.read_text().splitlines():
        if line.startswith("|") and not re.match(r"\| (#|---|what)", line):
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            yield (cells[0], *cells[1:]) if len(cells) == 3 else ("", *cells)  # type: ignore[misc]


@cache
def functions_of(path: str) -> frozenset[str]:
    """Every test function of a file, a class's by ``Class::name``."""
    found = set()
    for node in ast.parse((ROOT / path).read_text()).body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found |= {f"{node.name}::{each.name}" for each in node.body if isinstance(each, ast.FunctionDef)}
    return frozenset(name for name in found if name.rpartition("::")[2].startswith("test_"))


def test_every_test_that_the_table_names_is_there() -> None:
    named = [held for row in rows() for held in HELD.findall(row[2])]
    assert len(named) > NUMBERED
    assert {f"{path}::{name}" for path, name in named if name not in functions_of(path)} == set()
    assert TABLE.read_text().count("::test_") == len(named), "a name that is not written as `path::test_name`"


def test_every_row_has_a_test_or_a_reason() -> None:
    for _, scenario, held in rows():
        assert re.search(r"\w", scenario), held
        reason = HELD.sub("", held)
        assert HELD.search(held) or len(re.findall(r"\w+", reason)) >= 6, f"neither a test nor a reason: {scenario}"


def test_every_numbered_scenario_has_its_row() -> None:
    numbers = [int(number) for number, *_ in rows() if number]
    assert sorted(set(numbers)) == list(range(1, NUMBERED + 1))


# The uploader


def write(folder: Path, files: dict[str, str]) -> Path:
    """A build with these files."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def upload(bucket: FakeBucket, folder: Path) -> Published:
    """Publish what the folder holds now, a second after whatever was before."""
    bucket.clock.sleep(1)
    build = Build(assets=collect(folder, "assets/"), prefix="assets/", channel="default", release="r")
    return publish(bucket, build, clocks=bucket.clock.clocks())


FILES = {"app-3f9c2ab1.js": "app", "about.html": "about", "index.html": "index"}


def test_one_changed_file_is_sent_alone_with_its_reason(tmp_path: Path) -> None:
    bucket = FakeBucket(clock=Clock())
    folder = write(tmp_path, FILES)
    assert {each.reason for each in upload(bucket, folder).uploads} == {Reason.NEW}
    write(folder, {"about.html": "other"})
    published = upload(bucket, folder)
    assert [(each.asset.key, each.reason) for each in published.uploads] == [
        ("assets/about.html", Reason.CONTENT_DIFFERS)
    ]
    assert [asset.key for asset in published.unchanged] == ["assets/app-3f9c2ab1.js", "assets/index.html"]
    assert sum(request.startswith("put ") for request in bucket.requests) == len(FILES) + 1


def test_a_checkout_that_changes_every_files_time_sends_nothing(tmp_path: Path) -> None:
    """A build job checks out anew each time: what counts is the content."""
    bucket = FakeBucket(clock=Clock())
    folder = write(tmp_path, FILES)
    upload(bucket, folder)
    for name in FILES:
        os.utime(folder / name, (1, 1))
    published = upload(bucket, folder)
    assert published.uploads == ()
    assert len(published.unchanged) == len(FILES)


def test_links_are_followed(tmp_path: Path) -> None:
    """A linked file, and the files of a linked folder, are part of the build like any other."""
    outside = write(tmp_path / "outside", {"fonts/a.woff2": "font", "logo.png": "png"})
    folder = write(tmp_path / "dist", {"index.html": "x"})
    (folder / "fonts").symlink_to(outside / "fonts")
    (folder / "logo.png").symlink_to(outside / "logo.png")
    bucket = FakeBucket(clock=Clock())
    upload(bucket, folder)
    assert (bucket.objects["assets/fonts/a.woff2"], bucket.objects["assets/logo.png"]) == (b"font", b"png")


@pytest.mark.parametrize(
    ("name", "logical", "cache_control"),
    [
        ("0-815a195fa3db3d6ae17a.chunk.js", "0.chunk.js", IMMUTABLE),
        ("a-b-c-d-815a195fa3db3d6ae17a.js", "a-b-c-d.js", IMMUTABLE),
        ("runtime~x-815a195fa3db3d6ae17a.js.map", "runtime~x.js.map", IMMUTABLE),
        (f"icon-{'4ea5b1c7' * 8}.svg", "icon.svg", IMMUTABLE),
        ("app.zabcde.js", "app.zabcde.js", NO_CACHE),
        ("app.zabcde", "app.zabcde", NO_CACHE),
        ("app-3f9c2.js", "app-3f9c2.js", NO_CACHE),
    ],
)
def test_only_a_fingerprinted_name_is_cached_for_long(
    tmp_path: Path, name: str, logical: str, cache_control: str
) -> None:
    """A near miss, too short or with a letter that is no hexadecimal digit, is asked for again each time."""
    (asset,) = collect(write(tmp_path, {name: "x"}), "assets/")
    assert (asset.logical, asset.treatment.headers.cache_control) == (f"assets/{logical}", cache_control)


def test_two_names_that_end_in_different_words_are_two_assets(tmp_path: Path) -> None:
    """Neither ``dark`` nor ``light`` is a fingerprint: the one logo is no older version of the other."""
    names = ["logo-dark.png", "logo-light.png"]
    assert [split(name) for name in names] == [Name(name, None) for name in names]
    assets = collect(write(tmp_path, dict.fromkeys(names, "x")), "assets/")
    assert [asset.logical for asset in assets] == [f"assets/{name}" for name in names]


def test_half_a_key_pair_is_wrong_usage_and_says_which_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not silently somebody else's credentials."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "half")
    with pytest.raises(UsageError, match="missing: AWS_SECRET_ACCESS_KEY") as refused:
        find_access("bucket", region="eu-west-1", profile=None, endpoint_url=None)
    assert "\n" not in str(refused.value)


# The cleaner


def run(s3: FakeS3, policy: Policy = ALL, *, turns: int | None = None) -> Report:
    """Run the cleaner once.

    Args:
        s3: The bucket.
        policy: The policy.
        turns: How many batches there is time for; None for any number.
    """
    left = chain(repeat(True, turns), repeat(False)) if turns is not None else repeat(True)
    pace = Pace(has_time=lambda: next(left), sleep=lambda _: None)
    return clean(s3, Job(prefix="assets/", policy=policy, run="run"), pace)


def deleted(report: Report) -> list[str]:
    """The keys that a run says it deleted."""
    return [entry["key"] for entry in report.document()["delete"]]


def test_asset_that_comes_back_loses_its_mark_and_every_other_mark_stays() -> None:
    """Not a byte of the other's mark changes, and no request is made for it."""
    policy = replace(ALL, removed_ttl=30 * DAY)
    page = {"assets/index.html": "assets/index.html"}
    s3 = FakeS3()
    s3.publish("r1", "default", {APP: A, "assets/logo.png": LOGO, **page})
    run(s3, policy)
    s3.advance(60)
    s3.publish("r2", "default", page)
    run(s3, policy)
    mark = dict(s3.tags(LOGO))
    assert s3.tags(A).keys() == mark.keys() == {"removed_at"}
    s3.advance(DAY / 2)
    s3.publish("r3", "default", {APP: A, **page})
    s3.requests.clear()
    run(s3, policy)
    assert (s3.tags(A), s3.tags(LOGO)) == ({}, mark)
    assert s3.made("put_tags") == [("put_tags", A)]


def test_version_that_was_live_a_minute_ago_outlives_the_one_before_it() -> None:
    """After A, B, back to A, then C, with room for one older version: B goes, though it was stored later than A."""
    policy = replace(ALL, version_limit=1, version_ttl=1)
    s3 = FakeS3()
    for name, key in (("r1", A), ("r2", B), ("r3", A), ("r4", C)):
        s3.publish(name, "default", {APP: key})
        run(s3, replace(policy, version_ttl=DAY))
        s3.advance(60)
    assert s3.objects[A].last_modified < s3.objects[B].last_modified
    assert deleted(run(s3, policy)) == [B]
    assert s3.assets() == {A, C}


def test_release_whose_files_took_hours_to_arrive_is_one_release() -> None:
    """What belongs together is what the marker lists, not what bears about the same time."""
    s3 = FakeS3()
    s3.publish("r1", "default", {APP: A})
    run(s3)
    s3.put(B)
    s3.advance(5 * 3600)
    s3.publish("r2", "default", {APP: B, "assets/logo.png": LOGO})
    s3.advance(30 * DAY)
    run(s3)
    assert s3.assets() == {B, LOGO}


def retired(count: int, policy: Policy) -> FakeS3:
    """A site of so many assets, each superseded a moment ago, and the ledger is there."""
    s3 = FakeS3()
    s3.publish("r1", "default", {f"assets/{n}.js": f"assets/{n}-a.js" for n in range(count)})
    run(s3, policy)
    s3.advance(1)
    s3.publish("r2", "default", {f"assets/{n}.js": f"assets/{n}-b.js" for n in range(count)})
    return s3


def test_run_whose_time_is_over_says_so_and_the_next_one_deletes_the_rest() -> None:
    """Cut off by the invocation's limit, cleaning must not end for ever: the wake-up is for at once."""
    s3 = retired(DELETE_BATCH + 1, ALL)
    first = run(s3, turns=1)
    assert len(deleted(first)) == DELETE_BATCH
    assert first.document()["unfinished"] is True
    assert first.next_due == s3.clock
    assert len(s3.ledger.retired) == 1, "what is not deleted is not forgotten"
    assert s3.ledger.deleting is None, "no uploader waits for a run that is over"
    second = run(s3)
    assert len(deleted(second)) == 1
    assert (second.document()["unfinished"], second.next_due) == (False, None)


def test_run_whose_time_is_over_while_it_tags_leaves_the_rest_to_the_next() -> None:
    """And what it did is not done again."""
    policy = replace(ALL, version_ttl=3600)
    s3 = retired(BATCH + 1, policy)
    first = run(s3, policy, turns=1)
    assert (len(first.document()["tag"]), first.document()["unfinished"]) == (BATCH, True)
    assert first.next_due == s3.clock
    second = run(s3, policy)
    assert (len(second.document()["tag"]), second.document()["unfinished"]) == (1, False)


def test_rebuild_whose_time_is_over_goes_on_and_deletes_nothing_until_it_is_done() -> None:
    """A site of any size gets its ledger back in as many invocations as that takes."""
    s3 = retired(BATCH, ALL)  # as many tags again of what is current
    before = s3.assets()
    s3.objects.pop(s3.layout.ledger)
    first = run(s3, turns=1)
    assert ([stop.reason for stop in first.plan.stops], first.unfinished, first.next_due) == (
        ["rebuilt"],
        True,
        s3.clock,
    )
    assert run(s3, turns=2).unfinished is False
    assert s3.assets() == before
    assert len(deleted(run(s3))) == BATCH


def test_run_that_has_no_time_at_all_deletes_nothing() -> None:
    """Not even then is the wake-up lost."""
    s3 = retired(1, ALL)
    before = s3.assets()
    report = run(s3, turns=0)
    assert s3.assets() == before
    assert (report.unfinished, report.next_due) == (True, s3.clock)
    assert len(deleted(run(s3))) == 1
