"""``verify``: every asset of the current releases is there with the right size, content and headers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from uploader.cli.colours import Problem
from uploader.cli.console import answer
from uploader.cli.heartbeat import Heartbeat
from uploader.cli.table import Table
from uploader.counted import counted
from uploader.errors import EXIT_DONE, EXIT_FAILED
from uploader.library import inspection

if TYPE_CHECKING:
    from uploader.cli.console import Answer
    from uploader.cli.output import OutputOptions
    from uploader.library.site import Site
    from uploader.operations.verify import Verified


def verify(site: Site, output: OutputOptions, *, only_channel: str | None, release_id: str | None) -> int:
    """Check the assets of the current releases."""
    if release_id and only_channel:
        msg = "--release and --channel exclude each other: a release has one channel"
        raise click.UsageError(msg, click.get_current_context())
    with Heartbeat(lambda seconds: f"comparing each asset with its release: {seconds:.0f} s"):
        found = inspection.verify(site, channel=only_channel, release_id=release_id)
    document = {
        "bucket": site.bucket,
        "prefix": site.prefix,
        "releases": dict(found.releases),
        "assets": found.assets,
        "findings": [
            {
                "key": each.key,
                "wrong": each.problem,
                "detail": each.detail,
                "remedy": each.remedy,
                "releases": list(each.releases),
            }
            for each in found.findings
        ],
        "problems": list(found.problems),
        "not_compared": found.not_compared,
    }
    answer(output, document, _text(found, site), done="nothing was written")
    return EXIT_FAILED if found.findings or found.problems else EXIT_DONE


def _text(found: Verified, site: Site) -> list[Answer]:
    lines: list[Answer] = list(map(Problem, found.problems))
    names = ", ".join(f"{release_id} ({channel})" for channel, release_id in found.releases.items())
    assets = counted(found.assets, "asset")
    if found.findings:
        rows = [(each.key, Problem(each.problem), each.detail) for each in found.findings]
        lines.append(Table(("asset", "wrong", "how it is"), rows))
        lines += sorted({f"{each.problem}: {each.remedy}" for each in found.findings})
        wrong = len(found.findings)
        lines.append(
            Problem(
                f"{wrong:,} of {assets} of {names} at {site.url} {'is' if wrong == 1 else 'are'} not as they should be"
            )
        )
    elif names:
        as_it_should = "is as it should be" if found.assets == 1 else "are as they should be"
        lines.append(f"{assets} of {names} at {site.url} {as_it_should}")
    if found.not_compared:
        unknown, of_it = counted(found.not_compared, "asset"), "it" if found.not_compared == 1 else "them"
        lines.append(f"the content of {unknown} could not be compared: no checksum of {of_it} is known")
    return lines
