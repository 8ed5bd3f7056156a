"""Sends one message to a webhook: nobody waits for it long, and whatever becomes of it, no command fails for it.

The standard library sends it: obstore knows S3 alone, and boto3 takes a quarter of a second to load. Proxies come from
the environment, as for every other request, and so do the certificates: those of the system or of ``SSL_CERT_FILE``,
as for S3, and those of ``AWS_CA_BUNDLE``, as for boto3.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
from threading import Thread
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from uploader.about import VERSION, WRITER

if TYPE_CHECKING:
    from http.client import HTTPMessage
    from typing import IO

SECONDS = 3.0
"""How long a command waits for the webhook, at most: for the name's look-up, the connection and the answer together."""

_WHY = (
    (ssl.SSLCertVerificationError, "its certificate is not trusted: name the authority's in SSL_CERT_FILE"),
    (ssl.SSLError, "it does not speak TLS"),
    (socket.gaierror, "its host is not known"),
    (TimeoutError, "no answer in time"),
    (ConnectionRefusedError, "it refuses connections"),
)

_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")


def post(url: str, body: bytes) -> str | None:
    """Send a message once.

    Args:
        url: A URL that `uploader.cli.webhook_url.check_webhook` accepts.
        body: The message, in JSON.

    Returns:
        Why it may not have arrived, without the URL, which is a secret, and without a word of the server, who knows it;
        None if it has.
    """
    answers: list[str | None] = []
    # A daemon: the process can end before the answer arrives.
    thread = Thread(target=lambda: answers.append(_sent(url, body)), daemon=True)
    thread.start()
    thread.join(SECONDS)
    return answers[0] if answers else "no answer in time"


def _sent(url: str, body: bytes) -> str | None:
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": f"{WRITER}/{VERSION}"}
    try:
        opener = build_opener(HTTPSHandler(context=_trusted()), _NoRedirect())
        opener.open(Request(url, body, headers), timeout=SECONDS).close()  # noqa: S310 (http and https alone)
    except HTTPError as error:
        return f"it answered {error.code}"
    except URLError as error:
        return _why(error.reason)
    except Exception as error:  # noqa: BLE001 (no command fails for its message)
        return _why(error)
    return None


class _NoRedirect(HTTPRedirectHandler):
    """A redirect is an answer like any other: followed, it would be a GET without the message."""

    def redirect_request(
        self,
        req: Request,  # noqa: ARG002
        fp: IO[bytes],  # noqa: ARG002
        code: int,  # noqa: ARG002
        msg: str,  # noqa: ARG002
        headers: HTTPMessage,  # noqa: ARG002
        newurl: str,  # noqa: ARG002
    ) -> None:
        """See urllib."""
        return


def _trusted() -> ssl.SSLContext:
    context = ssl.create_default_context()
    bundle = os.environ.get("AWS_CA_BUNDLE")
    if bundle:
        context.load_verify_locations(bundle)
    return context


def _why(error: object) -> str:
    if found := _TUNNEL.match(str(error)):
        return f"the proxy answered {found[1]}"
    known = (why for kind, why in _WHY if isinstance(error, kind))
    return next(known, f"the connection failed ({type(error).__name__})")
