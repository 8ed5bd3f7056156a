"""The uploader: collect -> compare -> put -> mark.

``python -m uploader`` is its command line; as a library it is ``from uploader import Site, publish``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uploader.builds.files import File
from uploader.errors import UploaderError, UsageError

if TYPE_CHECKING:
    from uploader.library import Published, Site, activate, drop, publish

__all__ = ["File", "Published", "Site", "UploaderError", "UsageError", "activate", "drop", "publish"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:  # noqa: ANN401 (whatever has that name)
    """Import what a program asks for, and only then: the command line does not need all of it."""
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    from uploader import library  # noqa: PLC0415 (see above)

    return getattr(library, name)
