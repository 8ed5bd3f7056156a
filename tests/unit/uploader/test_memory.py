"""The setting of the C library's memory."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

from uploader.memory import give_back_early

if TYPE_CHECKING:
    import pytest


def test_it_can_be_set_again() -> None:
    give_back_early()
    give_back_early()


def test_a_c_library_without_the_setting_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: object())
    give_back_early()
