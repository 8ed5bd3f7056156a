"""The file that a worker of a distributed listing leaves."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cleaner_lambda.finding import Finding, decode, encode
from cleaner_lambda.port import Listed
from cleaner_lambda.waiting import Waiting
from release_log import packed
from release_log.errors import LedgerError, NewerLedgerError

AT = datetime(2026, 7, 1, 12, tzinfo=UTC)
FINDING = Finding(
    left=(("assets/m", "assets/p"), ("assets/x", None)),
    gone=frozenset({"assets/gone-0123abcd.js"}),
    missing=frozenset({"assets/missing-0123abcd.js"}),
    strays={"assets/stray-0123abcd.js": Listed("assets/stray-0123abcd.js", 7, AT)},
    stored={"assets/again-0123abcd.js": AT},
    waiting=Waiting(5, 70, AT, 2),
    others=3,
    nested=frozenset({"assets/admin/"}),
    empty=False,
)


@pytest.mark.parametrize("finding", [FINDING, Finding()])
def test_a_finding_is_read_as_it_was_written(finding: Finding) -> None:
    assert decode(encode(finding)) == finding
    assert encode(decode(encode(finding))) == encode(finding)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        packed.pack({}, 1),
        packed.pack({"left": [["a"]]}, 1),
        packed.pack({"others": -1}, 1),
        encode(FINDING)[:-3],
    ],
)
def test_whatever_else_lies_there_is_broken(body: bytes) -> None:
    with pytest.raises(LedgerError, match="a finding of the listing is broken"):
        decode(body)


def test_a_newer_format_is_no_broken_file() -> None:
    with pytest.raises(NewerLedgerError, match="2 is newer"):
        decode(packed.pack({}, 2))
