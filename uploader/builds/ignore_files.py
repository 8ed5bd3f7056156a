"""``.uploaderignore``: patterns as in ``.gitignore`` for the files that are not published."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from uploader.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

IGNORE_FILE = ".uploaderignore"


def read_ignore_files(build: Path, here: Path = Path()) -> Callable[[str], bool] | None:
    """Read the ignore files that hold for a build; None without any.

    One may lie where the command runs, and one at the top of the build. As with git, the patterns of each hold for what
    lies below it, by the path from there.

    Args:
        build: The build's directory.
        here: The directory in which the command runs.

    Returns:
        A function: whether the file of this name is left out, by its path below the build's directory.

    Raises:
        UsageError: A file cannot be read, or has an invalid pattern.
    """
    top, base = os.path.realpath(build), os.path.realpath(here)
    inside = "" if top == base else os.path.relpath(top, base).replace(os.sep, "/") + "/"
    found = [] if inside.startswith("../") else [_read(here / IGNORE_FILE, inside)]
    if inside:
        found.append(_read(build / IGNORE_FILE, ""))
    ignoring = [each for each in found if each is not None]
    if not ignoring:
        return None
    return lambda name: name == IGNORE_FILE or any(ignores(name) for ignores in ignoring)


def _read(path: Path, inside: str) -> Callable[[str], bool] | None:
    """Whether this file leaves out a file, by the name; None if there is no such file.

    Args:
        path: The ignore file.
        inside: The path from its folder to the build, with a slash at the end.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        return None
    except OSError as error:
        msg = f"{path}: {error.strerror}"
        raise UsageError(msg) from error
    except ValueError as error:
        msg = f"{path} is not UTF-8: save it as UTF-8"
        raise UsageError(msg) from error
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 (few projects have such a file)

    for number, line in enumerate(lines, 1):
        try:
            GitIgnoreSpec.from_lines([line])
        except (ValueError, re.error) as error:
            msg = f"{path}, line {number}: {line!r} is not a pattern as in .gitignore"
            raise UsageError(msg) from error
    patterns = GitIgnoreSpec.from_lines(lines).patterns
    rules = [(each.regex, bool(each.include)) for each in patterns if each.regex is not None]
    ignores = _Ignores(rules)
    return lambda name: ignores.file(inside + name)


class _Ignores:
    """What an ignore file says of paths: folder by folder, as git walks them, and the last pattern that matches wins.

    pathspec's own answer is about a whole path at once. So it takes `!b/` for all below ``b``, and gives back files of
    an ignored folder, which git never looks into.
    """

    def __init__(self, rules: Sequence[tuple[re.Pattern[str], bool]]) -> None:
        self._rules = rules[::-1]
        self._folders: dict[str, bool] = {"": False}

    def file(self, path: str) -> bool:
        """Whether a file is ignored."""
        return self._folder(path.rpartition("/")[0]) or self._last_word(path)

    def _folder(self, path: str) -> bool:
        if path not in self._folders:
            self._folders[path] = self._folder(path.rpartition("/")[0]) or self._last_word(f"{path}/")
        return self._folders[path]

    def _last_word(self, path: str) -> bool:
        return next((ignores for expression, ignores in self._rules if _means(expression, path)), False)


def _means(expression: re.Pattern[str], path: str) -> bool:
    """Whether a pattern means this very file or folder, and not a folder above it.

    Args:
        expression: What pathspec made of the pattern. Its group, if it has one, is the slash behind a folder.
        path: A path; that of a folder ends with a slash.
    """
    # The second search is for `*/`, whose expression is a slash anywhere.
    found = expression.search(path), path.endswith("/") and expression.search(path, len(path) - 1)
    if not expression.groups:
        # `a/**` is all below the folder, and not the folder itself.
        return found[0] is not None and not (path.endswith("/") and found[0].end() == len(path))
    return any(each and (each.lastgroup is None or each.end() == len(path)) for each in found)
