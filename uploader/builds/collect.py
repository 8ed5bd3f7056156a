"""Collect the assets of a build: the key, logical path and treatment of each file."""

from __future__ import annotations

import logging
import os
from operator import attrgetter
from typing import TYPE_CHECKING

from release_log.errors import LayoutError
from release_log.layout import Layout, check_key, is_plain
from uploader.builds.asset import Folder, LocalAsset
from uploader.builds.content import digest_and_status, file_status, identity_of, signature_of
from uploader.builds.files import FoundFile, Walked, every_file, walk
from uploader.builds.ignore_files import IGNORE_FILE
from uploader.builds.logical_paths import logical_paths, with_manifest_paths
from uploader.builds.manifests import FromManifests, read_manifests
from uploader.builds.older import warn_of_maybe_older, warn_of_older, without_older
from uploader.builds.private_files import refuse_private
from uploader.builds.reasons import log_reasons
from uploader.builds.spelling import as_it_is, nfc, warn_of_spelling
from uploader.counted import counted
from uploader.errors import UploaderError, UsageError
from uploader.tracing import traced
from uploader.treatment.encodings import original_of
from uploader.treatment.rules import NO_RULES, Rules, Treatment
from uploader.treatment.selection import EVERY_FILE, Selection

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from uploader.builds.files import AnyFile, Collector
    from uploader.builds.logical_paths import LogicalPath

log = logging.getLogger("uploader")


@traced("collect")
def collect(  # noqa: PLR0913 (what a user may say of a build)
    directory: Path,
    prefix: str,
    *,
    pattern: re.Pattern[str] | None = None,
    collector: Collector = every_file,
    rules: Rules = NO_RULES,
    selection: Selection = EVERY_FILE,
    manifest: Path | None = None,
    allow: Iterable[str] = (),
    normalize: str | None = None,
    named: Callable[[list[str]], None] | None = None,
) -> list[LocalAsset]:
    """Collect the assets of a build.

    Args:
        directory: The build's output.
        prefix: The site's prefix.
        pattern: The user's own fingerprint pattern, compiled; None: recognise the usual fingerprints.
        collector: Finds the files.
        rules: Which of the files are published, and how they are stored.
        selection: Which of the files the rules are asked about; the others are not published.
        allow: Globs that name the private files to publish; see `uploader.builds.private_files`.
        normalize: `NFC`: the form of Unicode for the keys; None: the form of the files' own names.
        named: Called with the keys of all files, as soon as they are known.
        manifest: A build manifest; None: the manifests in the directory, but none with a collector of the user's own;
            ``Path("none")``: no manifest.

    Returns:
        The assets in the order of their keys.

    Raises:
        UsageError: The directory is missing, empty, or certainly not a build; a manifest is broken; no file is left to
            publish; a file is private.
        UploaderError: A file cannot be read, or two files have the same key.
    """
    layout = Layout(prefix)
    spelled = as_it_is if normalize is None else nfc

    def skipped(name: str) -> bool:
        return selection.leaves_out(name) or rules.treat(name, fingerprinted=False) is None

    walked = walk(directory, skipped) if collector is every_file else Walked(list(collector(directory)), {})
    files, links, unseen = walked
    files.sort(key=attrgetter("name"))
    refuse_private(directory, files, links, allow, skipped)
    keys = [layout.prefix + spelled(file.name) for file in files]
    if named is not None:
        named(keys)
    said = FromManifests({})
    if manifest is not None or collector is every_file:
        names = [file.name for file in files]
        said = read_manifests(directory, names, manifest, frameworks_too=pattern is None, skipped=skipped)
    files = without_older(files, said.older)
    if len(files) != len(keys):
        keys = [layout.prefix + spelled(file.name) for file in files]
    warn_of_maybe_older(files, said.maybe_older)
    if collector is not every_file:
        warn_of_older(files, pattern)
    paths = logical_paths(with_manifest_paths(files, said.paths), pattern)
    log_reasons(files, paths, said.paths, pattern)
    chosen = bool(rules.rules) or not selection.is_everything
    names = [file.name for file in files] if chosen else []
    left_out = [name for name in names if selection.leaves_out(name)]
    folder = Folder(os.path.join(directory, ""), len(prefix))  # noqa: PTH118 (a text to begin with)
    read = _taken_from(files, keys, paths, frozenset(left_out))
    assets = list(_assets(layout, folder, read, _originals(files), rules, spelled))
    if chosen:
        _say_what_was_chosen([*names, *unseen], left_out, rules, selection)
    if not assets:
        raise _nothing_left(directory, left_out)
    _refuse_duplicates(assets)
    warn_of_spelling(asset.key for asset in assets)
    if normalize is not None:
        assets.sort(key=attrgetter("key"))
    return assets


