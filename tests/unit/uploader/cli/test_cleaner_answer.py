"""The cleaner's answer for people: failures first, then actions done, then actions to come; nothing is hidden."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cleaner_lambda.ledger import Retired
from cleaner_lambda.outcome import Outcome
from cleaner_lambda.plan import Reason, Stop
from cleaner_lambda.policy import decide
from cleaner_lambda.report import Report
from cleaner_lambda.view import View
from release_log.policy_settings import Policy
from release_log.tags import Mark, State
from uploader.cli.ages import age
from uploader.cli.cleaner_answer import LATER_SHOWN
from uploader.cli.cleaner_answer import text as parts
from uploader.cli.console import plain

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=30)
WHERE = "s3://my-assets/assets/"


def text(document: dict[str, Any], where: str) -> list[str]:
    """The answer as a pipe gets it."""
    return plain(parts(document, where))


def document(*, dry_run: bool = False, later: int = 1, stops: tuple[Stop, ...] = (), **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """The answer of a run with an action of each kind, as the cleaner itself writes it."""
    retired = {
        "assets/app-1b2c3d4e.js": Retired("assets/app.js", Mark(State.REMOVED, LONG_AGO), 48213, "r1"),
        **{
            f"assets/later-{number:02}.js": Retired(
                f"{number}.js", Mark(State.REMOVED, NOW - timedelta(minutes=number)), 10, "r2"
            )
            for number in range(later)
        },
    }
    owed = frozenset({"assets/index.html"})
    plan = decide(View(frozenset({"assets/index.html"}), retired, owed, stops=stops), Policy(), NOW)
    outcome = Outcome(
        deleted={action.key for action in plan.delete},
        untagged=set(owed),
        tagged={action.key: Mark(State.REMOVED, NOW) for action in plan.tag},
        failed={"assets/z.js": "AccessDenied: no"} if "failed" in more else {},
    )
    report = Report(
        dry_run=dry_run, site="assets/", at=NOW, current={}, plan=plan, outcome=outcome,
        missing=None, orphans=None, next_due=plan.next_due,
    )  # fmt: skip
    more.pop("failed", None)
    return {**report.document(), **more}


LATER = "2026-11-25T12:00:00Z"


def test_a_plan() -> None:
    """The table as a person reads it."""
    assert text(document(dry_run=True), WHERE) == [
        "action        asset                   state    since                 ago   reason              due",
        "would delete  assets/app-1b2c3d4e.js  removed  2026-10-24T12:00:00Z  30 d  beyond_removed_ttl",
        "would untag   assets/index.html                                            current",
        "would tag     assets/later-00.js      removed  2026-11-23T12:00:00Z  0 s   removed",
        "later         assets/later-00.js      removed  2026-11-23T12:00:00Z  0 s   within_grace        " + LATER,
        "",
        "s3://my-assets/assets/: would delete 1 (48.2 kB), untag 1, tag 1, keep 2; nothing was changed",
        "next due: 2026-11-25T12:00:00Z",
    ]


@pytest.mark.parametrize(
    ("since", "ago"),
    [
        ("2026-11-23T12:00:00Z", "0 s"),
        ("2026-11-23T12:00:01Z", "0 s"),
        ("2026-11-23T11:58:01Z", "119 s"),
        ("2026-11-23T10:00:00Z", "2 h"),
        ("2026-11-21T12:00:00Z", "2 d"),
        ("2026-11-21T13:00:00Z", "47 h"),
        ("2023-02-27T12:00:00Z", "1,365 d"),
    ],
)
def test_how_long_ago_an_asset_left(since: str, ago: str) -> None:
    assert age(since, "2026-11-23T12:00:00Z") == ago


def test_failures_come_before_anything_else() -> None:
    said = text(document(failed=True, missing=["assets/gone.js"]), WHERE)
    assert [line.split()[0] for line in said[1:7]] == ["failed", "missing", "deleted", "untagged", "tagged", "later"]
    assert said[1].endswith("AccessDenied: no")
    assert "s3://my-assets/assets/: deleted 1 (48.2 kB), untagged 1, tagged 1, kept 2" in said


def test_without_actions_there_is_no_table() -> None:
    nothing: dict[str, Any] = {name: [] for name in ("delete", "untag", "tag", "upcoming")}
    said = "\n".join(text({**document(), **nothing, "next_due": None}, WHERE))
    assert said.startswith(f"{WHERE}: deleted 1")
    assert len(said.splitlines()) == 1


def test_the_soonest_actions_to_come_are_shown_and_the_rest_counted() -> None:
    """Else the plan of a site with a million assets would scroll away."""
    said = text(document(later=LATER_SHOWN + 5), WHERE)
    later = [line.split() for line in said if line.startswith("later")]
    assert [words[-1] for words in later] == sorted(words[-1] for words in later)
    assert later[0][1] == f"assets/later-{LATER_SHOWN + 4}.js"
    assert "5 more fall due later: --json lists them all" in said


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"truncated": True}, "the lists are cut to Lambda's answer limit"),
        ({"unfinished": True}, "ran out of time; the cleaner continues by itself"),
        ({"orphans": 3}, "3 assets of no known release"),
        ({"stops": (Stop(Reason.BRAKE, "too many"),)}, "nothing is deleted (brake): too many"),
        ({"stops": (Stop(Reason.ADOPTION, "5 wait"),)}, "no orphan is retired (adoption): 5 wait"),
        (
            {"untagged_orphans": 5},
            "5 retired orphans get no tags, as there are more than orphan_tags: if the ledger is lost",
        ),
    ],
)
def test_each_warning_has_its_line(more: dict[str, Any], said: str) -> None:
    assert [line for line in text(document(**more), WHERE) if line.startswith(said)]
