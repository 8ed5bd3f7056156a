"""Manifests of bundlers: Vite, esbuild, Parcel, and webpack with any of its manifest plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uploader.builds.manifests.entry import (
    BrokenManifestError,
    Manifest,
    ManifestEntry,
    NamingScheme,
    base_name,
    table,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def vite(document: Mapping[str, object]) -> Manifest | None:
    """``{"src/main.js": {"file": "assets/main-BxY_1z9Q.js", "name": "main", "src": "src/main.js", "css": [...]}}``."""
    chunks = [value for value in document.values() if isinstance(value, dict)]
    if not any("file" in chunk and chunk.keys() & {"src", "isEntry"} for chunk in chunks):
        return None
    entries = (entry for key, value in document.items() for entry in _vite(key, table(key, value)))
    return Manifest(NamingScheme.TEMPLATE, tuple(entries))


def _vite(key: str, chunk: Mapping[str, object]) -> Iterator[ManifestEntry]:
    file, source, name = text(key, chunk.get("file")), chunk.get("src", ""), chunk.get("name", "")
    if not isinstance(source, str) or not isinstance(name, str):
        msg = f"has a 'src' or 'name' in its entry {key!r} that is not a text"
        raise BrokenManifestError(msg)
    # Vite 4 writes no `name`. Its key is the source, or repeats the file's name: `_shared-3f9c2ab1.js`.
    stem = base_name(name) or _stem(source)
    yield ManifestEntry(key, file, _plain_name(stem, file), source)
    for part in ("css", "assets"):
        listed = chunk.get(part, [])
        if not isinstance(listed, list):
            msg = f"has a {part!r} in its entry {key!r} that is not a list"
            raise BrokenManifestError(msg)
        for each in listed:
            path = text(key, each)
            own = part == "css" and base_name(path).startswith(stem)  # else the style sheet belongs to another chunk
            yield ManifestEntry(key, path, _plain_name(stem, path) if own else "")


def esbuild(document: Mapping[str, object]) -> Manifest | None:
    """``{"inputs": {...}, "outputs": {"out/main-C7FL7PMJ.js": {"entryPoint": "src/main.js", "inputs": {...}}}}``."""
    if not {"inputs", "outputs"} <= document.keys():
        return None
    outputs = {key: table(key, value) for key, value in table("outputs", document["outputs"]).items()}
    sources = {key: _esbuild_source(output) for key, output in outputs.items()}
    for key, output in outputs.items():
        style = output.get("cssBundle")
        if isinstance(style, str):
            sources[style] = sources[key]
    return Manifest(
        NamingScheme.TEMPLATE,
        tuple(ManifestEntry(key, key, _plain_name(_stem(source), key), source) for key, source in sources.items()),
    )


def _esbuild_source(output: Mapping[str, object]) -> str:
    entry, inputs = output.get("entryPoint"), output.get("inputs")
    if isinstance(entry, str):
        return entry
    # A copied file has one input: its source. A shared chunk may have one input too, but under a name of its own. Then
    # the file's name does not fit the source, and `uploader.builds.manifests.naming` ignores it.
    return next(iter(inputs)) if isinstance(inputs, dict) and len(inputs) == 1 else ""


def webpack(document: Mapping[str, object]) -> Manifest | None:
    """``{"app.js": "/packs/js/app-3f9c2ab1.js"}``, or with integrity ``{"app.js": {"src": ..., "integrity": ...}}``.

    Beside the files there may be ``entrypoints``. Create React App puts the files into ``files``. Parcel's plugins
    write the same format.
    """
    if isinstance(document.get("files"), dict):
        document = table("files", document["files"])
    files = {key: value for key, value in document.items() if key != "entrypoints"}
    if not files or not all(map(_is_file, files)):
        return None
    sources = {key: value.get("src") if isinstance(value, dict) else value for key, value in files.items()}
    if not any(isinstance(source, str) and _is_file(source) for source in sources.values()):
        return None
    return Manifest(NamingScheme.TEMPLATE, tuple(_webpack(key, text(key, source)) for key, source in sources.items()))


def _webpack(key: str, file: str) -> ManifestEntry:
    # webpack lists unnamed chunks and many source maps under their own name with its fingerprint: no plain name then.
    plain = base_name(key)
    return ManifestEntry(key, file, "" if plain == base_name(file) else plain)


def _is_file(path: str) -> bool:
    """Whether the text ends with a file extension. ``short_name`` and ``start_url`` of a web app manifest do not."""
    _, dot, extension = base_name(path.partition("?")[0]).rpartition(".")
    return dot != "" and extension.isalnum()


def _stem(path: str) -> str:
    """``main`` of ``src/main.js``."""
    return base_name(path).rpartition(".")[0] or base_name(path)


def _plain_name(stem: str, file: str) -> str:
    """The plain name of a file: the stem, and the file's own extension. Empty without a stem."""
    return f"{stem}.{base_name(file).rpartition('.')[2]}" if stem else ""
