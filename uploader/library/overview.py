"""All sites of a bucket, or of an installation."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from release_log.errors import LayoutError
from release_log.site_pattern import check_site
from uploader.aws.cleaner_function import invoke, open_lambda
from uploader.errors import UsageError
from uploader.operations import sites as operation
from uploader.s3.folders import folders

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uploader.library.site import Site
    from uploader.operations.sites import ListedSite


def sites(site: Site, *, patterns: Sequence[str] = (), function: str | None = None) -> list[ListedSite]:
    """List the sites of a bucket: their current releases, the cleaner's last run, and what is due next.

    Args:
        site: Any site of the bucket; its prefix does not count.
        patterns: Prefixes, and patterns such as ``previews/*/``.
        function: The cleaner's function: without patterns, it is asked which sites it cleans.

    Raises:
        UsageError: There is neither, or a pattern is not valid.
        UploaderError: S3 or the function refused.
    """
    configured = list(patterns) or _ask(site, function)
    try:
        configured = [check_site(each) for each in configured]
    except LayoutError as error:
        raise UsageError(str(error)) from error
    found = operation.find_prefixes(configured, partial(folders, site.access))
    return list(operation.read_sites(site.open(), found))


def _ask(site: Site, function: str | None) -> list[str]:
    """The prefixes and patterns of this bucket that the cleaner is configured with."""
    if not function:
        msg = (
            "which sites? Name them, as in `sites 'previews/*/'`, or name the cleaner with --function or "
            "UPLOADER_FUNCTION, to be asked for them"
        )
        raise UsageError(msg)
    answer = invoke(open_lambda(site.access), function, {"list_sites": True}, expected=frozenset({"sites"}))
    return [str(each["prefix"]) for each in answer["sites"] if each["bucket"] == site.bucket]
