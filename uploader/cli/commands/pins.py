"""``pin`` and ``unpin``: a release whose assets are kept until further notice."""

from __future__ import annotations

from typing import Any

from release_log.layout import Layout
from uploader.cli import options as shared
from uploader.cli.command import command
from uploader.cli.console import answer, answer_gone
from uploader.cli.logs import log_to_stderr
from uploader.errors import NotWholeError
from uploader.operations import pins


@command()
@shared.takes(shared.release_argument(), *shared.SITE, shared.JSON, *shared.ENCRYPTION, *shared.WAY, *shared.LOGS)
def pin(**options: Any) -> None:  # noqa: ANN401 (click's own names and types, as declared above)
    """Keep all assets of RELEASE, an id or a name, until it is unpinned: for a native app, a widget, a long trial.

    All of them must be there; if some are gone, they are listed, and nothing is changed. The release need not be
    current, nor ever have been: a staged one can be pinned too. Doing it twice is no error.

    \b
    Examples:
      python -m uploader pin 20261123T060500Z-3f9c2ab --bucket my-assets
      python -m uploader pin 3f9c2ab --bucket my-assets
    """
    log_to_stderr(options)
    document = {"bucket": options["bucket"], "prefix": options["prefix"], "release": options["wanted"], "gone": []}
    try:
        done = pins.pin(shared.open_bucket(options), Layout(options["prefix"]), options["wanted"])
    except NotWholeError as error:
        answer_gone(options, {**document, "pin": None, "already": False}, error)
        raise
    assets = done.logged.release.assets.values()
    document |= {
        "release": done.logged.id,
        "pin": done.key,
        "already": done.already,
        "counts": {"assets": len(assets), "replaceable": sum(not asset.fingerprinted for asset in assets)},
    }
    answer(options, document, _summary(document), done=f"release {done.logged.id} is pinned")


@command()
@shared.takes(shared.release_argument(), *shared.SITE, shared.JSON, *shared.WAY, *shared.LOGS)
def unpin(**options: Any) -> None:  # noqa: ANN401 (as above)
    """Let go of the pinned RELEASE, an id or a name: its assets go when they are due, like all others.

    An operator's command: besides what an upload needs it takes s3:DeleteObject on the pins.

    \b
    Example:
      python -m uploader unpin 20261123T060500Z-3f9c2ab --bucket my-assets
    """
    log_to_stderr(options)
    access = shared.find_access(options)._replace(who="the operator's role")
    from uploader.s3.bucket import open_bucket  # noqa: PLC0415 (a wrong option needs no AWS library)

    release_id = pins.unpin(open_bucket(access, shared.CONCURRENCY), Layout(options["prefix"]), options["wanted"])
    document = {"bucket": options["bucket"], "prefix": options["prefix"], "release": release_id, "unpinned": True}
    text = (
        f"unpinned {release_id} at s3://{options['bucket']}/{options['prefix']}; "
        "what nothing else keeps goes with a run of the cleaner, within a day"
    )
    answer(options, document, text, done=f"release {release_id} is not pinned any more")


def _summary(document: dict[str, Any]) -> str:
    where, counts = f"s3://{document['bucket']}/{document['prefix']}", document["counts"]
    if document["already"]:
        return f"{document['release']} is pinned already at {where}; nothing written"
    text = f"pinned {document['release']} at {where}: its {counts['assets']} assets are kept until it is unpinned"
    if counts["replaceable"]:
        text += f"; {counts['replaceable']} of them have no fingerprint, so later uploads replace what is in them"
    return text