def _taken_from(
    files: list[AnyFile], keys: list[str], paths: list[LogicalPath], left_out: frozenset[str]
) -> Iterator[tuple[AnyFile, str, LogicalPath]]:
    """Take each file, with its key and logical path, out of these lists: beside 50,000 assets they would be 20 MB."""
    for each in (files, keys, paths):
        each.reverse()
    while files:
        file, key, path = files.pop(), keys.pop(), paths.pop()
        if file.name not in left_out:
            yield file, key, path


def _originals(files: list[AnyFile]) -> frozenset[str]:
    """The names of the files that lie beside a compressed form of theirs."""
    wanted = {original for file in files if (original := original_of(file.name)) is not None}
    return frozenset(file.name for file in files if file.name in wanted) if wanted else frozenset()


def _assets(
    layout: Layout,
    folder: Folder,
    read: Iterable[tuple[AnyFile, str, LogicalPath]],
    originals: frozenset[str],
    rules: Rules,
    spelled: Callable[[str], str],
) -> Iterator[LocalAsset]:
    """An asset for each file, with its key and logical path, that the rules do not skip.

    The key is given, and not made again, as the bucket's listing holds the same text: 5 MB of 50,000 files.
    """
    for file, key, (logical, fingerprinted) in read:
        beside = bool(originals) and original_of(file.name) in originals
        treatment = rules.treat(spelled(file.name), fingerprinted=fingerprinted, beside_original=beside)
        if treatment is not None:
            if not is_plain(key):
                _check_key(layout, file, key)
            is_inside = isinstance(file, FoundFile) and key[folder.prefix :] == file.name
            source = folder if is_inside else file.path
            yield _asset(file.path, source, key, layout.prefix + spelled(logical), treatment, fingerprinted)


def _say_what_was_chosen(names: list[str], left_out: list[str], rules: Rules, selection: Selection) -> None:
    """Log what the user's words did to a build, and which of them did nothing."""
    if left_out:
        log.info(
            "%s left out, such as %r; of these names, what an earlier release published retires as removed",
            counted(len(left_out), "file"),
            left_out[0],
        )
    for name in left_out:
        log.debug("%s: left out", name)
    for line in (*selection.unused(names), *rules.unused(names)):
        log.info("%s", line)


def _nothing_left(directory: Path, left_out: list[str]) -> UsageError:
    how = (
        f"left out by --include, --exclude or {IGNORE_FILE}, or skipped by a rule" if left_out else "skipped by a rule"
    )
    hint = "; an --exclude goes before every --include, in whatever order they are given" if left_out else ""
    return UsageError(f"every file of {str(directory)!r} is {how}: a release needs at least one asset{hint}")


def _asset(
    path: str,
    source: str | Folder,
    key: str,
    logical: str,
    treatment: Treatment,
    fingerprinted: bool,  # noqa: FBT001 (by name, the arguments of 50,000 calls would take longer)
) -> LocalAsset:
    digest, status = (None, file_status(path)) if fingerprinted else digest_and_status(path)
    signature, identity = signature_of(status), identity_of(status)
    # By position: by name, the fields of 50,000 tuples would take twice as long.
    return LocalAsset(source, key, logical, status.st_size, fingerprinted, digest, treatment, signature, identity)


def _check_key(layout: Layout, file: AnyFile, key: str) -> None:
    """Refuse a file whose key an asset must not have."""
    try:
        check_key(key)
    except LayoutError as error:
        msg = f"{file.path!r}: {error}; rename the file"
        raise UploaderError(msg) from error
    if not layout.owns(key):
        msg = f"{file.path!r} would lie in the release log ({layout.log}): rename the folder '.releases' of the build"
        raise UploaderError(msg)


def _refuse_duplicates(assets: list[LocalAsset]) -> None:
    """Refuse two files with the same key, also if only the Unicode form of the keys differs: browsers mix them up."""
    seen: dict[str, LocalAsset] = {}
    for asset in assets:
        key = asset.key  # of 50,000 names hardly any needs the call
        other = seen.setdefault(key if key.isascii() else nfc(key), asset)
        if other is not asset:
            msg = f"two files have the same key {asset.key!r}: {other.path!r} and {asset.path!r}; rename one of them"
            raise UploaderError(msg)
