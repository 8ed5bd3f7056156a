"""Set-up behind a company's proxy whose certificate is in the system's store, with a cleared environment.

A server on this machine stands for the registries. Only the store knows the authority that signed its certificate, and
the store is the file that ``SSL_CERT_FILE`` names: OpenSSL, Node.js and pip read it in place of the system's on Linux.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import ssl
import subprocess
import sys
import tarfile
import threading
import zipfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
import trustme

from tests.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="SSL_CERT_FILE replaces the system's store on Linux only"
)


@dataclass(frozen=True)
class Registry:
    """An HTTPS server of files.

    Attributes:
        url: Its address.
        environment: A cleared environment whose system store has the authority of the server's certificate.
        files: Path -> content type and body.
    """

    url: str
    environment: dict[str, str]
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """A registry without files."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "store.pem")
    (tmp_path / "home").mkdir()
    files: dict[str, tuple[str, bytes]] = {}
    with ThreadingHTTPServer(("127.0.0.1", 0), handler(files)) as server:
        # Each connection's thread does its handshake: the client that does not trust us ends it.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        url = f"https://127.0.0.1:{server.server_port}"
        environment = {
            "PATH": os.defpath,
            "HOME": str(tmp_path / "home"),
            "SSL_CERT_FILE": str(tmp_path / "store.pem"),
            "SSL_CERT_DIR": str(tmp_path / "home"),
            "npm_config_fetch_retries": "0",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": f"{url}/simple/",
            "PIP_RETRIES": "0",
        }
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield Registry(url, environment, files)
        finally:
            server.shutdown()
            thread.join()


def handler(files: dict[str, tuple[str, bytes]]) -> type[BaseHTTPRequestHandler]:
    """What answers requests for these files."""

    class Handler(BaseHTTPRequestHandler):
        def handle(self) -> None:
            """Serve a client; one that breaks off the handshake is not an error of this server."""
            try:
                super().handle()
            except OSError:
                self.close_connection = True

        def do_GET(self) -> None:
            """Send a file."""
            kind, body = files.get(self.path, ("text/plain", b""))
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the standard library's own name)
            """Say nothing."""

    return Handler


def make(folder: Path, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the project's Makefile in a folder."""
    command = ["make", "-f", str(ROOT / "Makefile"), *arguments, f"PYTHON={sys.executable}"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


class TestNpm:
    """``npm ci`` as the Makefile calls it, on a project whose one dependency is in the registry."""

    @pytest.fixture
    def project(self, tmp_path: Path, registry: Registry) -> Path:
        body = io.BytesIO()
        with tarfile.open(fileobj=body, mode="w:gz") as archive:
            text = json.dumps({"name": "tea", "version": "1.0.0"}).encode()
            entry = tarfile.TarInfo("package/package.json")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
        registry.files["/tea.tgz"] = ("application/octet-stream", body.getvalue())
        digest = base64.b64encode(hashlib.sha512(body.getvalue()).digest()).decode()
        package = {"name": "shop", "version": "1.0.0", "dependencies": {"tea": "1.0.0"}}
        tea = {"version": "1.0.0", "resolved": f"{registry.url}/tea.tgz", "integrity": f"sha512-{digest}"}
        lock = {**package, "lockfileVersion": 3, "packages": {"": package, "node_modules/tea": tea}}
        folder = tmp_path / "project"
        folder.mkdir()
        (folder / "package.json").write_text(json.dumps(package))
        (folder / "package-lock.json").write_text(json.dumps(lock))
        return folder

    def run(self, project: Path, registry: Registry, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in a recipe of the Makefile, with its variables and its ``PATH``."""
        (project / "recipe.mk").write_text(f"recipe:\n\t@{command}\n")
        return make(ROOT, registry.environment, "-f", str(project / "recipe.mk"), "recipe", f"FOLDER={project}")

    def test_it_trusts_the_systems_store(self, project: Path, registry: Registry) -> None:
        done = self.run(project, registry, "$(NPM) --prefix $(FOLDER)")
        assert done.returncode == 0, done.stderr
        assert (project / "node_modules" / "tea" / "package.json").exists()

    def test_without_the_variable_it_would_not(self, project: Path, registry: Registry) -> None:
        done = self.run(project, registry, "npm ci --prefix $(FOLDER)")
        assert done.returncode != 0
        assert "certificate" in done.stderr

    def test_every_recipe_calls_npm_so(self) -> None:
        lines = (ROOT / "Makefile").read_text().splitlines()
        assert [line for line in lines if line.startswith("\t") and "$(NPM)" in line]
        assert not [line for line in lines if line.startswith("\t") and "npm" in line.replace("$(NPM)", "")]


class TestPip:
    """The first step: pip, whatever its version, fetches uv."""

    def test_it_trusts_the_systems_store(self, tmp_path: Path, registry: Registry) -> None:
        (version,) = re.findall(r"^UV_VERSION := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
        wheel = f"uv-{version}-py3-none-any.whl"
        registry.files["/simple/uv/"] = ("text/html", f'<a href="/{wheel}">{wheel}</a>'.encode())
        registry.files[f"/{wheel}"] = ("application/octet-stream", uv_wheel(version))
        (tmp_path / "project").mkdir()
        done = make(tmp_path / "project", registry.environment, ".venv/bin/uv")
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "project" / ".venv" / "bin" / "uv").exists()


def uv_wheel(version: str) -> bytes:
    """A package with uv's name and a script."""
    name, body = f"uv-{version}", io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr(f"{name}.data/scripts/uv", "#!python\n")
        archive.writestr(f"{name}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: uv\nVersion: {version}\n")
        archive.writestr(f"{name}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{name}.dist-info/RECORD", "")
    return body.getvalue()
