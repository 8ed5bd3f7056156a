"""What can go wrong with a measurement."""

from __future__ import annotations


class BenchError(Exception):
    """Something does not do what it should, so that nothing can be measured; the message says what."""
