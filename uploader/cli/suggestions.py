"""What a shell offers that only the bucket knows: ids of releases, and channels.

Whoever presses TAB waits, and cannot read a message in the middle of a line. So this takes `SECONDS` at most, asks for
nothing, and offers nothing if there is no bucket, no right or no answer. Nothing is kept for the next time.
"""

from __future__ import annotations

import contextlib
import logging
from threading import Thread
from typing import TYPE_CHECKING, Any

from click.core import ParameterSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TextIO

    import click

    from release_log.layout import Layout
    from uploader.library.site import Site

    Complete = Callable[[click.Context, click.Parameter, str], list[str]]

SECONDS = 2.0
"""How long a shell waits for the bucket."""

SHOWN = 50
"""How many releases are offered, the newest ones."""


def ids(folders: Callable[[Layout], tuple[str, ...]]) -> Complete:
    """Offers the ids of the releases in some folders of the release log, the newest first."""

    def ask(site: Site) -> list[str]:
        from release_log.release_id import is_id  # noqa: PLC0415 (only TAB needs it)
        from uploader.history.order import newest_first  # noqa: PLC0415
        from uploader.history.release import id_of  # noqa: PLC0415

        bucket, layout = site.open(), site.layout
        log = {key: at for folder in folders(layout) for key, at in bucket.written(folder).items()}
        # The shell puts the word into the user's line as it is: a file called `$(command)` would be run with Enter.
        return [name for key in newest_first(log, *folders(layout)) if is_id(name := id_of(layout, key))]

    def complete(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
        return _beginning(incomplete, _answer(context, ask))[:SHOWN]

    return complete


PUBLISHED = ids(lambda layout: (layout.markers,))
STAGED = ids(lambda layout: (layout.staged,))
PINNED = ids(lambda layout: (layout.pins,))
PUBLISHED_OR_STAGED = ids(lambda layout: (layout.markers, layout.staged))


def channels(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Offers the channels that have a current release."""

    def ask(site: Site) -> list[str]:
        from uploader.history.current import find_current, read_ledger  # noqa: PLC0415 (only TAB needs it)

        bucket, layout = site.open(), site.layout
        log = bucket.written(layout.log)
        ledger, _ = read_ledger(bucket, layout)
        return list(find_current(bucket, layout, log, ledger).releases)

    return _beginning(incomplete, _answer(context, ask))


def _beginning(incomplete: str, words: Iterable[str]) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]


def _answer(context: click.Context, ask: Callable[[Site], list[str]]) -> list[str]:
    """What the site says in time; nothing if it does not, for whatever reason."""
    import getpass  # noqa: PLC0415 (only TAB needs it)

    found: list[str] = []

    def work() -> None:
        with contextlib.suppress(BaseException):  # a panic of the native library is no message either
            site = _site(context)
            if site is not None:
                found.extend(ask(site))

    logging.disable()
    getpass.getpass = _no_password
    thread = Thread(target=work, daemon=True)  # the process ends without it
    thread.start()
    thread.join(SECONDS)
    return list(found)


def _site(context: click.Context) -> Site | None:
    """The site of the words so far, the environment and the configuration file; None without a bucket."""
    from uploader.cli.config_file import find_config  # noqa: PLC0415 (only TAB needs it)
    from uploader.library.site import Site  # noqa: PLC0415

    file = find_config(context.meta.get("uploader.config"))
    settings = file.settings(context.meta.get("uploader.env")) if file else {}

    def value(name: str) -> Any:  # noqa: ANN401 (an option's)
        given = context.params.get(name)
        if name in settings and (
            given is None
            or context.get_parameter_source(name) not in {ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT}
        ):
            return settings[name].value
        return given

    if not value("bucket"):
        return None
    way = {name: value(name) for name in ("region", "profile", "endpoint_url")}
    return Site(bucket=value("bucket"), prefix=value("prefix"), **way)


def _no_password(prompt: str = "", stream: TextIO | None = None) -> str:  # noqa: ARG001 (getpass's own signature)
    """In place of a question for an MFA code, which would stand in the middle of the user's line."""
    raise EOFError
