"""Build manifests: files in which a build tool records which output file belongs to which source.

A manifest only maps files to logical paths. Every file of the build is published, whether a manifest names it or not;
what an earlier build left behind is not of this build.
"""

from __future__ import annotations

from uploader.builds.manifests.reading import FromManifests, read_manifests

__all__ = ["FromManifests", "read_manifests"]
