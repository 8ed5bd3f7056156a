"""What AWS's own model of S3 knows of a request: its operation, and the headers and query strings of that."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from botocore.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterable

SIGNED = re.compile(
    r"x-amz-(date|content-sha256|security-token|user-agent|algorithm|credential|signature|signedheaders|expires"
    r"|decoded-content-length|trailer|sdk-checksum-algorithm|checksum-\w+|meta-.+)",
    re.IGNORECASE,
)
"""The headers and query strings of a signature, of checksums, and of the user's own metadata."""


class Operation(NamedTuple):
    """An operation.

    Attributes:
        method: Its HTTP method.
        has_key: Whether it is about an object.
        fixed: The query strings that tell it from others, such as ``tagging``.
        needed: The headers and query strings without which it is another operation.
        known: The names of all its headers and query strings.
    """

    method: str
    has_key: bool
    fixed: frozenset[str]
    needed: frozenset[str]
    known: frozenset[str]


def problem_of(method: str, path: str, headers: Iterable[str]) -> str | None:
    """What a request has that no operation of S3 knows; None if one knows all of it.

    Args:
        method: The HTTP method.
        path: ``/bucket/key?query``.
        headers: The names of the headers.
    """
    parts = urlsplit(path)
    has_key = bool(parts.path.strip("/").partition("/")[2])
    asked = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    asked |= {name.lower() for name in headers if name.lower().startswith("x-amz-")}
    asked = {name for name in asked if not SIGNED.fullmatch(name)} - {"x-id"}
    fitting = [
        each for each in _operations() if (each.method, each.has_key) == (method, has_key) and each.fixed <= asked
    ]
    unknown = [asked - each.fixed - each.known for each in fitting if each.needed <= asked]
    if not unknown:
        return f"no operation of S3 is {method} {'of an object' if has_key else 'of a bucket'} with {sorted(asked)}"
    least = min(unknown, key=len)
    return f"no operation of S3 knows {', '.join(sorted(least))}" if least else None


@cache
def _operations() -> list[Operation]:
    model = Session().get_service_model("s3")
    found = []
    for name in model.operation_names:
        operation = model.operation_model(name)
        members = operation.input_shape.members if operation.input_shape else {}
        named = {
            shape.serialization.get("name", member).lower()
            if shape.serialization["location"] == "header"
            else shape.serialization.get("name", member): member
            for member, shape in members.items()
            if shape.serialization.get("location") in {"header", "querystring"}
        }
        uri = urlsplit(operation.http["requestUri"])
        required = set(operation.input_shape.required_members if operation.input_shape else ())
        fixed = frozenset(name for name, _ in parse_qsl(uri.query, keep_blank_values=True)) - {"x-id"}
        needed = frozenset(each for each, member in named.items() if member in required)
        found.append(Operation(operation.http["method"], "{Key+}" in uri.path, fixed, needed, frozenset(named)))
    return found
