"""What a chat is told of a command: one line and a few fields, in the JSON of Slack's incoming webhooks. Pure.

Mattermost, Rocket.Chat and Discord (with ``/slack`` after its URL) take the same. Attachments, and not Slack's newer
blocks, because only Slack knows those.
https://docs.slack.dev/messaging/formatting-message-text/
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from uploader.cli.console import readable
from uploader.counted import all_of, counted
from uploader.printable import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST = 1500
"""Characters of a text: Slack cuts a field after 2,000, and an error may name many keys."""

_MENTION = re.compile(r"(?<!\w)@(?=\w)")


class Told(NamedTuple):
    """What is known of a command that has ended.

    Attributes:
        command: Its name.
        where: The site's URL, ``s3://my-assets/assets/``.
        channel: The release's channel; None if it is not known.
        release: The release's id, or its name if it has no id yet; None if it is not known.
        document: The document of ``--json``, as far as the command came; else empty.
        problem: The line about the error; None if there was none.
        build_url: The CI system's page of the build; empty without one.
    """

    command: str
    where: str
    channel: str | None
    release: str | None
    document: Mapping[str, Any]
    problem: str | None
    build_url: str


def message(told: Told) -> bytes:
    """The message, as the webhook takes it. No text in it is markup, or calls anybody."""
    line, good = _line(told)
    counts = told.document.get("counts", {})
    sent = counts.get("uploaded")
    fields = {
        "site": told.where,
        "channel": told.document.get("channel") or told.channel,
        "release": told.document.get("release") or told.release,
        "sent": None if sent is None else f"{counted(sent, 'file')}, {readable(told.document['bytes_uploaded'])}",
        "unchanged": counted(counts["unchanged"], "file") if "unchanged" in counts else None,
        "problem": told.problem,
        "build": told.build_url,
    }
    shown = [
        {"title": title, "value": escaped(value), "short": title not in {"problem", "build"}}
        for title, value in fields.items()
        if value
    ]
    attachment = {"color": "good" if good else "danger", "fallback": escaped(line), "fields": shown, "mrkdwn_in": []}
    return json.dumps({"text": escaped(line), "mrkdwn": False, "attachments": [attachment]}).encode()


def escaped(text: str) -> str:
    """A text as a chat shows it letter by letter: no link, no mention, nothing hidden; cut if it is very long."""
    shown = printable(text)
    if len(shown) > LONGEST:
        shown = f"{shown[:LONGEST]}…"
    shown = shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MENTION.sub("@\u200b", shown)  # Mattermost calls people, and everybody, without any markup


def _line(told: Told) -> tuple[str, bool]:
    """The one line, and whether it is good news."""
    document, where = told.document, told.where
    channel = document.get("channel") or told.channel
    at = f"{where} (channel {channel})" if channel else where
    if told.problem is not None:
        return f"{told.command} failed at {at}: {told.problem}", False
    if told.command == "rollback":
        assets = all_of(document["counts"]["assets"], "asset is", "assets are")
        if document["already"]:
            return f"{document['rollback_of']} is current already at {at}; nothing written", True
        origin = f" from {document['from']}" if document["from"] else ""
        return f"Rolled back{origin} to {document['rollback_of']} at {at}: {assets} there", True
    counts, size = document["counts"], readable(document["bytes_uploaded"])
    amount = f"{counted(counts['uploaded'], 'file')} sent ({size}), {counts['unchanged']:,} unchanged"
    if document.get("exit_status"):
        failed = f"the roll-out failed (exit status {document['exit_status']})"
        return f"Not released: {document['release']} at {at}: {failed}; the current release is unchanged", False
    return f"{'Staged' if document['staged'] else 'Released'} {document['release']} at {at}: {amount}", True
