"""The runner: nothing that fails, and no signal, keeps what was made from being removed and told about."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from tests.acceptance.beginning import BEGIN
from tests.acceptance.installing import FIRST
from tests.acceptance.plan import DOLLARS, STEPS, TAKES
from tests.acceptance.report import report
from tests.acceptance.runner import Ended, run
from tests.acceptance.steps import DiffersError, Outcome, Step
from tests.acceptance.world import Deploying, World
from tests.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World("abc0123", [], embedded=False, scratch=tmp_path)


def step(name: str, *, raises: BaseException | None = None, needs: tuple[str, ...] = (), signals: int = 0) -> Step:
    """A step that makes a thing of its name, and may fail or be interrupted then."""

    def look(world: World) -> str:
        world.removals.later(f"thing {name}", lambda: removed.append(name))
        if signals:
            os.kill(os.getpid(), signals)
        if raises is not None:
            raise raises
        return "done"

    return Step(name, f"{name} is made", look, needs=needs)


removed: list[str] = []


@pytest.fixture(autouse=True)
def nothing_removed() -> None:
    removed.clear()


def played(steps: list[Step], world: World) -> tuple[Ended, list[str]]:
    """How it ended, and what was said."""
    said: list[str] = []
    return run(steps, world, said.append), said


def test_a_step_that_fails_hides_no_other_and_those_that_need_it_are_not_tried(world: World) -> None:
    steps = [
        step("a", raises=DiffersError("AWS says 409")),
        step("b", raises=OSError("no network")),
        step("c", needs=("a",)),
        step("d"),
    ]
    ended, _ = played(steps, world)
    assert [each.outcome for each in ended.results] == ["differs", "failed", "not tried", "as expected"]
    assert [each.seen for each in ended.results[:3]] == ["AWS says 409", "OSError: no network", "needs: a"]
    assert removed == ["d", "b", "a"], "the latest first, and what was never made is not removed"
    assert not ended.fine


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_steps_and_everything_is_removed(world: World, number: signal.Signals) -> None:
    ended, said = played([step("a"), step("b", signals=number), step("c")], world)
    assert ended.ended_by == number.name
    assert removed == ["b", "a"]
    assert [each.outcome for each in ended.results] == ["as expected", "not tried", "not tried"]
    assert f"{number.name}: removing everything" in said
    assert f"ended early by {number.name}" in report(ended, {})
    assert not ended.fine


def test_a_signal_during_the_removal_does_not_end_it(world: World) -> None:
    world.removals.later("first", lambda: removed.append("first"))
    world.removals.later("second", lambda: os.kill(os.getpid(), signal.SIGINT))
    before = signal.getsignal(signal.SIGINT)
    ended, said = played([step("a", signals=signal.SIGTERM)], world)
    assert removed == ["a", "first"]
    assert any(line.startswith("SIGINT: the removal goes on") for line in said)
    assert (ended.ended_by, ended.left) == ("SIGTERM", [])
    assert signal.getsignal(signal.SIGINT) is before


def test_a_closed_terminal_does_not_end_the_removal(world: World) -> None:
    def say(_text: str) -> None:
        raise BrokenPipeError

    ended = run([step("a"), step("b", signals=signal.SIGHUP)], world, say)
    assert (removed, ended.ended_by, ended.left) == (["b", "a"], "SIGHUP", [])


def test_a_removal_that_fails_is_told_and_the_others_go_on(world: World) -> None:
    def fail() -> None:
        msg = "the bucket\nis not empty"
        raise OSError(msg)

    world.removals.later("bucket x in us-east-1", fail)
    ended, _ = played([step("a")], world)
    assert removed == ["a"]
    assert ended.left == [("bucket x in us-east-1", "OSError: the bucket is not empty")]
    assert not ended.fine
    assert "- bucket x in us-east-1: OSError: the bucket is not empty" in report(ended, {})


def test_slow_removals_begin_together(world: World) -> None:
    for name in ("a", "b"):
        world.removals.later(name, partial(removed.append, name), partial(removed.append, f"begin {name}"))
    played([], world)
    assert removed == ["begin b", "begin a", "b", "a"]


def test_what_hinders_the_removal_of_others_goes_first(world: World) -> None:
    """A stack's policy that a role still has, for one."""
    world.removals.first("role", partial(removed.append, "role"))
    world.removals.later("stack", partial(removed.append, "stack"), partial(removed.append, "begin stack"))
    played([], world)
    assert removed == ["role", "begin stack", "stack"]


