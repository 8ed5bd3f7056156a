"""One CloudFront invalidation for what an upload replaced under names that stay.

What is stored under a new fingerprint needs none: no copy of it can be stale.
"""

from __future__ import annotations

import hashlib
import shlex
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from uploader.errors import UploaderError, UsageError
from uploader.publishing.compare import Reason

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from uploader.aws.access import Access
    from uploader.publishing.compare import Upload

MAX_PATHS = 10
"""CloudFront works on 15 paths with a wildcard at a time, and bills for each path:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/InvalidationLimits.html"""

_NOT_ENCODED = "/!$&'()*+,;=:@~"
"""What browsers send as it is. CloudFront finds a path only as it was asked for:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/invalidation-specifying-objects.html"""

_INDEX = "index.html"


@dataclass(frozen=True, slots=True)
class Cdn:
    """Where copies of assets are, and under which paths.

    Attributes:
        distribution: The CloudFront distribution's id.
        root: What its origin path takes off the front of a key: empty, or ending with a slash.
    """

    distribution: str
    root: str = ""

    def stale_paths(self, uploads: Iterable[Upload]) -> tuple[str, ...]:
        """The paths of which there may be a copy that is not what was uploaded, folded.

        A file without a fingerprint may have been asked for before it was there, and that answer be kept. A key with
        one is only stale if it was there, and was sent again for its headers' sake.
        """
        keys = [each.asset.key for each in uploads if not each.asset.fingerprinted or each.reason is not Reason.NEW]
        return fold({path for key in keys for path in url_paths(key.removeprefix(self.root))})

    def invalidate(self, access: Access, release_id: str, paths: Collection[str]) -> str:
        """Ask CloudFront to drop its copies; returns the invalidation's id.

        The same release and paths make it once, however often it is asked for.

        Raises:
            UploaderError: CloudFront refuses, or cannot be reached.
        """
        from uploader.aws.cloudfront import create_invalidation  # noqa: PLC0415 (a dry run needs no AWS library)

        items = sorted(paths)
        reference = f"{release_id}-{hashlib.sha256(' '.join(items).encode()).hexdigest()[:12]}"
        try:
            return create_invalidation(access, self.distribution, reference, items)
        except UploaderError as error:
            msg = f"CloudFront still has old copies ({error}); then run: {self.by_hand(items)}"
            raise UploaderError(msg) from error

    def by_hand(self, paths: Collection[str]) -> str:
        """The command that does it without an upload, as the user can paste it."""
        words = ["aws", "cloudfront", "create-invalidation", "--distribution-id", self.distribution, "--paths"]
        return shlex.join([*words, *sorted(paths)])


def find_cdn(distribution: str, root: str, prefix: str) -> Cdn:
    """The CDN by the command's options.

    Raises:
        UsageError: The site's assets do not lie below that root.
    """
    folder = root.strip("/")
    cut = f"{folder}/" if folder else ""
    if not prefix.startswith(cut):
        msg = f"--invalidate-root {root!r}: no key of the site {prefix!r} begins with {cut!r}; give the origin path"
        raise UsageError(msg)
    return Cdn(distribution, cut)


def url_paths(key: str) -> tuple[str, ...]:
    """The paths under which a key is asked for, percent-encoded: that of an index page by its folder's, too."""
    path = "/" + quote(key, safe=_NOT_ENCODED)
    folder, _, name = path.rpartition("/")
    return (path, f"{folder}/") if name == _INDEX else (path,)


def fold(paths: Collection[str], most: int = MAX_PATHS) -> tuple[str, ...]:
    """As few paths: while they are too many, those of the deepest folders become a wildcard each, at last ``/*``.

    Every path is among them, or below a wildcard.
    """
    folded = set(paths)
    depth = max((path.count("/") for path in folded), default=0)
    while len(folded) > most:
        depth -= 1
        folders = {path: "/".join(path.split("/")[: depth + 1]) for path in folded if path.count("/") > depth}
        crowded = {folder for folder, paths_in_it in Counter(folders.values()).items() if paths_in_it > 1}
        folded = {f"{folders[path]}/*" if folders.get(path) in crowded else path for path in folded}
    return tuple(sorted(folded))
