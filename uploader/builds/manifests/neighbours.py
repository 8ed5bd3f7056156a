"""Logical paths that follow from other files: source maps, compressed files, originals, similar chunks. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release_log.fingerprints import split
from uploader.builds.manifests.entry import base_name
from uploader.builds.manifests.naming import find_token
from uploader.builds.manifests.tokens import is_word, shape

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

_FOLLOWERS = (".gz", ".br", ".zst", ".map", ".LICENSE.txt")


def like_their_neighbours(unnamed: Collection[str]) -> dict[str, str]:
    """Logical paths of unnamed chunks whose fingerprint looks like a number, beside chunks of the same template.

    ``692.20832029.chunk.js`` alone seems to have a date or an id in its name. Beside ``262.3994cafe.chunk.js``, the
    number is a fingerprint.
    """
    templates = set()
    for name in unnamed:
        seen, base = split(name), base_name(name)
        if seen.fingerprint:
            tail = base.rpartition(seen.fingerprint)[2]
            templates.add((name[: -len(base)], shape(seen.fingerprint), tail))
    found = {}
    for name in unnamed:
        folder, (first, *others) = name[: -len(base_name(name))], base_name(name).split(".")
        for index, token in enumerate(others[:-1]):
            tail = "." + ".".join(others[index + 1 :])
            if not split(name).fingerprint and not is_word(token) and (folder, shape(token), tail) in templates:
                found[name] = folder + ".".join([first, *others[:index]]) + tail
    return found


def with_followers(mapped: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Add the source maps and compressed files: each gets the logical path of the file it belongs to."""
    found = dict(mapped)
    for name in names:
        owner = name
        while owner not in mapped and owner.endswith(_FOLLOWERS):
            owner = owner[: -len(next(filter(owner.endswith, _FOLLOWERS)))]
        if owner in mapped:
            found[name] = mapped[owner] + name[len(owner) :]
    return found


def left_behind(mapped: Mapping[str, str], names: Iterable[str]) -> frozenset[str]:
    """The files of earlier builds: another file has their logical path, by a manifest that names all of this build's.

    Their source maps and compressed files too. Rails compiles into one folder again and again, and empties it never.

    Args:
        mapped: File name -> logical path, for the files of this build.
        names: Every file in the directory.
    """
    current = {logical: name for name, logical in mapped.items() if logical != name}
    older = set()
    for name in names:
        owner = name
        while owner.endswith(_FOLLOWERS):
            owner = owner[: -len(next(filter(owner.endswith, _FOLLOWERS)))]
        if owner in mapped:
            continue
        seen = split(owner)
        if seen.fingerprint is None or seen.logical not in current:
            continue
        if shape(seen.fingerprint)[0] in {len(token) for token in _tokens(current[seen.logical], seen.logical)}:
            older.add(name)
    return frozenset(older)


def _tokens(name: str, logical: str) -> Iterable[str]:
    span = find_token(base_name(name), base_name(logical))
    return () if span is None else (span.token,)


def beside_originals(mapped: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    """Change each logical path that is also the name of another file.

    Django and Phoenix keep ``app.css`` beside ``app.27e20196a850.css``. Neither replaces the other: the logical path of
    the second, in all its versions, is ``app.*.css``.
    """
    return {
        name: _starred(name, logical) if logical != name and logical in names else logical
        for name, logical in mapped.items()
    }


def _starred(name: str, logical: str) -> str:
    folder, slash, base = name.rpartition("/")
    span = find_token(base, base_name(logical))
    starred = f"{base[: span.start]}*{base[span.end :]}" if span else f"*/{base_name(logical)}"
    return folder + slash + starred
