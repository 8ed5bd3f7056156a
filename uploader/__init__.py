"""The uploader: collect -> compare -> put -> mark.

``python -m uploader`` is its command line; as a library it is ``from uploader import Site, publish``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from uploader import about

if TYPE_CHECKING:
    from uploader.builds.files import File
    from uploader.errors import UploaderError, UsageError
    from uploader.library import Published, Site, activate, drop, publish

__all__ = ["File", "Published", "Site", "UploaderError", "UsageError", "activate", "drop", "publish"]
__version__ = about.VERSION

_HOMES = {"File": "uploader.builds.files", "UploaderError": "uploader.errors", "UsageError": "uploader.errors"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 (whatever has that name)
    """Import a public name when a program first asks for it: the command line does not need all of them."""
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(_HOMES.get(name, "uploader.library")), name)
