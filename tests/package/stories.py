"""What a person sees who has deployed the cleaner: a release retires assets, and they go when they are due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release_log.tags import State
from tests.wake_ups import wait_until_gone

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from examples.installation import Installation

OLD, NEW, GONE = "assets/app-1a2b3c4d.js", "assets/app-5e6f7a8b.js", "assets/logo-9c0d1e2f.png"

SOON = {"grace": 1, "version_ttl": 1}
"""A policy under which what is superseded is due before the test has to wait for it."""


def see_it_clean(site: Installation, folder: Path, deploy_again: Callable[[], object]) -> None:
    """Publish two releases, and see that nothing is deleted before it is due, and that it is then.

    Args:
        site: The deployed site, with a policy that keeps superseded assets for a day.
        folder: A folder for the builds.
        deploy_again: Deploys the same with the policy `SOON`.
    """
    for name, keys in (("r1", (OLD, GONE)), ("r2", (NEW,))):
        build = folder / name
        build.mkdir()
        for key in keys:
            (build / key.rpartition("/")[2]).write_text(name)
        site.wait_until_cleaned(site.publish(build, name)["release"])
    assert {key: each.mark.state for key, each in site.ledger().retired.items()} == {
        OLD: State.SUPERSEDED,
        GONE: State.REMOVED,
    }
    assert site.invoke({})["delete"] == [], "both are kept for a day at least"
    deploy_again()
    assert wait_until_gone(site, {OLD}).keys() == {NEW, GONE}
