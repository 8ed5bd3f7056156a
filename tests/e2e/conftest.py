"""What the tests of whole installations share."""

from __future__ import annotations

from tests.http.conftest import foreground

__all__ = ["foreground"]
