"""Defaults of a `Site`. The command line shows them in its help, for which a `Site` need not be loaded."""

DEFAULT_PREFIX = "assets/"
DEFAULT_CONCURRENCY = 128
DIGEST_LENGTH = 32
"""Hexadecimal digits of the digest of a staged release."""
