"""The policy for a part of a site: all retired assets of some logical paths. Pure.

No asset's fate depends on another path, but for the deletion limit (brake), which counts all of them. So the parts'
plans are together the plan of the whole, and no run needs all retired assets in memory.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cleaner_lambda.policy import accidents, count_orphans
from cleaner_lambda.view import Elsewhere

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cleaner_lambda.ledger import Retired
    from cleaner_lambda.plan import Plan
    from cleaner_lambda.view import View


def view_of(part: Mapping[str, Retired], site: View, elsewhere: Elsewhere = Elsewhere()) -> View:  # noqa: B008 (frozen)
    """What the policy decides on, for a part.

    Args:
        part: Key -> every retired asset of some logical paths.
        site: The same for the whole site, but for the retired assets.
        elsewhere: The other parts; see `others`.
    """
    return replace(
        site,
        live=site.live.intersection(part),
        retired=part,
        owed=site.owed.intersection(part),
        elsewhere=elsewhere,
    )


def tally(plan: Plan, part: Mapping[str, Retired]) -> Elsewhere:
    """What a part's plan, decided without the brake, means for the others."""
    return Elsewhere(accidents(plan.delete), len(part), count_orphans(part))


def others(tallies: Iterable[Elsewhere], part: Mapping[str, Retired], site: View) -> Elsewhere:
    """What the rest of the site is for a part.

    Args:
        tallies: Those of the other parts.
        part: The part.
        site: As in `view_of`.
    """
    each = list(tallies)
    current = len(site.live - site.missing - part.keys())
    return Elsewhere(
        sum(one.due for one in each), sum(one.assets for one in each) + current, sum(one.orphans for one in each)
    )
