"""The uploader: collect -> compare -> put -> mark. ``python -m uploader`` is its command line."""

from uploader.files import File

__all__ = ["File"]
__version__ = "0.1.0"
