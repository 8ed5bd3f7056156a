"""Which files of a build are published at all: `--include`, `--exclude`, and ignore files."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from uploader.treatment.globs import translate

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence


@dataclass(frozen=True, slots=True)
class Selection:
    """Which files are published: those that an include names and no exclude, in whatever order they are given.

    Attributes:
        include: Globs, see `uploader.treatment.globs`; without any, every file is included.
        exclude: Globs; they win over the includes.
        ignored: Whether an ignore file leaves out the file of this name.
    """

    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    ignored: Callable[[str], bool] | None = None
    _in: re.Pattern[str] | None = field(init=False, repr=False, compare=False)
    _out: re.Pattern[str] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Compile the globs."""
        object.__setattr__(self, "_in", _any_of(self.include))
        object.__setattr__(self, "_out", _any_of(self.exclude))

    @property
    def is_everything(self) -> bool:
        """Whether it leaves out no file at all: of 50,000 files, none needs to be looked at."""
        return self._in is None and self._out is None and self.ignored is None

    def leaves_out(self, name: str) -> bool:
        """Whether the file of this name is not published.

        Args:
            name: The path below the site's prefix.
        """
        if self._in is not None and not self._in.fullmatch(name):
            return True
        if self._out is not None and self._out.fullmatch(name):
            return True
        return self.ignored is not None and self.ignored(name)

    def unused(self, names: Collection[str]) -> list[str]:
        """What to say of each glob that matches none of these names."""
        given = [("--include", glob) for glob in self.include] + [("--exclude", glob) for glob in self.exclude]
        return [f"{option} {glob!r} matches no file" for option, glob in given if not _matches_any(glob, names)]


def _any_of(globs: Sequence[str]) -> re.Pattern[str] | None:
    return re.compile("|".join(map(translate, globs)), re.DOTALL) if globs else None


def _matches_any(glob: str, names: Collection[str]) -> bool:
    expression = re.compile(translate(glob), re.DOTALL)
    return any(expression.fullmatch(name) for name in names)


EVERY_FILE = Selection()
