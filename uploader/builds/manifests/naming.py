"""From a file's name and its plain name to its logical path. Pure.

A manifest only tells which part of the file's name is the fingerprint. The folder of the logical path is the file's own
folder, so the logical path stays the same when a source file moves.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from release_log.fingerprints import split
from uploader.builds.manifests.entry import NamingScheme, base_name
from uploader.builds.manifests.tokens import fingerprints, is_token

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from uploader.builds.manifests.entry import ManifestEntry

_SEPARATORS = ("-", ".", "_")


class TokenSpan(NamedTuple):
    """The token that a base name adds to its plain name, and where the token begins and ends."""

    token: str
    start: int
    end: int


def find_token(base: str, plain: str) -> TokenSpan | None:
    """``3f9c2ab1`` of ``app-3f9c2ab1.js`` and ``app.js``; None if the base name is not the plain name with a token.

    The token stands before an extension, at the end, or at the beginning, with a separator between it and the rest.
    """
    length = len(base) - len(plain)
    for at in range(len(plain), -1, -1):
        start, end = at, at + length
        if length <= 1 or base[:start] != plain[:at] or base[end:] != plain[at:]:
            continue
        if at and base[start] in _SEPARATORS and plain[at : at + 1] in {"", "."}:
            return TokenSpan(base[start + 1 : end], start + 1, end)
        if not at and base[end - 1] in _SEPARATORS:
            return TokenSpan(base[: end - 1], 0, end - 1)
    return None


def manifest_paths(entries: Iterable[tuple[str, ManifestEntry]], scheme: NamingScheme) -> dict[str, str]:
    """File name -> logical path, for the files whose logical path the manifest tells.

    The tool gave no fingerprint to a file that keeps its plain name: such a file is its own logical path.

    Args:
        entries: File name and manifest entry, as pairs.
        scheme: How the tool names its files.
    """
    best = _one_entry_per_file(entries)
    spans = {name: find_token(base_name(name), entry.plain) for name, entry in best.items()}
    stems: defaultdict[str, set[str]] = defaultdict(set)
    for name, span in spans.items():
        if span:
            stems[span.token].add(best[name].plain.partition(".")[0])
    known = set(filter(is_token, stems)) if scheme is NamingScheme.DIGEST else fingerprints(stems)
    logical = {name: _logical(name, entry.plain, spans[name], known) for name, entry in best.items()}
    return _with_distinct_paths({name: path for name, path in logical.items() if path}, best)


def _one_entry_per_file(entries: Iterable[tuple[str, ManifestEntry]]) -> dict[str, ManifestEntry]:
    """The best entry for each file: webpack's plugins list one picture as ``app.svg`` and as ``media/logo.svg``."""
    best: dict[str, ManifestEntry] = {}
    for name, entry in entries:
        if entry.plain:
            other = best.setdefault(name, entry)
            if other is not entry:
                best[name] = min(other, entry, key=partial(_misfit, name))
    return best


def _misfit(name: str, entry: ManifestEntry) -> tuple[bool, bool, str]:
    folder, _, base = name.rpartition("/")
    fits = entry.plain == base or find_token(base, entry.plain) is not None
    return not fits, entry.key.rpartition("/")[0] != folder, entry.key


def _logical(name: str, plain: str, span: TokenSpan | None, known: Collection[str]) -> str | None:
    folder, slash, base = name.rpartition("/")
    if base == plain:
        return name
    if span and span.token in known:
        return f"{folder}{slash}{plain}"
    seen = split(base)
    if span is None:
        # The plain name is not in the file's name. If the file's name is a fingerprint and nothing else, we take the
        # plain name from the manifest; otherwise the manifest does not help.
        return f"{folder}{slash}{plain}" if seen.fingerprint and seen.logical == base else None
    # `main-legacy.3f9c2ab1.js` of `main.js`: the fingerprint is only a part of the token.
    return f"{folder}{slash}{seen.logical}" if seen.fingerprint and seen.fingerprint in span.token else name


def _with_distinct_paths(logical: Mapping[str, str], entries: Mapping[str, ManifestEntry]) -> dict[str, str]:
    """Files with the same logical path get the source's folder: ``assets/cart/index.js``, ``assets/tea/index.js``."""
    claims = Counter(logical.values())
    return {
        name: _with_source_folder(path, entries[name].source) if claims[path] > 1 else path
        for name, path in logical.items()
    }


def _with_source_folder(path: str, source: str) -> str:
    folder, slash, base = path.rpartition("/")
    inner = "/".join(part for part in source.split("/")[:-1] if part not in {"", ".", ".."})
    return f"{folder}{slash}{inner}/{base}" if inner else path
