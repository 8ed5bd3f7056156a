"""The uploader: collect -> compare -> put -> mark.

``python -m uploader`` is its command line; as a library it is ``from uploader import Site, publish``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from uploader import about

if TYPE_CHECKING:
    from uploader.builds.files import File
    from uploader.builds.options import BuildOptions
    from uploader.errors import NotWholeError, UploaderError, UsageError
    from uploader.library.cleaning import clean, plan
    from uploader.library.diagnosis import diagnose
    from uploader.library.ending import end
    from uploader.library.inspection import releases, report, status, verify
    from uploader.library.keeping import pin, rollback, unpin
    from uploader.library.overview import sites
    from uploader.library.publishing import publish, run
    from uploader.library.restoring import restore
    from uploader.library.site import Site
    from uploader.library.staging import activate, drop
    from uploader.publishing.publish import Published

__all__ = [
    "BuildOptions",
    "File",
    "NotWholeError",
    "Published",
    "Site",
    "UploaderError",
    "UsageError",
    "activate",
    "clean",
    "diagnose",
    "drop",
    "end",
    "pin",
    "plan",
    "publish",
    "releases",
    "report",
    "restore",
    "rollback",
    "run",
    "sites",
    "status",
    "unpin",
    "verify",
]
__version__ = about.VERSION

_HOMES = {
    "builds.files": ("File",),
    "builds.options": ("BuildOptions",),
    "errors": ("NotWholeError", "UploaderError", "UsageError"),
    "library.cleaning": ("clean", "plan"),
    "library.diagnosis": ("diagnose",),
    "library.ending": ("end",),
    "library.inspection": ("releases", "report", "status", "verify"),
    "library.keeping": ("pin", "rollback", "unpin"),
    "library.overview": ("sites",),
    "library.publishing": ("publish", "run"),
    "library.restoring": ("restore",),
    "library.site": ("Site",),
    "library.staging": ("activate", "drop"),
    "publishing.publish": ("Published",),
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 (whatever has that name)
    """Import a public name when a program first asks for it: the command line does not need all of them."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"uploader.{module}"), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
