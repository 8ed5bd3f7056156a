"""The cleaner against a second model of itself: the same history, the same answer, run by run (see `story`).

The environment variables ``MODEL_HISTORIES`` (the number of stories) and ``MODEL_SEED`` (the first story's seed) make
the search longer, or begin it elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cleaner_lambda import changes
from cleaner_lambda import history as histories
from cleaner_lambda import policy as policies
from cleaner_lambda.folding import fold_log
from cleaner_lambda.history import History, Published, fold
from cleaner_lambda.policy import decide
from release_log.errors import LedgerError
from release_log.tags import Mark, State
from tests.fake_cleaner_s3 import NOON, FakeS3
from tests.unit.cleaner_lambda.story import Difference, play, replay

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from cleaner_lambda.folding import FoldedLog
    from cleaner_lambda.ledger import Folded, Retired
    from cleaner_lambda.load import Loaded
    from cleaner_lambda.pace import Mapper
    from cleaner_lambda.plan import Plan
    from cleaner_lambda.view import View
    from release_log.layout import Layout
    from release_log.policy_settings import Policy

HISTORIES = int(os.environ.get("MODEL_HISTORIES", "150"))
FIRST_SEED = int(os.environ.get("MODEL_SEED", "1"))


@pytest.mark.timeout(max(180, HISTORIES // 20))
def test_cleaner_agrees_with_the_reference_after_every_run() -> None:
    """Whatever happened in between, and in whatever order the cleaner learnt of it."""
    play(FIRST_SEED, HISTORIES)


# Each rule, broken on purpose in the real code, makes a difference within some hundred stories.

Mutant = Callable[[pytest.MonkeyPatch], None]


def deciding_on(change: Callable[[View, Policy], tuple[View, Policy]]) -> Mutant:
    """The policy decides for another state, or with other settings."""

    def mutant(patch: pytest.MonkeyPatch) -> None:
        def mutated(view: View, policy: Policy, now: datetime, *, force: bool = False) -> Plan:
            return decide(*change(view, policy), now, force=force)

        patch.setattr("cleaner_lambda.decision.decide", mutated)

    return mutant


def ranking(change: Callable[[View], View]) -> Mutant:
    """The ranks come from another state."""
    ranks = policies._ranks  # noqa: SLF001 (to break what it does)
    return lambda patch: patch.setattr(policies, "_ranks", lambda view: ranks(change(view)))


def uploaded_order(view: View) -> View:
    """Versions differ in nothing but their release's id."""
    return replace(
        view, retired={key: replace(each, mark=Mark(each.mark.state, NOON)) for key, each in view.retired.items()}
    )


def since_the_run(patch: pytest.MonkeyPatch) -> None:
    """A new entry is dated with the run that found it, not with its marker."""

    def mutated(store: FakeS3, layout: Layout, loaded: Loaded, _mapper: Mapper) -> FoldedLog:
        folded, known = fold_log(store, layout, loaded), loaded.ledger.retired
        history = folded.history
        new = {key for key, each in history.retired.items() if key not in known or known[key].mark != each.mark}
        dated = {
            key: replace(history.retired[key], mark=Mark(history.retired[key].mark.state, store.now())) for key in new
        }
        return replace(folded, history=replace(history, retired={**history.retired, **dated}))

    patch.setattr("cleaner_lambda.decision.fold_log", mutated)


def revived_keeps_its_clock(patch: pytest.MonkeyPatch) -> None:
    """A key that lives again and leaves again is dated with the first time."""
    first: dict[str, datetime] = {}

    def mutated(
        history: History,
        releases: Iterable[Published],
        _placed: Iterable[Published] = (),
        sure_since: datetime | None = None,
    ) -> History:
        if not history.current:
            first.clear()
        for published in sorted(releases, key=lambda each: each.order):
            before, history = history.retired, fold(history, [published], sure_since=sure_since)
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
    restate = changes.restate

    def mutated(entry: Retired, at: datetime, *, current: bool) -> Retired:
        return entry if entry.mark.state is State.REMOVED else restate(entry, at, current=current)

    patch.setattr(changes, "restate", mutated)


def other_channels_ignored(patch: pytest.MonkeyPatch) -> None:
    """Only the channel of the newest release counts."""
    for name in ("live_keys", "live_paths"):
        whole = getattr(History, name)

        def mutated(history: History, whole: Callable[[History], set[str]] = whole) -> set[str]:
            newest = sorted(history.lines.items(), key=lambda each: each[1][0].order)[-1:]
            return whole(replace(history, lines=dict(newest)))

        patch.setattr(History, name, mutated)


def ended_like_superseded(patch: pytest.MonkeyPatch) -> None:
    """An asset of a channel that has ended is superseded while another channel has its logical path."""
    state = changes.state_of
    for module in (changes, histories):
        patch.setattr(module, "state_of", lambda *, current, ended: state(current=current, ended=ended and False))


def ended_channels_keep_releases(patch: pytest.MonkeyPatch) -> None:
    """``keep_releases`` keeps the releases before the end of a channel."""

    def mutated(history: History, count: int, folded: Mapping[str, Folded]) -> list[str]:
        channels = {each.release.channel for each in history.current.values()}
        lines = [sorted((each.at, i) for i, each in folded.items() if each.channel == name) for name in channels]
        return [i for line in lines for _, i in line[:-1][::-1][:count]]

    patch.setattr("cleaner_lambda.decision.kept_releases", mutated)


MUTANTS: dict[str, Mutant] = {
    "an end supersedes": ended_like_superseded,
    "keep_releases goes beyond an end": ended_channels_keep_releases,
    "version_limit is off by one": deciding_on(lambda v, p: (v, replace(p, version_limit=p.version_limit + 1))),
    "version_ttl is > not >=": deciding_on(lambda v, p: (v, replace(p, version_ttl=p.version_ttl + 1))),
    "removed_ttl is > not >=": deciding_on(lambda v, p: (v, replace(p, removed_ttl=p.removed_ttl + 1))),
    "grace is not a floor": deciding_on(lambda v, p: (v, replace(p, grace=0))),
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
    "a copied marker counts as new": lambda patch: patch.setattr(
        "cleaner_lambda.folding.instants", lambda _ledger, listed: dict(listed)
    ),
    "a batch that S3 cannot read fails as a whole": lambda patch: patch.setattr(
        "cleaner_lambda.deletion._UNREADABLE", set()
    ),
    "a young object is an orphan": lambda patch: patch.setattr("cleaner_lambda.listing.ORPHAN_SECONDS", 0),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_broken_rule_makes_a_difference(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within 500 stories; as a rule within 20. A ledger with a wrong order is refused, too."""
    MUTANTS[name](monkeypatch)
    with pytest.raises((Difference, LedgerError)):
        play(1, 500)


def test_story_of_a_seed_is_always_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """So the seed of a failure repeats it, up to where it fails."""
    MUTANTS["protection is ignored"](monkeypatch)
    with pytest.raises(Difference) as failure:
        play(1, 500)
    seed = int(str(failure.value).removeprefix("seed ").partition(",")[0])
    with pytest.raises(Difference) as again:
        replay(seed)
    assert str(again.value) == str(failure.value)
    assert capsys.readouterr().out.startswith(f"seed {seed}: Policy(")
