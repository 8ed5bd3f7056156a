"""``activate`` and ``drop``: what becomes of a staged release, from a job of its own."""

from __future__ import annotations

from typing import Any

from release_log.layout import Layout
from uploader.cli import options as shared
from uploader.cli.command import command
from uploader.cli.console import answer
from uploader.cli.logs import log_to_stderr
from uploader.operations import staging


@command()
@shared.takes(shared.ID, *shared.SITE, shared.JSON, *shared.ENCRYPTION, *shared.WAY, *shared.LOGS)
def activate(**options: Any) -> None:  # noqa: ANN401 (click's own names and types, as declared above)
    """Make the staged release ID current, once its roll-out has succeeded.

    All of its assets must be there. Doing it twice is no error.

    \b
    Example:
      python -m uploader activate 20261123T060500Z-3f9c2ab --bucket my-assets
    """
    log_to_stderr(options)
    done = staging.activate(shared.open_bucket(options), Layout(options["prefix"]), options["release_id"])
    document = {
        "bucket": options["bucket"],
        "prefix": options["prefix"],
        "release": done.id,
        "marker": done.marker,
        "already": done.already,
    }
    where = f"s3://{options['bucket']}/{options['prefix']}"
    text = f"{done.id} is current already at {where}" if done.already else f"activated {done.id} at {where}"
    answer(options, document, text, done=f"release {done.id} is current")


@command()
@shared.takes(shared.ID, *shared.SITE, shared.JSON, *shared.WAY, *shared.LOGS)
def drop(**options: Any) -> None:  # noqa: ANN401 (as above)
    """Give up the staged release ID, because its roll-out has failed.

    What is current stays so. The cleaner removes the assets that no other release needs.

    \b
    Example:
      python -m uploader drop 20261123T060500Z-3f9c2ab --bucket my-assets
    """
    log_to_stderr(options)
    release_id = options["release_id"]
    staging.drop(shared.open_bucket(options), Layout(options["prefix"]), release_id)
    document = {"bucket": options["bucket"], "prefix": options["prefix"], "release": release_id, "dropped": True}
    text = f"dropped {release_id} at s3://{options['bucket']}/{options['prefix']}; what was current stays so"
    answer(options, document, text, done=f"release {release_id} was dropped")
