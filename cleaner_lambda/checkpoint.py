"""Write the checkpoint: what the markers up to the ledger's cut said, before any of them is deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleaner_lambda import ledger as ledgers
from cleaner_lambda.errors import BusyError, UnreadableError
from cleaner_lambda.s3_errors import BUSY, REQUEST_ERRORS, code_of

if TYPE_CHECKING:
    from cleaner_lambda.ledger import Ledger
    from cleaner_lambda.port import S3Port
    from release_log.layout import Layout


def write_checkpoint(store: S3Port, layout: Layout, content: Ledger) -> str | None:
    """Replace the checkpoint, which only a rebuild reads.

    The write may be executed late. Then another checkpoint is there, and it does nothing; or no newer cut was made, so
    that the markers after this one are still there.

    Returns:
        Why it could not be written; then no marker may be deleted. The run does all its other work.

    Raises:
        ConflictError: Another run wrote it; start over.
    """
    try:
        stored = store.get(layout.checkpoint)
        store.put_if(layout.checkpoint, ledgers.encode(content), None if stored is None else stored.etag)
    except REQUEST_ERRORS as error:
        return f"{code_of(error)}: {error}"
    except BusyError as error:
        return f"{BUSY}: {error}"
    except UnreadableError as error:
        return str(error)
    return None
