"""The error of a measurement."""

from __future__ import annotations


class BenchError(Exception):
    """A measurement is not possible. The message says which program failed and how."""
