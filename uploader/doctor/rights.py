"""Whether these credentials have the permissions that an upload needs, and no more; tried by requests that must fail.

S3 checks the permission first and the request afterwards, so its error shows whether the permission is there:

- S3 refuses a PUT whose ``Content-MD5`` is not that of the body (``BadDigest``), and stores nothing:
  https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
- A DELETE with ``If-Match`` and an ETag that no object has deletes nothing. The key is random, so no object has it:
  https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html

The first request of each kind does no harm if a server ignores the condition. In that case the others are not sent.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from uploader.aws.encryptions import ALGORITHMS
from uploader.doctor.finding import ok, problem, unknown, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from release_log.layout import Layout
    from uploader.doctor.ask import Answer, Ask
    from uploader.doctor.finding import Finding

BODY = b"?"
MD5_OF_NOTHING = "1B2M2Y8AsgTpgAmY7PhCfA=="
NO_ETAG = f'"{"0" * 32}"'
CANNOT_TELL = "to these credentials, S3 gives the same answer for denied requests and for missing objects"


def check_rights(ask: Ask, layout: Layout, *, ledger: bool) -> Iterator[Finding]:
    """Which objects these credentials can write and delete.

    Args:
        ask: Asks S3.
        layout: The site.
        ledger: Whether a ledger exists that these credentials may read.
    """
    name = f"doctor-{secrets.token_hex(16)}"
    yield from _writes(ask, layout, name, ledger=ledger)
    yield from _deletes(ask, layout, name)


def _writes(ask: Ask, layout: Layout, name: str, *, ledger: bool) -> Iterator[Finding]:
    keys = (f"{layout.log}{name}", f"{layout.prefix}{name}")
    headers, first = _first_put(ask, keys[0])
    how = "".join(f", with --sse {algorithm}" for algorithm in headers.values())
    for key in keys:
        answer = first if key == keys[0] else _put(ask, key, **headers)
        if not answer.code:
            yield problem("write", "this server stores a body that arrived damaged", f"use another one; delete {key}")
            return
        if answer.denied:
            folder = key.removesuffix(name)
            yield problem("write", f"{folder} cannot be written", f"allow s3:PutObject on {layout.prefix}*")
            break
        if answer.code != "BadDigest":
            yield unknown("write", f"S3 says {answer.code}", "upload with --dry-run, then without it")
            break
    else:
        yield ok("write", f"{layout.prefix or 'the bucket'} can be written{how}")
    if not ledger:
        yield unknown("ledger", "no ledger exists yet", "check again after the cleaner's first run")
        return
    answer = _put(ask, layout.ledger, IfMatch=NO_ETAG, **headers)
    if answer.denied:
        yield ok("ledger", "only the cleaner can write it")
    elif answer.code in {"BadDigest", "PreconditionFailed"}:
        yield warning(
            "ledger", "these credentials can write it, and need not be able to", f"deny s3:PutObject on {layout.ledger}"
        )
    else:
        yield unknown(
            "ledger", f"S3 says {answer.code or 'nothing'}", f"check that s3:PutObject is denied on {layout.ledger}"
        )


def _deletes(ask: Ask, layout: Layout, name: str) -> Iterator[Finding]:
    intents, assets = f"{layout.pending}*, {layout.staged}*", f"{layout.prefix}*"
    tells = ask("get_object", Key=f"{layout.log}{name}").missing
    own = _delete(ask, f"{layout.pending}{name}.json")
    if not own.code:
        remedy = f"check that s3:DeleteObject is allowed on {intents} alone"
        yield unknown("delete", "this server knows no conditional DELETE, so nothing was tried", remedy)
        return
    if _allowed(own):
        yield ok("intents", "intents and staged releases can be withdrawn")
    elif own.denied and tells:
        yield warning("intents", "they cannot be withdrawn, and expire later", f"allow s3:DeleteObject on {intents}")
    else:
        yield unknown("intents", CANNOT_TELL, f"check that s3:DeleteObject is allowed on {intents}")
    other = _delete(ask, f"{layout.prefix}{name}")
    if _allowed(other):
        yield warning(
            "delete",
            "these credentials can delete assets, and need not be able to",
            f"a build job needs only the policy UploaderPolicyArn: take s3:DeleteObject on {assets} away",
        )
    elif other.denied and (tells or _allowed(own)):
        yield ok("delete", "assets cannot be deleted")
    else:
        yield unknown("delete", CANNOT_TELL, f"check that s3:DeleteObject is not allowed on {assets}")


def _first_put(ask: Ask, key: str) -> tuple[dict[str, str], Answer]:
    """The header that a PUT needs, as a bucket's policy may ask for an encryption, and the answer to a PUT with it."""
    without = _put(ask, key)
    if without.denied:
        for algorithm in ALGORITHMS:
            headers = {"ServerSideEncryption": algorithm}
            answer = _put(ask, key, **headers)
            if not answer.denied:
                return headers, answer
    return {}, without


def _put(ask: Ask, key: str, **headers: str) -> Answer:
    return ask("put_object", Key=key, Body=BODY, ContentMD5=MD5_OF_NOTHING, **headers)


def _delete(ask: Ask, key: str) -> Answer:
    return ask("delete_object", Key=key, IfMatch=NO_ETAG)


def _allowed(answer: Answer) -> bool:
    """Whether S3 checked the condition, which it does only for a caller with the permission."""
    return answer.missing or answer.code == "PreconditionFailed"
