"""``upload``, the default command; and what it shares with ``run``: a build, sent, and what became of it."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from uploader.builds.files import check_directory, every_file
from uploader.cli import configuration
from uploader.cli import options as shared
from uploader.cli.command import command
from uploader.cli.console import answer, readable
from uploader.errors import StoppedError, UploaderError

if TYPE_CHECKING:
    from uploader.builds.files import Collector
    from uploader.publishing.prepare import Prepared
    from uploader.publishing.publish import Published


def staged_for() -> str:
    """How long a staged release keeps its assets; the cleaner's setting is not known here."""
    from release_log.policy_settings import Policy  # noqa: PLC0415 (a start without it is quicker)

    return f"staged_ttl ({Policy().staged_ttl // 3600} hours by default)"


@command()
@shared.takes(
    shared.DIRECTORY,
    *shared.SITE,
    shared.CHANNEL_OPTION,
    shared.RELEASE,
    *shared.NAMES,
    click.option(
        "--stage",
        envvar="UPLOADER_STAGE",
        is_flag=True,
        help="Not current yet: `activate` does that, once its roll-out has succeeded.",
    ),
    shared.DRY_RUN,
    shared.JSON,
    *shared.INVALIDATION,
    *shared.ENCRYPTION,
    *shared.WAY,
    shared.CONCURRENCY_OPTION,
    *shared.LOGS,
)
def upload(**options: Any) -> None:  # noqa: ANN401 (click's own names and types, as declared above)
    """Upload what is new in DIRECTORY, then write the release marker.

    \b
    Examples:
      python -m uploader dist --bucket my-assets
      python -m uploader dist --bucket my-assets --channel staging --dry-run
      python -m uploader dist --bucket my-assets --json > release.json
      python -m uploader --env production  # the rest stands in uploader.toml
      python -m uploader upload dist --bucket my-assets --stage
    """
    document = send(prepare(options), options, stage=options["stage"])
    done = f"release {document['release']} was {_done(document)}"
    try:
        invalidate(document, options, done)
    finally:  # the release is there, whatever became of the invalidation
        answer(options, document, summary(document, options), done=done)


def prepare(options: dict[str, Any]) -> Prepared:
    """Look at the build that a command's options name; meanwhile the bucket is asked for what is needed first."""
    if options["collector"] is None:
        check_directory(options["directory"])
    bucket = shared.open_bucket(options, warm=True)
    # All this is imported while the connections are being opened.
    from uploader.cli.logs import log_to_stderr  # noqa: PLC0415
    from uploader.publishing import prepare as preparing  # noqa: PLC0415

    log_to_stderr(options)
    return preparing.prepare(
        bucket,
        options["directory"],
        prefix=options["prefix"],
        channel=options["channel"],
        release=options["release"],
        pattern=options["fingerprint_pattern"],
        collector=_collector(options["collector"]),
        rules=configuration.rules(),
        manifest=options["manifest"],
    )


def _collector(reference: str | None) -> Collector:
    if reference is None:
        return every_file
    from uploader.builds.user_collector import load_collector  # noqa: PLC0415 (few have one of their own)

    return load_collector(reference)


def send(prepared: Prepared, options: dict[str, Any], *, stage: bool) -> dict[str, Any]:
    """Publish a build; returns the document of ``--json``."""
    began = time.monotonic()
    cdn = shared.find_cdn(options)
    published = _publish(prepared, stage=stage, bar=_wants_bar(options))
    build = prepared.build
    key = None if options["dry_run"] else published.key
    document = {
        "dry_run": options["dry_run"],
        "bucket": options["bucket"],
        "prefix": build.prefix,
        "channel": build.channel,
        "release": published.id,
        "staged": key if stage else None,
        "marker": None if stage else key,
        "uploaded": [
            {
                "key": each.asset.key,
                "logical": each.asset.logical,
                "size": each.asset.size,
                "fingerprinted": each.asset.fingerprinted,
                "reason": each.reason,
            }
            for each in published.uploads
        ],
        "counts": {"uploaded": len(published.uploads), "unchanged": len(published.unchanged)},
        "bytes_uploaded": published.bytes_uploaded,
        "seconds": round(time.monotonic() - began, 3),
        "invalidation": cdn
        and {"distribution": cdn.distribution, "paths": cdn.stale_paths(published.uploads), "id": None},
    }
    import logging  # noqa: PLC0415 (as above)

    for each in published.uploads:
        logging.getLogger("uploader").debug("%s: %s", each.reason, each.asset.key)
    return document


def invalidate(document: dict[str, Any], options: dict[str, Any], so_far: str) -> None:
    """Have the CDN drop its copies of what was replaced, and write the invalidation's id into the document.

    Args:
        document: That of `send`.
        options: The command's.
        so_far: What is so by now, should it fail.
    """
    cdn, asked = shared.find_cdn(options), document["invalidation"]
    if cdn is None or not asked["paths"] or options["dry_run"]:
        return
    try:
        asked["id"] = cdn.invalidate(shared.find_access(options), document["release"], asked["paths"])
    except UploaderError as error:
        msg = f"{so_far}, but {error}"
        raise UploaderError(msg) from error
    except KeyboardInterrupt as error:
        msg = f"{so_far}; whether the CDN still has old copies is not known: {cdn.by_hand(asked['paths'])}"
        raise StoppedError(msg) from error


def summary(document: dict[str, Any], options: dict[str, Any]) -> str:
    """The same for people."""
    counts, size = document["counts"], readable(document["bytes_uploaded"])
    if document["dry_run"]:
        lines = [f"would upload {entry['key']} ({entry['reason']})" for entry in document["uploaded"]]
        lines += [f"would invalidate {path}" for path in (document["invalidation"] or {"paths": ()})["paths"]]
        lines.append(
            f"dry run: {counts['uploaded']} to upload ({size}), {counts['unchanged']} unchanged; nothing written"
        )
        return "\n".join(lines)
    line = (
        f"{_done(document)} {document['release']} {'at' if document['staged'] else 'to'} "
        f"s3://{document['bucket']}/{document['prefix']}: {counts['uploaded']} uploaded ({size}), "
        f"{counts['unchanged']} unchanged, {document['seconds']:.1f} s"
    )
    asked = document["invalidation"]
    if asked and asked["id"]:
        line += f"\ninvalidation {asked['id']} at {asked['distribution']}: {' '.join(asked['paths'])}"
    if not document["staged"]:
        return line
    activate = shared.next_command("activate", document["release"], options)
    return f"{line}\nkept for {staged_for()}; to make it current: {activate}"


def _done(document: dict[str, Any]) -> str:
    return "staged" if document["staged"] else "released"


def _publish(prepared: Prepared, *, stage: bool, bar: bool) -> Published:
    from uploader.publishing.publish import publish  # noqa: PLC0415 (as above)

    build, bucket, newest = prepared
    if not bar:
        return publish(bucket, build, stage=stage, newest=newest)
    from uploader.cli.progress import Bar  # noqa: PLC0415 (rich is only loaded when it is shown)

    with Bar() as shown:
        return publish(bucket, build, stage=stage, newest=newest, started=shown.started, sent=shown.sent)


def _wants_bar(options: dict[str, Any]) -> bool:
    moves = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    return moves and not (options["quiet"] or options["as_json"] or options["verbose"])
