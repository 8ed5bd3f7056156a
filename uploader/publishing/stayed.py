"""Files whose fingerprint stayed while their content changed.

S3 has one object for a key, so the new content would replace the old one under the pages of the current release. Such a
file is a page from now on, as long as it has this name: it is stored beside the release log, and put in place after the
marker. So a release that is dropped or cut off has changed nothing, and a roll-back brings the old content back.

Of two uploads at once, one may have the file as a page already, and the other one still as an asset. If the other one's
marker is the newest, the page may lie where that release has its asset. So it is published again, as a page too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from release_log.sent import was_sent
from uploader.builds.content import changed_error, digest_and_status, signature_of, stamp_of
from uploader.publishing.compare import Reason
from uploader.publishing.contents import has_digest, has_etag

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from release_log.marker import Asset
    from uploader.builds.asset import LocalAsset
    from uploader.history.release import LoggedRelease
    from uploader.publishing.compare import Upload
    from uploader.publishing.known_headers import Known

CHANGED = frozenset({Reason.CONTENT_DIFFERS, Reason.SIZE_DIFFERS})
"""The reasons of a file whose content is, or may be, another one. Other headers alone are sent at once."""


def find_stayed(
    assets: Iterable[LocalAsset],
    uploads: Sequence[Upload],
    sizes: Mapping[str, int],
    known: Known,
    metadata: Callable[[Sequence[str]], Mapping[str, Mapping[str, str]]],
) -> frozenset[str]:
    """The keys of the files with a fingerprint that have to be pages.

    Those that the newest releases have as such stay so: what they stored is what a roll-back puts in place. Not one
    that another tool has stored, with the same size: in a bucket with KMS that may be every file.

    Args:
        assets: The build.
        uploads: The files to send.
        sizes: Key -> bytes of the stored objects.
        known: What earlier releases say of the objects.
        metadata: Asks for the metadata of objects: ``digest`` is the SHA-256 of their file.

    Raises:
        UploaderError: A file cannot be read, or S3 refused.
    """
    sent = [each for each in uploads if each.asset.fingerprinted]
    changed = {asset for asset, reason in sent if reason in CHANGED and not _belongs_there(asset, known)}
    # Its content is unknown where the ETag does not tell it, and nothing says that a release relies on it.
    unknown = {
        asset
        for asset in changed
        if sizes.get(asset.key) == asset.size and asset.key not in known.headers and asset.key not in known.etags
    }
    # A rule does not compress it any more: the size of the object says nothing of its content.
    unpacked = {
        asset
        for asset, reason in sent
        if reason is Reason.HEADERS_DIFFER and sizes.get(asset.key) != asset.size and asset.treatment.encoding is None
    }
    asked = sorted(asset.key for asset in unknown | unpacked)
    stored = metadata(asked) if asked else {}
    changed -= {asset for asset in unknown if not was_sent(stored.get(asset.key, {}))}
    changed |= {asset for asset in unpacked if not has_digest(asset, stored.get(asset.key, {}).get("digest"))}
    keys = {asset.key for asset in changed}
    if known.stayed:
        keys |= {asset.key for asset in assets if asset.fingerprinted and asset.key in known.stayed}
    return frozenset(keys)


class ClaimedError(Exception):
    """Releases that came during this upload have other content where this one has assets.

    Attributes:
        keys: Their keys.
        release_id: One of these releases.
    """

    def __init__(self, keys: frozenset[str], release_id: str) -> None:
        super().__init__(release_id)
        self.keys = keys
        self.release_id = release_id


def check_not_claimed(
    assets: Collection[LocalAsset],
    seen: Mapping[str, str],
    sent: Mapping[str, str | None],
    others: Iterable[LoggedRelease],
) -> None:
    """Check that no release that came during this upload has its own content where this build has an asset.

    It may have put its page there. If nothing was there when it looked, it has sent an asset, perhaps over the one that
    this upload has seen or sent.

    Args:
        assets: The build.
        seen: Key -> ETag of the objects that this upload has seen.
        sent: Key -> ETag of those that it has sent since.
        others: These releases.

    Raises:
        ClaimedError: One does.
        UploaderError: A file cannot be read.
    """
    found: dict[str, str] = {}

    def etag_of(key: str) -> str | None:
        return sent[key] if key in sent else seen.get(key)

    for other in others:
        theirs = {asset.key: asset for asset in other.release.assets.values()}
        shared = [asset for asset in assets if asset.fingerprinted and asset.key in theirs]
        found |= {each.key: other.id for each in shared if not _is_same(each, etag_of(each.key), theirs[each.key])}
    if found:
        raise ClaimedError(frozenset(found), next(iter(found.values())))


def _is_same(asset: LocalAsset, etag: str | None, theirs: Asset) -> bool:
    """Whether another release's file under the same key has the same content, as far as anything tells."""
    if not theirs.fingerprinted:
        return has_digest(asset, (theirs.digest or "").removeprefix("sha256:"))
    # With KMS, and of a compressed file, the ETag is another one each time.
    return etag is None or theirs.etag in {None, etag} or not has_etag(asset, etag)


def with_pages(assets: list[LocalAsset], stayed: Collection[str]) -> list[LocalAsset]:
    """The build with some of its files with a fingerprint as pages.

    A page's logical path is its key, unless that is another file's logical path.

    Raises:
        UploaderError: A file cannot be read, or it changed after the build was read.
    """
    others = {asset.logical for asset in assets}
    return [_as_page(asset, others) if asset.fingerprinted and asset.key in stayed else asset for asset in assets]


def _as_page(asset: LocalAsset, others: Collection[str]) -> LocalAsset:
    digest, status = digest_and_status(asset.path)
    if signature_of(status) != asset.signature:
        raise changed_error(asset.path)
    logical = asset.logical if asset.key in others else asset.key
    return asset._replace(fingerprinted=False, digest=digest, logical=logical)


def _belongs_there(asset: LocalAsset, known: Known) -> bool:
    """Whether the newest release has this content, and somebody has stored other content since: it is sent at once."""
    etag = known.etags.get(asset.key)
    if etag is None:
        return False
    # The same file as it was then, or the same content.
    stamp = known.stamps.get(asset.key) if asset.identity else None
    return stamp == stamp_of(asset.identity, etag) or has_etag(asset, etag)
