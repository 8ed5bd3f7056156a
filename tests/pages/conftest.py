"""Some pages are held against what the command line and the handler really do: with the fixtures of ``tests/http``."""

from __future__ import annotations

from tests.http.conftest import cleaner, context, proxy, site_folder, uploader

__all__ = ["cleaner", "context", "proxy", "site_folder", "uploader"]
