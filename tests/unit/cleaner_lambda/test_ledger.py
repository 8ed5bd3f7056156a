"""The ledger, written and read again; a ledger that cannot be read is an error that leads to a rebuild."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleaner_lambda.backlog import Backlog
from cleaner_lambda.cursor import Kind, MapRun
from cleaner_lambda.ledger import Folded, Ledger, Refused, Retired
from cleaner_lambda.ledger_document import decode, encode
from cleaner_lambda.rebuilding import Rebuilding
from release_log.errors import LedgerError, NewerLedgerError
from release_log.ledger_file import FORMAT, Announcement
from release_log.marker_order import Dated
from release_log.run_record import RunRecord
from release_log.tags import Mark, State
from tests.unit.cleaner_lambda.states import entries, instants, texts

if TYPE_CHECKING:
    from random import Random


def with_newest_current(ledger: Ledger) -> Ledger:
    """No ledger says that a superseded release is current."""
    newest = sorted(ledger.folded.items(), key=lambda each: each[1].at)
    return replace(ledger, current={**ledger.current, **{each.channel: release_id for release_id, each in newest}})


counts = st.integers(0, 10**18 - 1)
run_records = st.builds(
    RunRecord,
    texts,
    instants,
    *[counts] * 6,
    stopped_by=st.lists(texts, max_size=2).map(tuple),
    unfinished=st.booleans(),
)
ranges = st.dictionaries(counts, st.tuples(texts, st.none() | texts), min_size=1, max_size=3)
map_runs = st.builds(MapRun, instants, ranges, st.booleans(), st.just(Kind.GROUP))
ledgers = st.builds(
    Ledger,
    current=st.dictionaries(texts, texts, max_size=3),
    folded=st.dictionaries(texts, st.builds(Folded, instants, texts), max_size=3),
    retired=st.dictionaries(texts, entries, max_size=4),
    owed=st.frozensets(texts, max_size=3),
    deleting=st.none() | st.builds(Announcement, texts, st.frozensets(texts, max_size=3), st.none() | instants),
    listed_at=st.none() | instants,
    tags_unknown=st.frozensets(texts, max_size=3),
    cut=st.none() | st.tuples(instants, texts),
    refused=st.builds(Refused, *[st.dictionaries(texts, texts, max_size=2)] * 2),
    around=st.frozensets(texts, max_size=3),
    last_run=st.dictionaries(texts, texts | st.integers() | st.none(), max_size=3),
    runs=st.lists(run_records, max_size=3).map(tuple),
    backlog=st.none()
    | st.builds(
        Backlog,
        st.dictionaries(texts, st.builds(Dated, instants, texts, st.none() | instants), max_size=2),
        st.frozensets(texts, max_size=2),
    ),
    replayed=st.booleans(),
    rebuilding=st.none() | st.builds(Rebuilding, st.none() | texts, st.none() | texts, counts, st.none() | map_runs),
).map(with_newest_current)
AT = datetime(2026, 11, 23, 6, 5, 38, tzinfo=UTC)
EXAMPLE = Ledger(
    current={"default": "r2"},
    folded={"r1": Folded(AT, "default"), "r2": Folded(AT, "default")},
    retired={"a": Retired("a.js", Mark(State.SUPERSEDED, AT), 5, "r1", Mark(State.REMOVED, AT))},
    owed=frozenset({"x", "y"}),
    deleting=Announcement("run", frozenset({"k"})),
    listed_at=AT,
    last_run={"run": "run"},
    runs=(RunRecord("run", AT, 1, 2, 3, 4, 5, 0, ("brake",)),),
)


@given(ledgers)
def test_what_was_written_is_read_again(ledger: Ledger) -> None:
    """Any ledger."""
    assert decode(encode(ledger)) == ledger


@given(ledgers, st.randoms(use_true_random=False))
def test_same_ledger_gives_the_same_bytes(ledger: Ledger, random: Random) -> None:
    """Whenever it is written, in whatever order it was built: its ETag says whether something changed."""
    items = list(ledger.retired.items())
    random.shuffle(items)
    other = replace(ledger, retired=dict(items), folded=dict(reversed(list(ledger.folded.items()))))
    assert encode(other) == encode(ledger)
    assert encode(ledger)[4:8] == bytes(4), "gzip's time stamp"


def test_same_state_does_not_look_at_the_last_runs() -> None:
    """A new summary alone causes no PUT; any other change does."""
    assert EXAMPLE.same_state(replace(EXAMPLE, last_run={}, runs=()))
    for name in ("current", "folded", "retired", "owed", "deleting", "listed_at"):
        assert not EXAMPLE.same_state(replace(EXAMPLE, **{name: getattr(Ledger(), name)})), name


def packed(text: str) -> bytes:
    """As the bucket stores it."""
    return gzip.compress(text.encode(), mtime=0)


def document(**changes: object) -> bytes:
    """The example's document with some values replaced."""
    return packed(json.dumps({**json.loads(gzip.decompress(encode(EXAMPLE))), **changes}))


