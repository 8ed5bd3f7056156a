"""Build manifests: what a build tool wrote down about which of its files is which source.

A manifest only maps files to logical paths. Every file of the build is published, named in one or not.
"""

from __future__ import annotations

from uploader.builds.manifests.reading import read_manifests

__all__ = ["read_manifests"]
