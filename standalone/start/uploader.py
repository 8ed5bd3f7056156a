"""Starts the uploader in its own Python; `uploader` beside the folder of this file calls it."""

import os

AUTHORITIES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where distributions have the certificates of the authorities that they trust."""


def trust() -> None:
    """Let native code trust the machine's authorities or, in an image without any, those that botocore brings.

    Not in `os.environ`, which the command of `run` inherits.
    """
    if os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR"):
        return
    found = next((path for path in AUTHORITIES if os.path.exists(path)), None)  # noqa: PTH110 (pathlib takes 5 ms)
    if found is None:
        import botocore  # noqa: PLC0415 (an image without certificates is rare)

        found = os.path.join(os.path.dirname(botocore.__file__), "cacert.pem")  # noqa: PTH118, PTH120
    os.putenv("SSL_CERT_FILE", found)


if __name__ == "__main__":
    trust()
    from uploader.start import start

    start()
