"""From a file's name and its plain name to its logical path. Pure.

Of a manifest only this is taken: which part of the file's own name is the fingerprint. The folder is the file's own, so
a logical path does not move when a source file does.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from release_log.fingerprints import split
from uploader.builds.manifests.entry import Says, base_name
from uploader.builds.manifests.tokens import fingerprints, is_token

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from uploader.builds.manifests.entry import Entry

_SEPARATORS = ("-", ".", "_")


class Extra(NamedTuple):
    """What a base name has more than its plain one: a token and a separator. Where the token begins and ends."""

    token: str
    start: int
    end: int


def extra(base: str, plain: str) -> Extra | None:
    """``3f9c2ab1`` of ``app-3f9c2ab1.js`` and ``app.js``. None: the one is not made from the other.

    The token stands before an extension, at the end, or at the very beginning.
    """
    length = len(base) - len(plain)
    for at in range(len(plain), -1, -1):
        start, end = at, at + length
        if length <= 1 or base[:start] != plain[:at] or base[end:] != plain[at:]:
            continue
        if at and base[start] in _SEPARATORS and plain[at : at + 1] in {"", "."}:
            return Extra(base[start + 1 : end], start + 1, end)
        if not at and base[end - 1] in _SEPARATORS:
            return Extra(base[: end - 1], 0, end - 1)
    return None


def logical_names(entries: Iterable[tuple[str, Entry]], says: Says) -> dict[str, str]:
    """File -> logical path, for the files that the manifest tells something about.

    Where a file keeps its plain name, the tool gave it no fingerprint: it is its own logical path.
    """
    best = _one_entry_a_file(entries)
    extras = {name: extra(base_name(name), entry.plain) for name, entry in best.items()}
    bearers: defaultdict[str, set[str]] = defaultdict(set)
    for name, more in extras.items():
        if more:
            bearers[more.token].add(best[name].plain.partition(".")[0])
    known = set(filter(is_token, bearers)) if says is Says.DIGEST else fingerprints(bearers)
    logical = {name: _logical(name, entry.plain, extras[name], known) for name, entry in best.items()}
    return _told_apart({name: path for name, path in logical.items() if path}, best)


def _one_entry_a_file(entries: Iterable[tuple[str, Entry]]) -> dict[str, Entry]:
    """The entry that fits a file best: webpack's plugins list one picture as ``app.svg`` and as ``media/logo.svg``."""
    best: dict[str, Entry] = {}
    for name, entry in entries:
        if entry.plain:
            other = best.setdefault(name, entry)
            if other is not entry:
                best[name] = min(other, entry, key=partial(_misfit, name))
    return best


def _misfit(name: str, entry: Entry) -> tuple[bool, bool, str]:
    folder, _, base = name.rpartition("/")
    fits = entry.plain == base or extra(base, entry.plain) is not None
    return not fits, entry.key.rpartition("/")[0] != folder, entry.key


def _logical(name: str, plain: str, more: Extra | None, known: Collection[str]) -> str | None:
    folder, slash, base = name.rpartition("/")
    if base == plain:
        return name
    if more and more.token in known:
        return f"{folder}{slash}{plain}"
    seen = split(base)
    if more is None:
        # Nothing of the plain name is in the file's. If that is a fingerprint and nothing else, the plain one is the
        # only name it has; otherwise the manifest does not help.
        return f"{folder}{slash}{plain}" if seen.fingerprint and seen.logical == base else None
    # `main-legacy.3f9c2ab1.js` of `main.js`: the fingerprint is only a part of what the file has more.
    return f"{folder}{slash}{seen.logical}" if seen.fingerprint and seen.fingerprint in more.token else name


def _told_apart(logical: Mapping[str, str], entries: Mapping[str, Entry]) -> dict[str, str]:
    """Files with one logical path get their source's folder: ``assets/cart/index.js`` and ``assets/tea/index.js``."""
    claims = Counter(logical.values())
    return {
        name: _by_source(path, entries[name].source) if claims[path] > 1 else path for name, path in logical.items()
    }


def _by_source(path: str, source: str) -> str:
    folder, slash, base = path.rpartition("/")
    inner = "/".join(part for part in source.split("/")[:-1] if part not in {"", ".", ".."})
    return f"{folder}{slash}{inner}/{base}" if inner else path
