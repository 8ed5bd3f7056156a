"""The headers that the uploader gives to a file without any rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uploader.treatment.rules import NO_RULES

if TYPE_CHECKING:
    from uploader.treatment.headers import Headers


def headers_for(name: str, *, fingerprinted: bool) -> Headers:
    """The headers of a file without any rule."""
    treatment = NO_RULES.treat(name, fingerprinted=fingerprinted)
    assert treatment is not None, "only a rule can skip a file"
    return treatment.headers