def without(name: str) -> bytes:
    """The example's document without one field."""
    whole = json.loads(gzip.decompress(encode(EXAMPLE)))
    del whole[name]
    return packed(json.dumps(whole))


def encode_text() -> str:
    """The example's document."""
    return gzip.decompress(encode(EXAMPLE)).decode()


def entry(**changes: object) -> dict[str, object]:
    """The example's retired asset with some values replaced."""
    return {**json.loads(encode_text())["retired"]["a"], **changes}


def past_run(**changes: object) -> dict[str, object]:
    """The example's record of a run with some values replaced."""
    return {**json.loads(encode_text())["runs"][0], **changes}


def each(*values: object) -> tuple[object, ...]:
    """The values, of any types."""
    return values


def map_run(ranges: list[list[object]]) -> dict[str, object]:
    """A map run as the ledger has it."""
    return {"at": "2026-11-23T06:05:38Z", "ranges": ranges, "over": False}


WHOLE = {"live": None, "path": "", "orphans": 0}
REBUILDING = ({"live": 5}, {"path": 5}, {"orphans": "5"}, {"orphans": -1})
WAITING = '{"orphans": 0, "bytes": 0, "oldest": null, "folders": 0, "others": 0}'
LISTING = (
    '{"begun": "2026-11-23T06:05:38Z", "left": [], "missing": [], "orphans": 0, "nested": [], "empty": false, '
    f'"most": null, "waiting": {WAITING}, "known": 0}}'
)
NOT_TEXTS: tuple[object, ...] = (None, 5, True, [], {}, ["default"])
WRONG_TYPES = (
    *(document(current=value) for value in each(None, 5, "x", [], ["default"], {"default": None}, {"default": ["r2"]})),
    *(document(folded=value) for value in each(None, [], {"r1": None}, {"r1": []}, {"r1": "x"})),
    *(document(folded={"r1": {"at": "2026-11-23T06:05:38Z", "channel": value}}) for value in NOT_TEXTS),
    *(
        document(folded={"r1": {"at": value, "channel": "default"}})
        for value in each(*NOT_TEXTS, "9999-12-31T23:59:59Z")
    ),
    *(document(owed=value) for value in each(None, "xy", {"x": 1}, [1], [None])),
    *(document(retired={"a": entry(logical=value)}) for value in NOT_TEXTS),
    *(document(retired={"a": entry(release=value)}) for value in NOT_TEXTS),
    *(
        document(retired={"a": entry(size=value)})
        for value in each(None, "5", True, 1.5, -1, 10**400, [], float("nan"))
    ),
    *(document(retired={"a": entry(state=value)}) for value in NOT_TEXTS),
    *(document(retired={"a": entry(since=value)}) for value in each(*NOT_TEXTS, "9999-12-31T23:59:59Z")),
    *(document(retired={"a": entry(due=value)}) for value in each(5, False, "", "soon", [])),
    *(document(retired={"a": entry(kept_by=value)}) for value in each(5, False, [])),
    *(document(retired={"a": entry(stored=value)}) for value in each(None, 5, "2026")),
    *(document(retired={"a": entry(tagged=value)}) for value in each(5, False, "", [], {"state": "removed"})),
    *(document(listed_at=value) for value in each(5, 0, False, "", [], "9999-12-31T23:59:59Z")),
    *(document(tags_read_to=value) for value in each(5, 0, False, [])),
    *(document(tags_unknown=value) for value in each(None, 5, "x", [5])),
    *(document(rebuilding=value) for value in each(5, "x", {}, [])),
    *(document(rebuilding={"live": "", "path": "", "orphans": 0} | wrong) for wrong in REBUILDING),
    *(document(rebuilding={**WHOLE, "map": wrong}) for wrong in (None, 5, map_run([]), map_run([[0, None, None]]))),
    *(document(cut=value) for value in each(5, "x", [], ["2026-11-23T06:05:38Z"], ["soon", "r1"], [None, "r1"])),
    *(document(refused=value) for value in each(None, 5, [], {"tags": []}, {"writes": {"a": 5}})),
    *(document(around=value) for value in each(None, 5, "x", [5])),
    *(document(last_run=value) for value in each(None, 5, "x", [])),
    *(document(waiting={**json.loads(WAITING), name: 10**400}) for name in json.loads(WAITING) if name != "oldest"),
    *(document(listing={**json.loads(LISTING), name: 10**400}) for name in ("orphans", "known", "most")),
    *(document(listing={**json.loads(LISTING), "map": map_run(ranges)}) for ranges in ([], [[10**100, "", None]])),
    *(document(runs=value) for value in each(None, 5, "x", ["run"], [{}])),
    *(document(runs=[past_run(at=value)]) for value in each(*NOT_TEXTS, "soon")),
    *(document(runs=[past_run(deleted=value)]) for value in each(None, "5", True, 1.5, -1)),
    *(document(runs=[past_run(stopped_by=value)]) for value in each(None, 5, [5])),
    *(document(runs=[past_run(unfinished=value)]) for value in each(None, 0, "no")),
    *(
        document(**{name: wrong})
        for name, of in (("deleting", lambda one: one), ("tagging", lambda one: [one]))
        for wrong in (
            *(of({"run": value, "keys": [], "since": None}) for value in NOT_TEXTS),
            *(of({"run": "r", "keys": value, "since": None}) for value in each(None, "xy", {"x": 1}, [5], [["x"]])),
            *(of({"run": "r", "keys": [], "since": value}) for value in each(5, 0, "", False, "9999-12-31T23:59:59Z")),
        )
    ),
    document(tagging=5),
    document(deleting=5),
)
"""Each field with the types that it must not have."""


