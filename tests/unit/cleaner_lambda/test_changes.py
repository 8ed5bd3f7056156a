"""Changes of the retired assets: taken in late, in parts, and by paths, they give what the whole history gives."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cleaner_lambda.changes import Change, merge, with_tags
from cleaner_lambda.history import History, Published, fold, fold_late
from cleaner_lambda.ledger import Retired
from release_log.marker import Asset, Release
from release_log.tags import Mark, State

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
PATHS = ("a.js", "b.js", "m.css", "z.png")
SHARED = "shared-9"
"""A key that releases name under any path."""


def at(second: int) -> datetime:
    """A number of seconds after the beginning."""
    return START + timedelta(seconds=second)


def published(second: int, channel: str, assets: dict[str, str] | None) -> Published:
    """A release; None: the end of its channel."""
    files = {path: Asset(key, 7, fingerprinted=True) for path, key in (assets or {}).items()}
    release = Release(f"r{second}", channel, START, "", {}, files, ended=assets is None)
    return Published(f"{second:04}-{channel}", at(second), release)


builds = st.dictionaries(st.sampled_from(PATHS), st.integers(1, 3)).flatmap(
    lambda versions: st.sampled_from([*versions, None]).map(
        lambda shared: {path: SHARED if path == shared else f"{path}-{n}" for path, n in versions.items()}
    )
)
histories = st.lists(st.tuples(st.sampled_from("xxy"), builds | st.none()), min_size=1, max_size=8).map(
    lambda each: [published(second, channel, assets) for second, (channel, assets) in enumerate(each)]
)
orphans = st.dictionaries(
    st.sampled_from(PATHS).flatmap(lambda path: st.integers(1, 3).map(lambda n: (path, f"{path}-{n}"))),
    st.integers(0, 9),
).map(
    lambda found: {
        key: Retired(path, Mark(State.REMOVED, at(second)), 7, release="") for (path, key), second in found.items()
    }
)


@given(histories, orphans, st.data())
def test_each_part_of_the_index_ends_like_the_whole(
    releases: list[Published], found: dict[str, Retired], data: st.DataObject
) -> None:
    """Whichever paths it has, and however many changes it takes in at a time."""
    whole = fold(History(retired=found), releases)
    cut = data.draw(st.sampled_from(["", *PATHS, "zz"]))
    for within in (cut.__gt__, cut.__le__):
        part = {key: entry for key, entry in found.items() if within(entry.logical)}
        left = list(whole.changes)
        while left:
            count = data.draw(st.integers(1, len(left)))
            part, left = merge(part, left[:count], within), left[count:]
        assert part == {key: entry for key, entry in whole.retired.items() if within(entry.logical)}


@given(histories, histories, orphans)
def test_a_run_that_reads_no_entry_notes_the_same_changes(
    releases: list[Published], late: list[Published], found: dict[str, Retired]
) -> None:
    """What a release changes is told by the releases alone, and so is what one changes that turns up late."""
    blind, knowing = fold(History(), releases), fold(History(retired=found), releases)
    assert blind.changes == knowing.changes
    older = [replace(each, id=f"late-{each.id}", at=each.at - timedelta(seconds=5)) for each in late]
    assert fold_late(blind, older, at(9)).changes == fold_late(knowing, older, at(9)).changes


@given(histories, orphans, st.integers(0, 8))
def test_what_a_run_that_reads_no_entry_has_tagged_is_noted_with_its_changes(
    releases: list[Published], found: dict[str, Retired], before: int
) -> None:
    """As if it had had all entries, and had tagged the same ones."""
    known = fold(History(retired=found), releases[:before])
    blind = replace(known, retired={}, owed=frozenset(), changes=())
    new, whole = fold(blind, releases[before:]), fold(replace(known, changes=()), releases[before:])
    tagged = {key: replace(entry, tagged=entry.mark) for key, entry in new.retired.items()}
    assert merge(known.retired, with_tags(new.changes, tagged)) == {**whole.retired, **tagged}


APP = Retired("a.js", Mark(State.SUPERSEDED, at(5)), 7, "r1", tagged=Mark(State.SUPERSEDED, at(5)))


def test_a_listing_takes_only_what_retired_before_it() -> None:
    """What retires later was sent again."""
    gone = Change(at(5), gone=frozenset({"a-1"}))
    assert merge({"a-1": APP}, [gone]) == {}
    assert merge({"a-1": APP}, [gone, Change(at(6), left={"a-1": APP})]) == {"a-1": APP}


def test_an_orphan_that_a_listing_found_replaces_no_entry() -> None:
    """A release that retired since dates it better."""
    orphan = replace(APP, release="")
    assert merge({"a-1": APP}, [Change(at(6), found={"a-1": orphan, "a-2": orphan})]) == {"a-1": APP, "a-2": orphan}


def test_what_was_stored_again_after_it_retired_may_have_lost_its_tag() -> None:
    """Or it has been tagged since: a rebuild gives tags with old instants."""
    wrong = Mark(APP.mark.state, at(6))
    orphan = replace(APP, release="", stored=at(1))
    changes = [Change(at(9), stored={"a-1": at(6), "a-2": at(5), "a-3": at(6), "a-4": at(6)})]
    changed = merge({"a-1": APP, "a-2": APP, "a-4": orphan}, changes)
    kept = replace(orphan, tagged=wrong, stored=at(6))
    assert changed == {"a-1": replace(APP, tagged=wrong), "a-2": APP, "a-4": kept}


def test_the_end_of_a_channel_removes_what_retired_with_its_releases_for_good() -> None:
    """Also where another channel has the path, or gets it later."""
    ended = Change(at(6), ended=frozenset({"r1"}))
    back = Change(at(7), turned={"a.js": True})
    (found,) = merge({"a-1": APP}, [ended, back]).values()
    assert (found.mark, found.ended) == (Mark(State.REMOVED, at(6)), True)
    assert merge({"a-1": replace(APP, release="r2")}, [ended, back]) == {"a-1": replace(APP, release="r2")}


def test_a_key_that_retires_under_another_path_is_in_one_part_only() -> None:
    change = Change(at(6), left={"a-1": replace(APP, logical="z.png")})
    assert merge({"a-1": APP}, [change], lambda path: path < "m") == {}
    assert merge({}, [change], lambda path: path >= "m").keys() == {"a-1"}


def test_a_change_in_pieces_is_the_same_change() -> None:
    """However many orphans a listing has found, each file of the ledger stays small."""
    at = datetime(2026, 11, 23, 12, tzinfo=UTC)
    mark = Mark(State.REMOVED, at)
    keys = [f"assets/{number:02}.js" for number in range(9)]
    retired = {key: Retired(key, mark, 1, "r1") for key in keys[:5]}
    change = Change(
        at,
        live=frozenset(keys[:1]),
        turned={keys[1]: True},
        left={"assets/left.js": Retired("assets/left.js", mark, 1, "r1")},
        gone=frozenset(keys[2:4]),
        found={key: Retired(key, mark, 1, "") for key in keys[5:]},
        stored={keys[4]: at},
    )
    for rows in (1, 2, 3, 100):
        pieces = list(change.pieces(rows))
        assert merge(retired, pieces) == merge(retired, [change])
        assert sum(piece.rows for piece in pieces) == change.rows
        assert all(len(piece.found) <= rows for piece in pieces)
