"""One CloudFront invalidation for the files that an upload replaced under the same names.

A file under a new fingerprint needs none: no copy of it can be stale.
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
    from collections.abc import Collection, Iterable, Iterator

    from uploader.aws.access import Access
    from uploader.protocol.belongs import PagePlaced
    from uploader.publishing.compare import Upload

MAX_PATHS = 10
"""CloudFront takes 15 paths with a wildcard at a time, and bills each path:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/InvalidationLimits.html"""

_NOT_ENCODED = "/!$&'(),;=:@"
"""Characters that browsers do not encode. CloudFront finds a copy only under the path that was requested:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/invalidation-specifying-objects.html"""

_NO_ONE_FORM = frozenset("~[]|^+*")
"""Characters whose path CloudFront refuses, or does not find. Browsers send ``~[]|`` as they are, and older ones ``^``.
CloudFront refuses a request with a character that RFC 1738 calls unsafe, and under its encoded form finds no copy:
https://github.com/aws/aws-sdk/issues/525.
S3 takes ``+`` for a space, so pages may write ``%2B``. ``*`` is a wildcard."""

_INDEX = "index.html"


@dataclass(frozen=True, slots=True)
class Cdn:
    """A CloudFront distribution that holds copies of assets.

    Attributes:
        distribution: Its id.
        root: Its origin path, which a key has in front and its URL lacks: empty, or ending with a slash.
    """

    distribution: str
    root: str = ""

    def stale_paths(self, uploads: Iterable[Upload], placed: Iterable[PagePlaced] = ()) -> tuple[str, ...]:
        """The paths whose copies may be stale, folded.

        The CDN may have kept a 404 for a new page. A fingerprinted key is stale only if it existed and was sent again
        with other headers.

        Args:
            uploads: The files that were sent. A page among them is only stored.
            placed: The pages that were put in place.
        """
        again = (each.asset for each in uploads if each.reason is not Reason.NEW)
        keys = [asset.key for asset in again if asset.fingerprinted] + [page.key for page in placed]
        return fold({path for key in keys for path in url_paths(key.removeprefix(self.root))})

    def invalidate(self, access: Access, release_id: str, paths: Collection[str]) -> str:
        """Ask CloudFront to drop its copies; returns the invalidation's id.

        Repeated with the same release and paths, it makes no second invalidation.

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
        """The same as a command that the user can paste."""
        words = ["aws", "cloudfront", "create-invalidation", "--distribution-id", self.distribution, "--paths"]
        return shlex.join([*words, *sorted(paths)])


def find_cdn(distribution: str, root: str, prefix: str) -> Cdn:
    """A distribution with its origin path.

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
    """The paths under which browsers request a key, percent-encoded; for an index page also its folder's path.

    Where no path would do, a wildcard one folder up: ``/js/*`` for ``js/vendors~main.js``.
    """
    parts = key.split("/")
    for depth, part in enumerate(parts):
        if not _NO_ONE_FORM.isdisjoint(part):
            return ("/" + "".join(f"{quote(folder, safe=_NOT_ENCODED)}/" for folder in parts[:depth]) + "*",)
    path = "/" + quote(key, safe=_NOT_ENCODED)
    folder, _, name = path.rpartition("/")
    return (path, f"{folder}/") if name == _INDEX else (path,)


def fold(paths: Collection[str], most: int = MAX_PATHS) -> tuple[str, ...]:
    """Fold paths until they are few: the paths of the deepest folders become a wildcard each, at last ``/*``.

    Every path is in the result, or below a wildcard of it.
    """
    folded = _uncovered(paths)
    depth = max((path.count("/") for path in folded), default=0)
    while len(folded) > most:
        depth -= 1
        folders = {path: "/".join(path.split("/")[: depth + 1]) for path in folded if path.count("/") > depth}
        crowded = {folder for folder, paths_in_it in Counter(folders.values()).items() if paths_in_it > 1}
        folded = {f"{folders[path]}/*" if folders.get(path) in crowded else path for path in folded}
    return tuple(sorted(folded))


def _uncovered(paths: Collection[str]) -> set[str]:
    """The paths that lie below no wildcard of another."""
    wild = {path[:-1] for path in paths if path.endswith("/*")}
    return {path for path in paths if wild.isdisjoint(_folders_above(path))} if wild else set(paths)


def _folders_above(path: str) -> Iterator[str]:
    """``/a/`` and ``/`` of ``/a/b.js``; of ``/a/*`` only ``/``, as it does not cover itself."""
    folder = path.removesuffix("/*").rpartition("/")[0]
    while folder:
        yield f"{folder}/"
        folder = folder.rpartition("/")[0]
    if path != "/*":
        yield "/"
