"""The error of a setting that the stack refuses."""

from __future__ import annotations

from typing import NoReturn


class ContextError(Exception):
    """A setting is unknown or wrong. The message is one line that names the setting, its value and what is allowed."""


class SettingsError(ValueError):
    """The same for a setting that a program gave: an argument of the construct."""


def refuse(setting: str, value: object, why: str) -> NoReturn:
    """Refuse one value of the context.

    Args:
        setting: The setting's name; for a setting of one site, its place goes before it (``sites[2] bucket``).
        value: The refused value.
        why: What is wrong with it, or what is allowed.

    Raises:
        ContextError: Always.
    """
    msg = f"context {setting}={value!r}: {why}"
    raise ContextError(msg)
