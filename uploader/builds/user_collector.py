"""The user's own collector: a function, named on the command line, that finds the files to publish."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from uploader.builds.files import File
from uploader.errors import UploaderError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from uploader.builds.files import Collector

_OURS = str(Path(__file__).parents[1])


def load_collector(reference: str) -> Collector:
    """Load a user's collector, and check the type of every value that it returns.

    Args:
        reference: ``package.module:function``, imported from the current directory or from the installed packages.

    Returns:
        The collector. An exception inside it becomes a `UsageError` that names the line.

    Raises:
        UsageError: The module or the function does not exist, or the module cannot be imported.
    """
    module_name, _, function_name = reference.partition(":")
    if not module_name or not function_name.isidentifier():
        msg = f"collector {reference!r}: write it as package.module:function"
        raise UsageError(msg)
    with _their_modules_first():
        module = _import(reference, module_name)
    function = _function(reference, module, function_name)

    def collector(directory: Path) -> list[File]:
        try:
            with _their_modules_first():
                returned = function(directory)
                files = list(returned) if hasattr(returned, "__iter__") else returned
        except UploaderError:
            raise
        except (Exception, SystemExit) as error:
            msg = f"collector {reference!r} failed: {_one_line(error)}"
            raise UsageError(msg) from error
        return _checked(reference, files)

    return collector


@contextmanager
def _their_modules_first() -> Iterator[None]:
    """Look for modules in the current directory, but only for the user's code: a `rich.py` there is not our library."""
    here = str(Path.cwd())
    added = here not in sys.path and "" not in sys.path
    if added:
        sys.path.insert(0, here)
    try:
        yield
    finally:
        if added:
            sys.path.remove(here)


def _import(reference: str, module_name: str) -> ModuleType:
    here = str(Path.cwd())
    try:
        return importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing and f"{module_name}.".startswith(f"{missing}."):
            msg = f"collector {reference!r}: no module {missing!r} in {here!r} or among the installed packages"
        else:
            msg = f"collector {reference!r} cannot be imported: {_one_line(error)}"
        raise UsageError(msg) from error


def _function(reference: str, module: ModuleType, name: str) -> Callable[[Path], object]:
    function = getattr(module, name, None)
    if callable(function):
        return function  # type: ignore[no-any-return]
    own = [each for each, value in vars(module).items() if callable(value) and not each.startswith("_")]
    near = get_close_matches(name, own, 1)
    problem = "is not a function" if hasattr(module, name) else "is not defined"
    msg = f"collector {reference!r}: {name!r} {problem} in {module.__file__}"
    raise UsageError(f"{msg}; did you mean {near[0]!r}?" if near else f"{msg}; define it")


def _checked(reference: str, files: object) -> list[File]:
    if not isinstance(files, list):
        msg = f"collector {reference!r} returned {_kind(files)}: return uploader.File objects, in a list or one by one"
        raise UsageError(msg)
    if not files:
        msg = f"collector {reference!r} found no file: an empty release would retire the whole site"
        raise UsageError(msg)
    return [_file(reference, number, file) for number, file in enumerate(files, start=1)]


def _file(reference: str, number: int, file: object) -> File:
    where = f"collector {reference!r}, file {number}"
    if not isinstance(file, File):
        msg = f"{where}: {_kind(file)} is not an uploader.File; return File(path=..., name=...)"
        raise UsageError(msg)
    if not isinstance(file.path, str | os.PathLike):
        msg = f"{where}: path is {_kind(file.path)}; give the file's path on this machine"
        raise UsageError(msg)
    if not isinstance(file.name, str) or not file.name or file.name.startswith("/"):
        msg = f"{where}: name is {file.name!r}; give its path below the site's prefix, such as 'js/app-3f9c2ab1.js'"
        raise UsageError(msg)
    if not isinstance(file.logical, str | None) or file.logical == "":
        msg = f"{where}: logical is {file.logical!r}; give the name without its fingerprint, or None"
        raise UsageError(msg)
    if not isinstance(file.fingerprinted, bool | None):
        msg = f"{where}: fingerprinted is {file.fingerprinted!r}; give True, False, or None"
        raise UsageError(msg)
    return file if isinstance(file.path, str) else file._replace(path=os.fsdecode(file.path))


def _one_line(error: BaseException) -> str:
    """An exception in one line: its type, its message, and the line of the user's code that raised it."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_ours(frame.filename)]
    message, where = str(error), (frames[-1].filename, frames[-1].lineno) if frames else None
    if isinstance(error, SyntaxError) and error.filename:
        message, where = error.msg, (error.filename, error.lineno)
    text = ": ".join(filter(None, [type(error).__name__, " ".join(message.split())]))
    return f"{text} ({where[0]}, line {where[1]})" if where else text


def _is_ours(filename: str) -> bool:
    return filename.startswith((_OURS, "<frozen importlib")) or filename == importlib.__file__


def _kind(value: object) -> str:
    return "None" if value is None else type(value).__name__
