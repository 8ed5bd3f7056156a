"""What a folder tells of its names: a token of one shape that most siblings carry at one place is a fingerprint. Pure.

A name alone may be in doubt: ``index-DiwrgTda.css`` could be two words, and six characters could be a colour. Beside
``app-D4k_x7Qz.js`` and ``cart-BxY_1z9Q.js`` there is no doubt. Three things tell a tool's folder from a person's:

- The tokens differ, and so do the names before them. Colours, models and years have one name (``theme-2196f3.css``,
  ``theme-ff5722.css``), or one token for many names (``maths-fa2023.pdf``, ``physics-fa2023.pdf``).
- Letters, capitals and digits stand in another order in each. Part numbers and ids have them in the same.
- Most of the files have one.

This holds for a build, which is seen whole. The cleaner judges an orphan by its name alone: what it misses stays.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from string import ascii_letters, digits
from typing import TYPE_CHECKING, NamedTuple

from release_log.fingerprints import Name
from release_log.tokens import is_mixed, is_wordlike

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

_FEWEST = 3
"""So many siblings with different names and tokens make a shape."""
_SHORTEST, _LONGEST = 6, 24
_SOME = 256
"""So many names of a large folder show whether it is worth a look at all of them."""
_SURE_LENGTH = 8  # a shorter token is never recognised by its name alone, so its siblings have to be all the more alike

_FOLLOWERS = (".map", ".gz", ".br", ".zst", ".LICENSE.txt")
_MIDDLES = frozenset({"bundle", "cache", "chunk", "entry", "lean", "legacy", "min", "module", "system"})
_SCALE, _SCALE_LENGTH = re.compile(r"@[0-9.]+x\Z"), 6  # AssetPack's hero-dJ7s1g@0.5x.png
_SEPARATOR = re.compile("[-._]")
_TOKEN = re.compile("[0-9A-Za-z_-]+")
_SCRIPT_OR_STYLE = re.compile(r"\.(?:[cm]?js|css)(?:\.|$)")
_KINDS = str.maketrans(ascii_letters + digits, "a" * 26 + "A" * 26 + "1" * 10)
_RUN = re.compile(r"(.)\1*")
_ONE_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")


class Shape(NamedTuple):
    """Where a token stands in a name, and how it looks.

    Attributes:
        separator: The character before it.
        length: Its length.
    """

    separator: str
    length: int


class Sibling(NamedTuple):
    """A name of the folder, cut at a token of some shape."""

    name: str
    stem: str
    token: str
    tail: str


class Convention(NamedTuple):
    """A shape that most names of a folder have.

    Attributes:
        folder: The folder, with a slash at its end; empty at the top.
        shape: The shape.
        carriers: How many files have it.
        files: How many files the folder has, without source maps and compressed siblings.
    """

    folder: str
    shape: Shape
    carriers: int
    files: int

    def __str__(self) -> str:
        """For people."""
        where = f"in {self.folder!r}" if self.folder else "at the top"
        separator, length = self.shape
        return f"{self.carriers} of {self.files} files {where} have {length} such characters after {separator!r}"


def names_by_siblings(names: Mapping[str, Name | tuple[str, bool]]) -> dict[str, tuple[Name, Convention]]:
    """The fingerprints that only the other names of a folder show.

    Args:
        names: Every file of the build that no manifest names, and its parts by `split`; instead of the fingerprint,
            whether there is one will do.

    Returns:
        Name -> its parts, and the convention of its folder; without the names that `split` recognises alone.
    """
    found: dict[str, tuple[Name, Convention]] = {}
    folders: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        folder, slash, _ = name.rpartition("/")
        folders[folder + slash].append(name)
    for folder, inside in folders.items():
        alone = {name for name in inside if names[name][1]}
        if len(inside) >= _FEWEST and len(alone) < len(inside):
            found |= _in_folder(folder, inside, alone)
    return found


def _in_folder(folder: str, names: list[str], alone: Collection[str]) -> dict[str, tuple[Name, Convention]]:
    shapes = {Shape(*shape) for name in names if name not in alone for shape in _shapes(name, len(folder))}
    some = names[:: len(names) // _SOME + 1]
    files = sum(not name.endswith(_FOLLOWERS) for name in names)
    found: dict[str, tuple[Name, Convention]] = {}
    for shape in sorted(shapes, key=lambda each: (-each.length, each.separator)):
        siblings = _cut_all(some, folder, shape)
        if 4 * len(_random(siblings, alone)) < len(some):
            continue  # so a folder of 100,000 pictures is done with in a moment
        if len(some) < len(names):
            siblings = _cut_all(names, folder, shape)
        convention = _convention(folder, shape, siblings, files, alone)
        if convention is None:
            continue
        mostly = 4 * convention.carriers >= 3 * convention.files
        for sibling in siblings:
            if sibling.name not in alone and sibling.name not in found and _may_be(sibling, mostly=mostly):
                found[sibling.name] = Name(folder + sibling.stem + sibling.tail, sibling.token), convention
    return found


def _end_of_body(name: str) -> int:
    """Where the extension begins, and what tools write before it: ``.chunk.js.map``."""
    end = len(name)
    while name.endswith(_FOLLOWERS, 0, end):
        end = name.rindex(".LICENSE.txt" if name.endswith(".LICENSE.txt", 0, end) else ".", 0, end)
    dot = name.rfind(".", 0, end)
    if dot >= 0 and "@" in name:
        scale = _SCALE.search(name, max(0, dot - _SCALE_LENGTH), dot)
        if scale:
            return scale.start()
    while dot >= 0:
        end = dot
        dot = name.rfind(".", 0, end)
        if name[dot + 1 : end] not in _MIDDLES:
            break
    return end


def _shapes(name: str, start: int) -> Iterator[tuple[str, int]]:
    """Separator and length of each part at the end of a base name that may be a token. Plain tuples, for speed."""
    end = _end_of_body(name)
    for match in _SEPARATOR.finditer(name, max(start + 1, end - _LONGEST - 1), max(0, end - _SHORTEST)):
        at = match.start()
        if "." not in name[at + 1 : end]:
            yield match[0], end - at - 1


def _cut_all(names: Iterable[str], folder: str, shape: Shape) -> list[Sibling]:
    return [cut for name in names if (cut := _cut(name, folder, shape)) is not None]


def _cut(name: str, folder: str, shape: Shape) -> Sibling | None:
    end = _end_of_body(name)
    start = end - shape.length
    if start - 1 <= len(folder) or name[start - 1] != shape.separator or not _TOKEN.fullmatch(name, start, end):
        return None
    return Sibling(name, name[len(folder) : start - 1], name[start:end], name[end:])


def _convention(
    folder: str, shape: Shape, siblings: list[Sibling], files: int, alone: Collection[str]
) -> Convention | None:
    """The convention, if the siblings show one."""
    carriers = [each for each in siblings if not each.name.endswith(_FOLLOWERS)]
    random = _random(carriers, alone)
    if len(random) < _FEWEST or 2 * len(random) <= len(carriers) or 2 * len(carriers) <= files:
        return None
    # Each name has one token, and each token one name: followers of one script (app.css, app.js) may share both.
    stems = Counter((each.stem, each.tail) for each in carriers)
    first: dict[str, str] = {}
    shared = {each.token for each in carriers if first.setdefault(each.token, each.stem) != each.stem}
    own = [each for each in random if stems[each.stem, each.tail] == 1 and each.token not in shared]
    if len({each.stem for each in own}) < _FEWEST or 2 * len(own) <= len(carriers):
        return None
    orders = Counter(_order(each.token) for each in own[:_SOME])
    if 2 * max(orders.values()) > orders.total() or (shape.length < _SURE_LENGTH and len(orders) < _FEWEST):
        return None
    return Convention(folder, shape, len(carriers), files)


def _random(siblings: list[Sibling], alone: Collection[str]) -> list[Sibling]:
    return [each for each in siblings if each.name in alone or _looks_random(each.token)]


def _looks_random(token: str) -> bool:
    """Whether a token has letters and digits, or both cases, and is not a word with a number or in camel case."""
    if not token.isalnum():
        return is_mixed(token)
    return not (token.isalpha() and (token.islower() or token.isupper())) and not is_wordlike(token)


def _order(token: str) -> str:
    """In which order capitals, letters and digits stand: ``Aa1A`` of ``Bxyz19Q``."""
    return "".join(_RUN.findall(token.translate(_KINDS)))


def _may_be(sibling: Sibling, *, mostly: bool) -> bool:
    """Whether a token may be a fingerprint beside its siblings: never a word; two words only in code, among many."""
    if _ONE_WORD.fullmatch(sibling.token) and not sibling.token.isdigit():
        return False
    if not is_wordlike(sibling.token):
        return True
    return mostly and (_SCRIPT_OR_STYLE.search(sibling.tail) is not None or any(map(str.isdigit, sibling.token)))
