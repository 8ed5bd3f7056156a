"""``--notify-url``: a chat is told how a command ended, and nobody else learns the webhook's URL."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from tests.http.webhook_server import PATIENT, SECRET, Webhook, answer
from tests.paths import ROOT
from uploader.cli import webhook

if TYPE_CHECKING:
    from collections.abc import Callable
    from http.server import BaseHTTPRequestHandler
    from pathlib import Path

    from tests.http.conftest import Uploader

    Folder = Callable[[str, dict[str, str]], Path]

BUILD = {"app-3f9c2ab1.js": "1", "index.html": "1"}
JOB = {
    "GITHUB_SHA": "3f9c2ab14d5e6f703f9c2ab14d5e6f703f9c2ab1",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "acme/shop",
    "GITHUB_RUN_ID": "7",
}


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has much to do is no reason for a message that does not arrive."""
    monkeypatch.setattr(webhook, "SECONDS", 60)


def fields(message: dict[str, Any]) -> dict[str, str]:
    """The fields of a message."""
    (attachment,) = message["attachments"]
    return {field["title"]: field["value"] for field in attachment["fields"]}


def test_each_command_tells_how_it_ended(uploader: Uploader, site_folder: Folder) -> None:
    where = f"s3://{uploader.bucket}/assets/"
    folder, other = site_folder("one", BUILD), site_folder("two", BUILD | {"more-5e6f7a8b.js": "2"})
    with Webhook() as hook:
        environ = {"UPLOADER_NOTIFY_URL": hook.url, "UPLOADER_BUCKET": uploader.bucket, **JOB}
        done = [
            uploader.run("upload", folder, "--release", "v1", **environ),
            uploader.run("run", other, "--release", "v2", "--", "true", **environ),
            uploader.run("run", folder, "--release", "v3", "--", "sh", "-c", "exit 7", **environ),
            uploader.run("rollback", "v1", **environ),
            uploader.run("rollback", "no-such", "--channel", "staging", **environ),
            uploader.run("upload", folder, "--dry-run", **environ),
        ]
    assert [each.returncode for each in done] == [0, 0, 7, 0, 1, 0], [each.stderr for each in done]
    released, rolled_out, not_rolled_out, rolled_back, failed = hook.messages
    assert re.fullmatch(
        rf"Released \d{{8}}T\d{{6}}Z-v1 at {where} \(channel default\): 2 files sent \(2 B\), 0 unchanged",
        released["text"],
    )
    assert fields(released) | {"release": "…"} == {
        "site": where,
        "channel": "default",
        "release": "…",
        "sent": "2 files, 2 B",
        "unchanged": "0 files",
        "build": "https://github.com/acme/shop/actions/runs/7",
    }
    assert rolled_out["text"].startswith("Released ")
    assert rolled_out["text"].endswith("-v2 at " + where + " (channel default): 1 file sent (1 B), 2 unchanged")
    assert "-v3 at " in not_rolled_out["text"]
    assert not_rolled_out["text"].endswith(": the roll-out failed (exit status 7); the current release is unchanged")
    assert re.match(
        rf"Rolled back from \S+-v2 to \S+-v1 at {where} \(channel default\): all 2 assets ", rolled_back["text"]
    )
    assert failed["text"].startswith(f"rollback failed at {where} (channel staging): ")
    assert fields(failed)["release"] == "no-such"
    (line,) = done[4].stderr.splitlines()
    assert line == f"uploader: {fields(failed)['problem']}"
    colours = [message["attachments"][0]["color"] for message in hook.messages]
    assert colours == ["good", "good", "danger", "good", "danger"]
    assert hook.headers["Content-Type"] == "application/json; charset=utf-8"
    assert set(hook.paths) == {SECRET}


def echo(request: BaseHTTPRequestHandler) -> None:
    """Answer 500, and tell everybody the secret."""
    answer(request, 500, f"no such hook: {request.path}".encode(), Location=request.path)


def redirect(request: BaseHTTPRequestHandler) -> None:
    """Answer that the message is taken elsewhere."""
    answer(request, 302, Location="/elsewhere")


def no_http(request: BaseHTTPRequestHandler) -> None:
    """Answer what is not HTTP."""
    request.wfile.write(b"\x00\xff nonsense " + request.path.encode() + b"\r\n\r\n")


def drop(request: BaseHTTPRequestHandler) -> None:
    """Close the connection without an answer."""
    request.connection.shutdown(socket.SHUT_RDWR)


def hang(request: BaseHTTPRequestHandler) -> None:
    """Answer nothing until the other side has gone."""
    request.connection.recv(1)


