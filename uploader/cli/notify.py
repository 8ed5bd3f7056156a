"""``--notify-url``: a command that ends, in whatever way, tells a chat."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from uploader.builds.ci import build_metadata
from uploader.cli.chat_message import Told, message
from uploader.cli.complaint import complaint
from uploader.cli.webhook import post

if TYPE_CHECKING:
    from collections.abc import Callable

    import click

    from uploader.cli.notice import Notice
    from uploader.library.site import Site

log = logging.getLogger("uploader")


def notified(notice: Notice, url: str, site: Site, ctx: click.Context, body: Callable[[], int | None]) -> int | None:
    """Run a command's body, then tell the webhook how it ended.

    Args:
        notice: What the body fills in.
        url: The webhook's URL.
        site: The site.
        ctx: The command's context.
        body: Runs the command's body; returns its exit code.

    Returns:
        The body's exit code: what becomes of the message changes nothing.
    """
    try:
        code = body()
    except BaseException as error:
        _tell(notice, url, site, ctx, complaint(error, terminated=getattr(ctx.obj, "terminated", False))[0])
        raise
    _tell(notice, url, site, ctx, None)
    return code


def _tell(notice: Notice, url: str, site: Site, ctx: click.Context, problem: str | None) -> None:
    """Tell the webhook. The command has ended already, in its own way: nothing here changes that."""
    try:
        told = Told(
            command=str(ctx.command.name),
            where=site.url,
            channel=ctx.params.get("channel"),
            release=ctx.params.get("release") or ctx.params.get("wanted"),
            document=notice.document,
            problem=problem,
            build_url=build_metadata(os.environ).get("build_url", ""),
        )
        why = post(url, message(told))
    except KeyboardInterrupt:
        why = "interrupted"
    except Exception as error:  # noqa: BLE001 (see above)
        why = f"it could not be sent ({type(error).__name__})"
    if why is not None:
        log.warning("--notify-url: the webhook may not have got the message: %s", why)
