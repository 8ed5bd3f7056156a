"""The CDK app: ``cdk deploy`` runs it, to install the stack that `infra.stack` defines."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import aws_cdk as cdk

from asset_cleaner_cdk.settings.errors import ContextError
from asset_cleaner_cdk.settings.stack import settings_from
from infra.bundle import BundleError, add_sites, build
from infra.quotas import WITHOUT_THE_CDKS_LIMIT, check_quotas
from infra.stack import AssetCleanerStack


def main() -> None:
    """Synthesise the stack, or exit with one line that says what is wrong."""
    app = cdk.App(context=WITHOUT_THE_CDKS_LIMIT)
    try:
        settings = settings_from(app.node.get_all_context(), os.environ.get("CDK_DEFAULT_REGION"))
        with TemporaryDirectory() as scratch:
            # The CDK copies the bundle into its output, under a name made from the content.
            AssetCleanerStack(app, settings, add_sites(build(Path(scratch) / "bundle"), settings.sites))
            made = app.synth().get_stack_by_name(settings.stack_name)
            check_quotas(json.loads(Path(made.template_full_path).read_text()), len(settings.sites))
    except (ContextError, BundleError) as error:
        sys.exit(f"app.py: {error}")


if __name__ == "__main__":
    main()