def test_ledger_whose_current_release_is_older_than_another_is_broken() -> None:
    """Its instants decide which assets are live."""
    later = Folded(AT.replace(hour=7), "default")
    with pytest.raises(LedgerError, match="'r2' is current, and 'r3' is newer"):
        decode(encode(replace(EXAMPLE, folded={**EXAMPLE.folded, "r3": later})))
    beta = replace(EXAMPLE, folded={**EXAMPLE.folded, "r3": replace(later, channel="beta")})
    decode(encode(replace(beta, current={**EXAMPLE.current, "beta": "r3"})))


def test_ledger_that_says_of_a_channel_that_none_of_its_releases_is_current_is_broken() -> None:
    """What its release names would be orphans, and be deleted in two days."""
    beta = replace(EXAMPLE, folded={**EXAMPLE.folded, "b1": Folded(AT, "beta")})
    with pytest.raises(LedgerError, match="'b1' is folded in, and no release of channel 'beta' is current"):
        decode(encode(beta))


def test_a_newer_format_is_not_taken_for_a_broken_ledger() -> None:
    """Whatever else is in it."""
    newer = f'{{"format": {FORMAT + 1}, "last_run": 5, "x": "\\ud800"}}'
    with pytest.raises(NewerLedgerError, match=r"^its format 2 is newer than 1, which this version reads$"):
        decode(packed(newer))
    with pytest.raises(NewerLedgerError, match="format a number of more than 100 digits is newer"):
        decode(packed(f'{{"format": {"9" * 200}}}'))


@pytest.mark.parametrize("version", [0, -1, False, 1.5, 2.5, "1", "2", None, [], {}])
def test_a_format_that_never_was_is_broken(version: object) -> None:
    with pytest.raises(LedgerError, match=r"the ledger is broken .*does not exist") as caught:
        decode(document(format=version))
    assert not isinstance(caught.value, NewerLedgerError)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"not gzip",
        encode(EXAMPLE)[:-9],
        encode(EXAMPLE)[:30] + b"\x00" * 8 + encode(EXAMPLE)[38:],
        packed(""),
        packed("{"),
        packed("[]"),
        packed("null"),
        packed("{}"),
        gzip.compress(b"\xff", mtime=0),
        *(without(name) for name in ("current", "folded", "retired", "owed", "deleting", "listed_at", "last_run")),
        document(retired=[]),
        document(retired={"a": None}),
        document(retired={"a": {"logical": "a", "state": "lost", "since": "2026-11-23T06:05:38Z", "size": 1,
                                "release": "", "tagged": None}}),
        document(listed_at="yesterday"),
        document(deleting={"run": "x"}),
        document(owed=5),
        document(folded={"r1": {"at": "2026-11-23T06:05:38Z"}}),
        packed(encode_text().replace('"r2"', '"\\ud800"')),
        *WRONG_TYPES,
    ],
)  # fmt: skip
def test_broken_ledger_is_an_error_of_its_own(body: bytes) -> None:
    """It is not one of Python's errors, whatever is broken."""
    with pytest.raises(LedgerError, match=r"the ledger is broken"):
        decode(body)