@pytest.mark.parametrize(
    ("behave", "why"),
    [
        (echo, "it answered 500"),
        (redirect, "it answered 302"),
        (no_http, "the connection failed (BadStatusLine)"),
        (drop, "the connection failed (RemoteDisconnected)"),
    ],
)
def test_a_webhook_that_takes_nothing_changes_nothing_and_is_one_line(
    uploader: Uploader, site_folder: Folder, behave: Callable[[BaseHTTPRequestHandler], None], why: str
) -> None:
    with Webhook(behave) as hook:
        done = uploader.run(
            *(site_folder("one", BUILD), "--bucket", uploader.bucket, "-v", "--release", "v1"),
            *("--notify-url", hook.url),
        )
    assert done.returncode == 0
    assert done.stdout.startswith("released ")
    said = [line for line in done.stderr.splitlines() if "webhook" in line]
    assert said == [f"uploader: --notify-url: the webhook may not have got the message: {why}"]
    assert "the-secret" not in done.stdout + done.stderr
    assert hook.paths == [SECRET]


def test_nobody_waits_long_for_a_webhook(
    uploader: Uploader, site_folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "SECONDS", 0.1)
    with Webhook(hang) as silent:
        done = uploader.run(site_folder("one", BUILD), "--bucket", uploader.bucket, "--notify-url", silent.url)
    assert done.returncode == 0
    assert done.stderr == "uploader: --notify-url: the webhook may not have got the message: no answer in time\n"


def test_certificates_and_proxies_are_those_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority, served = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    authority.issue_cert("127.0.0.1").configure_cert(served)
    with Webhook(tls=served) as hook:
        assert str(webhook.post(hook.url, b"{}")).startswith("its certificate is not trusted")
        for name in ("SSL_CERT_FILE", "AWS_CA_BUNDLE"):
            with monkeypatch.context() as patch:
                patch.setenv(name, str(tmp_path / "authority.pem"))
                assert webhook.post(hook.url, b"{}") is None
        assert hook.messages == [{}, {}]
    with Webhook() as proxy:
        monkeypatch.setenv("https_proxy", proxy.origin)
        assert webhook.post(f"https://hooks.example.invalid{SECRET}", b"{}") == "the proxy answered 501"
    assert webhook.post(proxy.url, b"{}") == "it refuses connections"


def test_a_failure_keeps_its_exit_status_and_its_line_comes_last(uploader: Uploader, site_folder: Folder) -> None:
    with Webhook(echo) as hook:
        folder = site_folder("one", BUILD)
        done = uploader.run(folder, "--bucket", "no-such-bucket-here", "--notify-url", hook.url)
    assert done.returncode == 1
    warned, line = done.stderr.splitlines()
    assert "it answered 500" in warned
    assert line.removeprefix("uploader: ") == fields(hook.messages[0])["problem"]
    assert hook.messages[0]["text"].startswith("upload failed at s3://no-such-bucket-here/assets/ (channel default): ")


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("hooks.example.com/the-secret", "is not the URL of a webhook: begin it with https://"),
        ("ftp://hooks.example.com/the-secret", "is not the URL of a webhook: begin it with https://"),
        ("file:///etc/the-secret", "is not the URL of a webhook: begin it with https://"),
        ("https:///the-secret", "is not the URL of a webhook: begin it with https://"),
        ("https://hooks.example.com/#the-secret", "is not the URL of a webhook: begin it with https://"),
        ("https://me:the-secret@hooks.example.com/x", "holds a user or a password: leave them out"),
        ("https://hooks.example.com:70000/the-secret", "has a port beyond 65535"),
        ("https://hooks.example.com/the-secret\n", "holds a line break: set it again without"),
        ("https://hooks.example.com/the-secret x", "holds a space: set it again without"),
    ],
)
@pytest.mark.parametrize("given", ["flag", "variable", "file"])
def test_a_bad_url_is_refused_before_anything_is_written_and_not_shown(
    uploader: Uploader, site_folder: Folder, tmp_path: Path, value: str, problem: str, given: str
) -> None:
    folder, words, environ = site_folder("one", BUILD), ["--notify-url", value], {}
    where = "'--notify-url'"
    if given == "variable":
        words, environ, where = [], {"UPLOADER_NOTIFY_URL": value}, "UPLOADER_NOTIFY_URL"
    elif given == "file":
        file = tmp_path / "uploader.toml"
        file.write_text(f"notify_url = {value!r}\n".replace("'", '"'))
        words, where = ["--config", str(file)], f"notify_url in {file}"
    done = uploader.run(folder, "--bucket", uploader.bucket, *words, **environ)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2
    assert f"Invalid value for {where}: the value, which is a secret and not shown, {problem}; see " in line
    assert "the-secret" not in done.stdout + line
    assert uploader.keys() == []


