"""Checks that assets exist with the size, content and headers that their releases state. `check` is pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from release_log.layout import is_stored_page
from uploader.about import WRITER
from uploader.counted import counted
from uploader.errors import UploaderError
from uploader.history.current import find_current, problems_of, read_ledger
from uploader.history.find import find_release
from uploader.history.order import newest_first
from uploader.history.release import Unreadable, read_releases
from uploader.protocol.page_etags import etags_in
from uploader.treatment.headers import BOOKKEEPING, may_have

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from release_log.layout import Layout
    from release_log.marker import Asset
    from uploader.history.release import LoggedRelease
    from uploader.s3.port import ReaderPort


class AssetProblem(StrEnum):
    """What is wrong with an asset: the same word in the table, the JSON and the tests."""

    MISSING = "missing"
    SIZE_DIFFERS = "size_differs"
    CONTENT_DIFFERS = "content_differs"
    HEADERS_DIFFER = "headers_differ"


@dataclass(frozen=True, slots=True)
class AssetFinding:
    """An asset with a problem.

    Attributes:
        key: The asset's key.
        problem: What is wrong with it.
        detail: How it is, and how it should be.
        remedy: What to do.
        releases: Ids of the releases that need it.
    """

    key: str
    problem: AssetProblem
    detail: str
    remedy: str
    releases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Need:
    """What a release states about an asset, and whether we wrote the release, so that its digests are ours."""

    release: str
    asset: Asset
    ours: bool


@dataclass(frozen=True, slots=True)
class Verified:
    """The result.

    Attributes:
        releases: Channel -> id of each release that was checked.
        assets: How many assets these releases have.
        findings: The assets with a problem.
        problems: What else has to be dealt with: one line a problem, with its remedy.
        not_compared: How many of the assets that exist have no checksum that could be compared.
    """

    releases: Mapping[str, str]
    assets: int
    findings: tuple[AssetFinding, ...]
    problems: tuple[str, ...]
    not_compared: int = 0


def verify(
    bucket: ReaderPort, layout: Layout, *, channel: str | None = None, release_id: str | None = None
) -> Verified:
    """Check every asset of the current releases, with one listing and a HEAD for each asset.

    Args:
        bucket: The site's bucket.
        layout: The site.
        channel: Only the current release of this channel.
        release_id: This release instead, whether it is current, staged, pinned or an earlier one.

    Raises:
        UploaderError: The release does not exist, or cannot be read.
    """
    log = bucket.written(layout.log)
    current = find_current(bucket, layout, log, read_ledger(bucket, layout)[0])
    if release_id is not None:
        chosen = [find_release(bucket, layout, release_id, (layout.markers, layout.staged, layout.pins))]
    else:
        chosen = [each for name, each in current.releases.items() if channel in {None, name}]
    problems = () if release_id is not None else problems_of(layout, current)
    if not chosen and not problems:
        over = "; the channel has ended" if channel in current.ended else ""
        which = f"of channel {channel} " if channel else ""
        msg = f"no release {which}is current at {layout.prefix!r}{over}: publish one"
        raise UploaderError(msg)
    waiting = read_releases(bucket, layout, newest_first(log, layout.pending, layout.staged))
    others = [*current.releases.values(), *(each for each in waiting if not isinstance(each, Unreadable))]
    placed = {each.id: layout.placed_key(each.id) for each in current.releases.values() if each.release.places_pages}
    files = bucket.get_each([key for key in placed.values() if key in log])
    noted = {release_id: etags_in(files.get(key)) for release_id, key in placed.items()}
    needs = needs_of(chosen, noted)
    listing = bucket.listing(layout, needs.keys())
    stored = bucket.metadata([key for key in needs if key in listing.sizes])
    findings = check(needs, needs_of(others, noted), listing.sizes, stored, listing.etags)
    releases = {each.release.channel: each.id for each in chosen}
    unknown = not_compared(needs, stored, listing.etags)
    return Verified(releases, sum(not layout.stores(key) for key in needs), tuple(findings), problems, unknown)


def needs_of(
    releases: Iterable[LoggedRelease], noted: Mapping[str, Mapping[str, str]] = MappingProxyType({})
) -> dict[str, list[Need]]:
    """Key -> what each release states about it, in the order of the releases.

    Args:
        releases: The releases.
        noted: Id of each release whose pages are in place -> what it has noted; see `uploader.protocol.page_etags`.
    """
    needs: dict[str, list[Need]] = defaultdict(list)
    for each in releases:
        ours = each.release.uploader.get("name") == WRITER
        for asset in each.release.assets.values():
            # The ETag of a page is that of its stored version; with KMS a copy has another one, which is noted.
            etag = noted.get(each.id, {}).get(asset.key, asset.etag)
            needs[asset.key].append(Need(each.id, asset._replace(etag=etag), ours))
        for key, asset in each.release.objects.items():
            if asset.stored is not None:
                needs[key].append(Need(each.id, asset, ours))
    return needs


def check(
    needs: Mapping[str, list[Need]],
    others: Mapping[str, list[Need]],
    sizes: Mapping[str, int],
    stored: Mapping[str, Mapping[str, str]],
    etags: Mapping[str, str] = MappingProxyType({}),
) -> list[AssetFinding]:
    """The assets with a problem, in the order of their keys.

    If two channels share a key, the later upload decides about the object. So an asset is right if it matches any of
    the releases that have it.

    Args:
        needs: What the checked releases state.
        others: What other current, staged and pending releases state.
        sizes: Key -> bytes, for the needed objects that exist.
        stored: Key -> headers and metadata, for the same objects.
        etags: Key -> S3's ETag, for the same objects.
    """
    findings = []
    for key, wanted in sorted(needs.items()):
        size, http = sizes.get(key), stored.get(key)
        releases = tuple(dict.fromkeys(need.release for need in wanted))
        if size is None or http is None:
            findings.append(
                AssetFinding(key, AssetProblem.MISSING, "it does not exist", _REMEDIES[AssetProblem.MISSING], releases)
            )
            continue
        verdicts = [_judge(need, size, http, etags.get(key)) for need in (*wanted, *others.get(key, ()))]
        if None not in verdicts and verdicts[0] is not None:
            found, detail = verdicts[0]
            # Nobody overwrites a stored page: its name says what it is.
            remedy = _OF_STORED_PAGE if is_stored_page(key) else _REMEDIES[found]
            findings.append(AssetFinding(key, found, detail, remedy, releases))
    return findings


def not_compared(
    needs: Mapping[str, list[Need]], stored: Mapping[str, Mapping[str, str]], etags: Mapping[str, str]
) -> int:
    """How many assets exist whose content nothing tells: no release has their checksum, or S3 has none to compare."""
    return sum(
        not any(_is_comparable(need.asset, stored[key], etags.get(key)) for need in wanted)
        for key, wanted in needs.items()
        if key in stored
    )


def _is_comparable(asset: Asset, http: Mapping[str, str], etag: str | None) -> bool:
    if asset.etag is not None and etag is not None:  # if it was stored again, the digest can have been copied
        return asset.etag == etag or _differs(asset, etag)
    return asset.digest is not None and "digest" in http


def _differs(asset: Asset, etag: str | None) -> bool:
    """Whether the ETags say that the content is another. That of a file sent in parts depends on the parts too.

    Nobody but a thief stores in parts what the release sent in one request, as it is small.
    """
    return etag is not None and asset.etag is not None and etag != asset.etag and "-" not in asset.etag


def _judge(need: Need, size: int, http: Mapping[str, str], etag: str | None) -> tuple[AssetProblem, str] | None:
    asset = need.asset
    if size != asset.size:
        return AssetProblem.SIZE_DIFFERS, f"it has {counted(size, 'byte')}, not {asset.size:,}"
    if not need.ours:
        return None
    digest = http.get("digest")
    if asset.digest is not None and digest is not None and asset.digest != f"sha256:{digest}":
        return AssetProblem.CONTENT_DIFFERS, f"it holds {digest[:12]}, not {asset.digest.removeprefix('sha256:')[:12]}"
    if _differs(asset, etag):
        return AssetProblem.CONTENT_DIFFERS, f"somebody stored it again: its ETag is {etag}, not {asset.etag}"
    if asset.headers is not None and not may_have(http, asset.headers):
        headers = {name: value for name, value in http.items() if name not in BOOKKEEPING}
        shown = ", ".join(f"{name}: {value}" for name, value in sorted(headers.items()))
        return AssetProblem.HEADERS_DIFFER, f"it is stored with other headers than the release's: {shown or 'none'}"
    return None


_AGAIN = "publish that build again"
_OF_STORED_PAGE = "let an operator delete it, and publish that build again, which stores it anew"
_REMEDIES = {
    AssetProblem.MISSING: f"{_AGAIN}, or, in a bucket with versioning, restore --release ID",
    AssetProblem.SIZE_DIFFERS: _AGAIN,
    AssetProblem.CONTENT_DIFFERS: _AGAIN,
    AssetProblem.HEADERS_DIFFER: f"{_AGAIN}; if that does not send it, store it over with the right headers",
}
