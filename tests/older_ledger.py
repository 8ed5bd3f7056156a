"""The ledger as a version writes it that knows nothing of pages, over the ledger of this one."""

from __future__ import annotations

import gzip
import json


def as_older(body: bytes) -> bytes:
    """The ledger's bytes without what an older version does not know."""
    document = json.loads(gzip.decompress(body))
    del document["behind"], document["lingering"]
    for each in document["folded"].values():
        del each["placed"]
    return gzip.compress(json.dumps(document).encode())