@pytest.mark.parametrize("extra", [(), ("--json",)])
def test_the_configuration_and_mistakes_in_it_do_not_show_the_url(
    uploader: Uploader, tmp_path: Path, extra: tuple[str, ...]
) -> None:
    url, file = f"https://hooks.example.com{SECRET}", tmp_path / "uploader.toml"
    said = []
    for line in (
        f'notify_url = "{url}"',
        f'notify-url = "{url}"',
        f'notify_url = ["{url}"]',
        f'[notify_url]\na = "{url}"',
    ):
        file.write_text(f"{line}\n")
        done = uploader.run("upload", "--config", file, "--print-config", *extra)
        said.append(done.stdout + done.stderr)
    variable = uploader.run("upload", "--print-config", *extra, UPLOADER_NOTIFY_URL=url)
    said.append(variable.stdout + variable.stderr)
    argument = uploader.run("upload", "dist", url, "--notify-url", url, "--bucket", "b1")
    said.append(argument.stderr)
    assert all("the-secret" not in each for each in said), said
    assert "***" in said[0]
    assert "did you mean 'notify_url'?" in said[1]
    assert "***" in said[4]
    assert argument.returncode == 2


def test_no_name_and_no_error_is_markup_or_calls_anybody(uploader: Uploader, tmp_path: Path) -> None:
    build = tmp_path / "<!channel> & @here"
    with Webhook() as hook:
        done = uploader.run(
            *("upload", build, "--bucket", uploader.bucket, "--notify-url", hook.url),
            *("--fingerprint-pattern", "(?P<fingerprint>x)"),
        )
        assert done.returncode == 2
        assert hook.messages == [], "no command has begun"
        build.mkdir()
        (build / ".env").write_text("")
        (build / "a\n<!everyone>\x1b[31m @john logo@2x.pem").write_text("")
        done = uploader.run("upload", build, "--bucket", uploader.bucket, "--notify-url", hook.url)
    assert done.returncode == 2
    (message,) = hook.messages
    texts = [message["text"], *fields(message).values(), message["attachments"][0]["fallback"]]
    assert any("&lt;!everyone&gt;\\x1b[31m @\u200bjohn logo@2x.pem" in text for text in texts), texts
    for text in texts:
        assert text.isprintable() or "\u200b" in text
        assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)|@(here|channel|everyone|all)", text), text
    assert message["mrkdwn"] is False
    assert message["attachments"][0]["mrkdwn_in"] == []


def test_a_proxy_of_the_environment_is_used_and_closed_streams_change_nothing(
    uploader: Uploader, site_folder: Folder
) -> None:
    folder = site_folder("one", BUILD)
    with Webhook() as proxy:
        line = f"exec {sys.executable} -c '{PATIENT}' {folder} --bucket {uploader.bucket} <&- 2>&-"
        done = subprocess.run(
            ["/bin/sh", "-c", line],
            cwd=ROOT,
            env=uploader.aws.environment(
                UPLOADER_NOTIFY_URL=f"http://hooks.example.invalid{SECRET}",
                http_proxy=proxy.origin,
                no_proxy="127.0.0.1,localhost",
            ),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("released ")
    assert proxy.paths == [f"http://hooks.example.invalid{SECRET}"]
    assert proxy.messages[0]["text"].startswith("Released ")


def test_an_interrupt_is_told_too(uploader: Uploader, site_folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("uploader.library.publishing._publish_build", interrupted)
    with Webhook() as hook:
        done = uploader.run(site_folder("one", BUILD), "--bucket", uploader.bucket, "--notify-url", hook.url)
    assert done.returncode == 130
    assert fields(hook.messages[0])["problem"] == "interrupted: no marker was written; run again to finish"


@pytest.mark.parametrize(
    ("error", "why"), [(KeyboardInterrupt, "interrupted"), (MemoryError, "it could not be sent (MemoryError)")]
)
def test_what_meets_the_message_does_not_meet_the_command(
    uploader: Uploader, site_folder: Folder, monkeypatch: pytest.MonkeyPatch, error: type[BaseException], why: str
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("uploader.cli.notify.post", fail)
    done = uploader.run(site_folder("one", BUILD), "--bucket", uploader.bucket, "--notify-url", "https://hooks.example")
    assert done.returncode == 0
    assert done.stderr == f"uploader: --notify-url: the webhook may not have got the message: {why}\n"
