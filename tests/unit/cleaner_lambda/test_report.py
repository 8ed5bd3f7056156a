"""The answer and the log: complete counts, lists that are cut at Lambda's limit, and the whole plan in the log."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cleaner_lambda.answer import LISTS, MAX_ANSWER_BYTES, cut, log_lines, summary
from cleaner_lambda.ledger import Retired
from cleaner_lambda.outcome import Outcome
from cleaner_lambda.policy import Reason, Stop, View, decide
from cleaner_lambda.report import Report
from release_log.policy_settings import Policy
from release_log.tags import Mark, State

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
LAMBDA_LIMIT = 6 * 1024 * 1024


def report(count: int, failed: int = 0, name: str = "x") -> Report:
    """A run that deleted a number of assets, tagged as many, and failed to delete some."""
    since = NOW - timedelta(days=30)
    due = {f"d-{name}{n:05}": Retired(f"{n}.js", Mark(State.REMOVED, since), 10, "r") for n in range(count)}
    young = {f"t-{name}{n:05}": Retired(f"{n}.js", Mark(State.REMOVED, NOW), 10, "r") for n in range(count)}
    plan = decide(View(frozenset({"live"}), {**due, **young}), Policy(), NOW, force=True)
    errors = dict.fromkeys(sorted(due)[:failed], "AccessDenied: no")
    outcome = Outcome(
        deleted=set(due) - errors.keys(),
        tagged={key: entry.mark for key, entry in young.items()},
        failed=errors,
    )
    return Report(
        dry_run=False, site="assets/", at=NOW, current={"default": "r"}, plan=plan, outcome=outcome,
        missing=("gone.js",), orphans=3, next_due=plan.next_due, inner_sites=frozenset({"admin/"}),
    )  # fmt: skip


def test_document_of_a_run() -> None:
    """The whole shape, as ``docs/commands.md`` shows it."""
    document = report(1, failed=0).document()
    assert json.loads(json.dumps(document)) == {
        "dry_run": False,
        "site": "assets/",
        "at": "2026-11-23T12:00:00Z",
        "current": {"default": "r"},
        "ended": {},
        "ends_at": None,
        "tag": [
            {"key": "t-x00000", "logical": "0.js", "state": "removed", "since": "2026-11-23T12:00:00Z",
             "reason": "removed"}
        ],
        "untag": [],
        "delete": [
            {"key": "d-x00000", "logical": "0.js", "state": "removed", "since": "2026-10-24T12:00:00Z",
             "reason": "beyond_removed_ttl"}
        ],
        "failed": [],
        "set_aside": [],
        "counts": {"tag": 1, "untag": 0, "delete": 1, "keep": 2, "failed": 0, "set_aside": 0},
        "bytes_deleted": 10,
        "missing": ["gone.js"],
        "inner_sites": ["admin/"],
        "not_in_place": [],
        "not_looked_at": 0,
        "upcoming": [
            {"key": "t-x00000", "logical": "0.js", "state": "removed", "since": "2026-11-23T12:00:00Z",
             "reason": "within_grace", "due": "2026-11-25T12:00:00Z"}
        ],
        "orphans": 3,
        "untagged_orphans": 0,
        "adoption": None,
        "stopped_by": [],
        "pruned": 0,
        "unfinished": False,
        "next_due": "2026-11-25T12:00:00Z",
        "wake_up_error": None,
        "truncated": False,
    }  # fmt: skip


def test_what_failed_is_listed_with_its_error_and_counted_as_kept() -> None:
    """Only what S3 confirmed is counted."""
    document = report(3, failed=1).document()
    assert [(entry["key"], entry["error"]) for entry in document["failed"]] == [("d-x00000", "AccessDenied: no")]
    assert [entry["key"] for entry in document["delete"]] == ["d-x00001", "d-x00002"]
    assert document["counts"] == {"tag": 3, "untag": 0, "delete": 2, "keep": 5, "failed": 1, "set_aside": 0}
    assert document["bytes_deleted"] == 20


def test_short_answer_is_not_cut() -> None:
    """Every list is complete, and the answer says so."""
    document = report(10).document()
    assert cut(document) == document
    assert document["truncated"] is False


@pytest.mark.parametrize("name", ["x", "ü" * 40, '"\\' * 20], ids=["ascii", "unicode", "escaped"])
@pytest.mark.parametrize("limit", [2_000, 20_000, 100_000])
def test_long_answer_is_cut_to_the_limit_with_its_counts_whole(limit: int, name: str) -> None:
    """The most important list is cut last; the document itself is not changed."""
    document = report(300, failed=50, name=name).document()
    answer = cut(document, limit)
    assert len(json.dumps(answer).encode()) <= limit
    assert answer["truncated"] is True
    assert answer["counts"] == {"tag": 300, "untag": 0, "delete": 250, "keep": 351, "failed": 50, "set_aside": 0}
    for list_name in LISTS:
        assert answer[list_name] == document[list_name][: len(answer[list_name])], "the first ones, in order"
    cut_lists = [list_name for list_name in LISTS if len(answer[list_name]) < len(document[list_name])]
    assert cut_lists
    assert document["truncated"] is False
    assert len(document["tag"]) == 300


def test_most_needed_list_is_cut_last() -> None:
    """Failures before deletions before upcoming deletions."""
    document = report(300, failed=5).document()
    answer = cut(document, 20_000)
    assert len(answer["failed"]) == 5
    assert 0 < len(answer["delete"]) < 295
    assert answer["upcoming"] == []


def test_answer_of_a_huge_run_is_what_lambda_can_carry() -> None:
    """The default limit, with room for the rest of the answer."""
    answer = cut(report(20_000).document())
    assert len(json.dumps(answer).encode()) <= MAX_ANSWER_BYTES < LAMBDA_LIMIT
    assert answer["counts"]["delete"] == 20_000
    assert answer["truncated"] is True


@pytest.mark.scenario("T32b")
@pytest.mark.parametrize("dry_run", [True, False])
def test_log_holds_the_whole_plan_in_pieces(dry_run: bool) -> None:  # noqa: FBT001 (a parameter of the test)
    """Also entries that the answer had to leave out; ``upcoming`` only for a dry run."""
    document = {**report(1201, failed=7).document(), "dry_run": dry_run}
    found: dict[str, list[Any]] = {name: [] for name in LISTS}
    lines = list(log_lines(document))
    for line in lines:
        assert line["from"] == len(found[line["plan"]])
        assert 0 < len(line["actions"]) <= 50
        found[line["plan"]] += line["actions"]
    logged = {name: document[name] if dry_run or name != "upcoming" else [] for name in LISTS}
    assert found == logged
    assert len(lines) == sum(-(-len(actions) // 50) for actions in logged.values())


def test_a_line_of_the_longest_keys_fits_a_log_event() -> None:
    """CloudWatch accepts 256 KB; JSON may need six bytes for three of the key's 1,024."""
    key = "\u65e5" * 341
    document = report(60).document()
    document["delete"] = [{**entry, "key": key, "logical": key} for entry in document["delete"]]
    assert document["delete"]
    assert all(len(json.dumps(line)) < 256_000 for line in log_lines(document))


@pytest.mark.scenario("T32b")
def test_summary_is_the_answer_without_its_lists() -> None:
    """For the ledger and the last line of the log."""
    document = report(5).document()
    assert set(document) - set(summary(document)) == set(LISTS)
    assert summary(document)["counts"] == document["counts"]


def test_a_summary_with_a_stop_for_each_of_thousands_of_channels_fits_a_log_event() -> None:
    """And the ledger, which each upload reads. Each stop has a line of its own in the log."""
    stops = tuple(
        Stop(Reason.MISSING_MARKER, f"the marker of release {n} is gone", channel=f"pr-{n}") for n in range(20_000)
    )
    whole = report(5)
    document = replace(whole, plan=replace(whole.plan, stops=stops)).document()
    short = summary(document)
    assert len(json.dumps(short)) < 256_000
    assert short["stopped_by"] == document["stopped_by"][: len(short["stopped_by"])]
    assert (short["truncated"], len(short["stopped_by"]) > 100) == (True, True)
    assert short["counts"] == document["counts"]
