"""``verify``: every asset of the current releases is there with the right size, content and headers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from uploader.cli.console import answer, table
from uploader.errors import EXIT_DONE, EXIT_FAILED
from uploader.library import inspection

if TYPE_CHECKING:
    from uploader.cli.output import OutputOptions
    from uploader.library.site import Site
    from uploader.operations.verify import Verified


def verify(site: Site, output: OutputOptions, *, only_channel: str | None, release_id: str | None) -> int:
    """Check the assets of the current releases."""
    if release_id and only_channel:
        msg = "--release and --channel exclude each other: a release has one channel"
        raise click.UsageError(msg, click.get_current_context())
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


def _text(found: Verified, site: Site) -> list[str]:
    lines = list(found.problems)
    names = ", ".join(f"{release_id} ({channel})" for channel, release_id in found.releases.items())
    if found.findings:
        rows = [(each.key, each.problem, each.detail) for each in found.findings]
        lines += table(("asset", "wrong", "how it is"), rows)
        lines += sorted({f"{each.problem}: {each.remedy}" for each in found.findings})
        lines.append(
            f"{len(found.findings)} of {found.assets} assets of {names} at {site.url} are not as they should be"
        )
    elif names:
        lines.append(f"{found.assets} assets of {names} at {site.url} are as they should be")
    if found.not_compared:
        lines.append(f"the content of {found.not_compared} assets could not be compared: no checksum of them is known")
    return lines
