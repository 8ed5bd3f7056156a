"""What is published: the files of a build, and the release that they are to be."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import TYPE_CHECKING

from release_log.layout import Layout
from uploader.publishing.marked_assets import object_of
from uploader.publishing.stayed import with_pages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from uploader.builds.asset import LocalAsset


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """A build to publish, and its release.

    Attributes:
        assets: The files.
        prefix: The site's prefix.
        channel: The release's channel.
        release: The release's name.
        metadata: The build's commit, branch and URL, for the marker; see `uploader.builds.ci.build_metadata`.
        stayed: The keys of its pages whose names have a fingerprint; see `uploader.publishing.stayed`.
    """

    assets: list[LocalAsset]
    prefix: str
    channel: str
    release: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    stayed: frozenset[str] = frozenset()
    in_order: list[LocalAsset] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Order the files by their logical paths."""
        object.__setattr__(self, "in_order", sorted(self.assets, key=attrgetter("logical")))

    def with_stayed(self, stayed: frozenset[str]) -> Build:
        """The build with some of its files with a fingerprint as pages."""
        if not stayed:
            return self
        return replace(self, assets=with_pages(self.assets, stayed), stayed=self.stayed | stayed)

    def pages(self) -> dict[str, LocalAsset]:
        """Key of the stored version -> page."""
        layout = Layout(self.prefix)
        return {object_of(layout, asset): asset for asset in self.assets if not asset.fingerprinted}

    def all_keys(self) -> frozenset[str]:
        """The keys that the upload needs: those of its files, and of the stored versions of its pages."""
        return frozenset(asset.key for asset in self.assets).union(self.pages())
