"""Fixtures of ``tests/http``: some pages are compared with the real command line and handler."""

from __future__ import annotations

from tests.http.conftest import cleaner, context, proxy, site_folder, uploader

__all__ = ["cleaner", "context", "proxy", "site_folder", "uploader"]
