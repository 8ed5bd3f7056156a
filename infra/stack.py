"""The stack that ``cdk deploy`` installs from the checkout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_lambda as lambda_

from asset_cleaner_cdk.code import CleanerCode
from asset_cleaner_cdk.installation import install

if TYPE_CHECKING:
    from pathlib import Path

    from constructs import Construct

    from asset_cleaner_cdk.settings.stack import StackSettings

DESCRIPTION = "Deletes superseded and removed assets from S3 when nothing live needs them any more."


class AssetCleanerStack(Stack):
    """One installation as a stack."""

    def __init__(self, scope: Construct, settings: StackSettings, bundle: Path) -> None:
        """Define it.

        Args:
            scope: The app.
            settings: What to install.
            bundle: The folder with the Lambda's code, and with the sites (`infra.bundle.add_sites`).
        """
        super().__init__(scope, settings.stack_name, description=DESCRIPTION)
        install(self, settings, CleanerCode(lambda_.Code.from_asset(str(bundle))))