def test_what_the_embedded_aws_lacks_is_asserted_otherwise_and_named(world: World) -> None:
    world.embedded = True
    other = Step("x", "expected", lambda _: "at AWS", lacks="edges", instead=lambda _: "in the template", needs=("y",))
    ended, _ = played([other], world)
    assert [(each.outcome, each.seen) for each in ended.results] == [(Outcome.OTHERWISE, "in the template")]
    assert ended.fine
    assert "The embedded AWS lacks: edges. Instead: in the template" in report(ended, {})
    with pytest.raises(ValueError, match="go together"):
        Step("x", "expected", lambda _: "", lacks="edges")


def test_the_report_is_a_table_whatever_aws_says(world: World) -> None:
    ended, _ = played([step("a", raises=DiffersError("a | b\nc <script>" + "x" * 5_000))], world)
    text = report(ended, {"run": "abc0123"})
    (row,) = [line for line in text.splitlines() if line.startswith("| a |")]
    assert "a \\| b c &lt;script>" in row
    assert len(row) < 2_000
    assert text.startswith("# Acceptance\n\n**Not passed**: 1 differs.\n\n- run: abc0123\n")


def test_the_page_says_what_it_takes_and_costs() -> None:
    page = (ROOT / "docs" / "acceptance.md").read_text()
    assert f"takes about {TAKES} minutes" in page
    assert f"costs about {DOLLARS * 100:.0f} US cents" in page


def test_every_step_comes_after_those_that_it_needs() -> None:
    for number, each in enumerate(STEPS):
        assert set(each.needs) <= {before.name for before in STEPS[:number]}, each.name


def test_an_installation_that_cannot_be_begun_fails_in_its_own_step(world: World) -> None:
    """The others are begun all the same; here there is no Region at all."""
    ended, _ = played([BEGIN, FIRST], world)
    assert [(each.outcome, each.seen) for each in ended.results] == [
        ("as expected", "0 of 7 deployments go on at one time"),
        ("failed", "IndexError: list index out of range"),
    ]


def test_a_deployment_that_is_under_way_is_ended_before_its_stack_is_removed(world: World) -> None:
    """Otherwise it could make the stack after nobody found one to remove."""
    place: Any = SimpleNamespace(
        region="us-east-1",
        client=lambda _: SimpleNamespace(),
        begin_removal=lambda _: removed.append("stack"),
        deploy=lambda *_: Deploying(dict, partial(removed.append, "deployment")),
    )

    def begin(world: World) -> str:
        world.begin("new", {}, place)
        return ""

    played([Step("begun", "", begin)], world)
    assert removed == ["deployment", "stack"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "name two different Regions"),
        (["--region", "eu-central-1", "--region", "eu-central-1"], "name two different Regions"),
        (["--region", "eu-central-1", "--region", "us-east-1"], "AWS does not say who we are"),
    ],
)
def test_without_two_regions_and_credentials_nothing_is_created(options: list[str], says: str, tmp_path: Path) -> None:
    environment = {"PATH": os.defpath, "HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}
    answer = subprocess.run(
        [sys.executable, "-m", "tests.acceptance", *options],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (answer.returncode, len(answer.stderr.splitlines())) == (2, 1), answer.stderr
    assert answer.stderr.startswith(f"acceptance: {says}")
