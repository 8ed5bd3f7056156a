"""Serve the embedded AWS, in its own environment: with uvicorn, whose HTTP parser is in C.

With ministack's own server, which parses in Python, that is most of its work.
"""

import os
import resource

import uvicorn  # type: ignore[import-not-found]  # it is in that environment only

if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    uvicorn.run(
        "ministack.app:app",
        host=os.environ["BIND_HOST"],
        port=int(os.environ["GATEWAY_PORT"]),
        http="httptools",
        loop="asyncio",
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
