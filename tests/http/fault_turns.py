"""The choice of faults for each request.

With ``TORTURE=1`` in the environment every request meets every fault, in about two minutes. Without it a write meets
one fault, and in a test of single faults one of each kind: of those with which nothing is done, and of those after
which it is done all the same. A read meets one fault in one of two tests: every other read a single fault, and the
others the end of the network. They are always the same: the faults take turns along the requests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.http.fault_proxy import Fault
from tests.torture import TORTURE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.http.fault_proxy import Request

KINDS = (
    (Fault.RESET, Fault.INTERNAL_ERROR, Fault.HANG, Fault.SLOW_DOWN),
    (Fault.TRUNCATED, Fault.LOST_REPLY, Fault.BODILESS, Fault.ERROR_BUT_DONE),
)
"""Nothing is done, as the connection breaks or S3 refuses; it is done all the same."""

SLICE = len(Fault)
WRITES = ("PUT", "POST", "DELETE")

every_fault = pytest.mark.parametrize("fault", Fault)


def turns(requests: Sequence[Request], fault: Fault, *, single: bool) -> list[tuple[int, Request]]:
    """Number and request, for each request that this fault is to befall.

    Args:
        requests: The requests of a run without faults.
        fault: The fault.
        single: Whether it befalls this request alone, and not all that come after it.
    """
    (kind,) = (each for each in KINDS if fault in each)
    shift, place = list(Fault).index(fault), kind.index(fault)
    found, reads = [], 0
    for n, request in enumerate(requests, 1):
        if request.method not in WRITES:
            reads += 1
            meets = (reads + 2 * shift) % (2 * SLICE) == (0 if single else 1)
        elif single:
            meets = n % len(kind) == place
        else:
            meets = (n + shift) % SLICE == 0
        if TORTURE or meets:
            found.append((n, request))
    return found


def is_delete(request: Request) -> bool:
    """Whether the request is a DeleteObjects."""
    return request.method == "POST" and request.query.split("&")[0].rstrip("=") == "delete"
