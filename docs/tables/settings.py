"""The tables of settings."""

from __future__ import annotations

from docs.tables.markdown import code, table
from release_log.settings import SETTINGS


def policy() -> str:
    """The policy's settings, which the stack's context and the payload of an invocation take."""
    rows = [[code(name), str(field.default), field.metadata["doc"]] for name, field in SETTINGS.items()]
    return table(["setting", "default", ""], rows)
