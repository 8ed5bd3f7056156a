"""A build as its user describes it, on the command line or in a program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from release_log.channel import DEFAULT_CHANNEL
from uploader.builds.files import check_directory

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from uploader.builds.files import Collector


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """A build, as its user describes it.

    Attributes:
        directory: The build's output.
        channel: The line of releases that the new release belongs to.
        release: The release's name. None: the CI system's commit, else git's, else `no-commit`.
        fingerprint_pattern: A regular expression with a group ``fingerprint``. None: the built-in recognition.
        manifest: A build manifest. None: the manifests found in the directory. ``Path("none")``: no manifest.
        collector: A function that finds the files, or its name, ``package.module:function``. None: every file of the
            directory.
        rules: How some files are stored, as ``[[rules]]`` in ``uploader.toml``: ``{"match": "*.map", "skip": True}``.
        rules_source: Where the rules stand, for error messages.
        normalize: ``nfc``: the form of Unicode in which the keys are stored. None: that of the files' names.
        allow: Globs that name the private files to publish on purpose.
        include: Globs: only the files that one of them names are published. None given: every file.
        exclude: Globs that name files which are not published, whatever `include` says.

    Raises:
        UsageError: The directory cannot be a build's.
    """

    directory: Path
    channel: str = DEFAULT_CHANNEL
    release: str | None = None
    fingerprint_pattern: str | re.Pattern[str] | None = None
    manifest: Path | None = None
    collector: Collector | str | None = None
    rules: Sequence[Mapping[str, Any]] = ()
    rules_source: str = "rules"
    normalize: str | None = None
    allow: Sequence[str] = ()
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()

    def __post_init__(self) -> None:
        """A user's collector need not look at the directory."""
        if self.collector is None:
            check_directory(self.directory)
