"""The function's code, and where in it or beside it the sites are."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from aws_cdk import aws_lambda as lambda_

from asset_cleaner_cdk.bundled import text, zip_entry
from release_log.environment import SITES_FILE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asset_cleaner_cdk.settings.stack import SiteSettings

BUNDLE = Path(__file__).with_name("bundle.zip")
"""The Lambda's bundle, which the installed package holds and the repository does not."""


class CleanerCode(NamedTuple):
    """The function's code.

    Attributes:
        code: The bundle.
        sites: The sites as a JSON list, for the function's environment; None if the bundle has them.
    """

    code: lambda_.Code
    sites: str | None = None


def packaged_code(sites: Sequence[SiteSettings], scratch: Path) -> CleanerCode:
    """The bundle of the installed package, with the sites.

    Args:
        sites: The sites.
        scratch: A folder that exists until the function is defined: the CDK copies the code into its output then.

    Raises:
        FileNotFoundError: This is not the installed package.
    """
    if not BUNDLE.exists():
        msg = (
            f"{BUNDLE} is missing: a checkout has no bundle; install the package (pip install 'asset-cleaner[deploy]')"
        )
        raise FileNotFoundError(msg)
    archive = scratch / BUNDLE.name
    shutil.copyfile(BUNDLE, archive)
    with zipfile.ZipFile(archive, "a") as opened:
        # Not compressed: the same sites make the same zip by whatever library compresses on this machine.
        opened.writestr(zip_entry(SITES_FILE), text(sites), zipfile.ZIP_STORED)
    return CleanerCode(lambda_.Code.from_asset(str(archive)))
