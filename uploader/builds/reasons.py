"""Why each name of a build has the logical path that it has: what ``upload --dry-run -v`` shows."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from release_log.fingerprints import split
from uploader.builds.siblings import names_by_siblings

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator, Mapping, Sequence

    from uploader.builds.files import AnyFile
    from uploader.builds.logical_paths import LogicalPath


log = logging.getLogger("uploader")


def log_reasons(
    files: Sequence[AnyFile],
    decided: Sequence[LogicalPath],
    from_manifests: Mapping[str, str],
    pattern: re.Pattern[str] | None,
) -> None:
    """Log the `reasons`, if somebody wants to read them."""
    if log.isEnabledFor(logging.DEBUG):
        for line in reasons(files, decided, from_manifests, pattern):
            log.debug("%s", line)


def reasons(
    files: Sequence[AnyFile],
    decided: Sequence[LogicalPath],
    from_manifests: Mapping[str, str],
    pattern: re.Pattern[str] | None,
) -> Iterator[str]:
    """One line for each file: its name, what was decided, and why.

    Args:
        files: The files as the collector found them.
        decided: What `logical_paths` decided of each.
        from_manifests: File name -> logical path.
        pattern: The user's fingerprint pattern.
    """
    alone = {file.name: split(file.name, pattern) for file in files if not _is_explained(file, from_manifests)}
    siblings = names_by_siblings(alone) if pattern is None else {}
    for file, (logical, fingerprinted) in zip(files, decided, strict=True):
        name = file.name
        if file.logical is not None or file.fingerprinted is not None:
            why = "says the collector"
        elif name in from_manifests:
            why = "says the build manifest, or the folder of a framework"
        elif name in siblings:
            parts, convention = siblings[name]
            why = f"{parts.fingerprint!r}, as {convention}"
        elif alone[name].fingerprint is not None:
            why = f"{alone[name].fingerprint!r}, {'by its looks' if pattern is None else 'by --fingerprint-pattern'}"
        else:
            why = "nothing in it looks like one" if pattern is None else "--fingerprint-pattern does not match"
        kind = "fingerprinted" if fingerprinted else "plain"
        shown = "" if logical == name else f"; logical path {logical}"
        yield f"{name}: {kind} ({why}){shown}"


def _is_explained(file: AnyFile, from_manifests: Mapping[str, str]) -> bool:
    return file.logical is not None or file.name in from_manifests
