"""The uploader: collect -> compare -> put -> mark. ``python -m uploader`` is its command line."""

__version__ = "0.1.0"
