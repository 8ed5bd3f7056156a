"""What is retired, and how much of it is left at each instant to come. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from uploader.operations.report.amount import Amount, amount_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from release_log.ledger_view import RetiredAsset

MOST_STEPS = 240
"""How many steps the curve has at most: more of them nobody sees."""

NOT_LOOKED_AT = "not looked at yet"


class Step(NamedTuple):
    """How much is left of what is retired, once everything due by an instant is gone."""

    at: datetime
    left: Amount


@dataclass(frozen=True, slots=True)
class Retiring:
    """What is retired.

    Attributes:
        whole: All of it.
        overdue: What was due by now, and is still there.
        kept: Reason -> what does not fall due with time alone, the most bytes first.
        steps: What is left from now on: the first step is now, with everything. Each one is exact; of very many
            instants a sample is taken.
    """

    whole: Amount
    overdue: Amount
    kept: Mapping[str, Amount]
    steps: Sequence[Step]


def retiring(retired: Collection[RetiredAsset], now: datetime) -> Retiring:
    """What is retired, and when it goes.

    Args:
        retired: Every retired asset.
        now: The present.
    """
    whole = amount_of(each.size for each in retired)
    reasons: dict[str, list[int]] = defaultdict(list)
    due: dict[datetime, list[int]] = defaultdict(list)
    for each in retired:
        if each.due is None:
            reasons[each.kept_by or NOT_LOOKED_AT].append(each.size)
        else:
            due[max(each.due, now)].append(each.size)
    kept = sorted(((reason, amount_of(sizes)) for reason, sizes in reasons.items()), key=lambda each: -each[1].size)
    goes = sorted((at, amount_of(sizes)) for at, sizes in due.items())
    left = accumulate((gone for _, gone in goes), Amount.less, initial=whole)
    next(left)
    steps = [Step(now, whole), *(Step(at, amount) for (at, _), amount in zip(goes, left, strict=True))]
    overdue = amount_of(each.size for each in retired if each.due is not None and each.due <= now)
    return Retiring(whole, overdue, dict(kept), _sample(steps))


def _sample(steps: list[Step]) -> list[Step]:
    """The first step and the last, and of those between no more than can be seen, at equal distances in time."""
    if len(steps) <= MOST_STEPS:
        return steps
    first, last = steps[0], steps[-1]
    width = (last.at - first.at) / (MOST_STEPS - 2)
    found = {0: first}
    for step in steps[1:-1]:
        found[1 + int((step.at - first.at) / width)] = step
    return [*found.values(), last]
