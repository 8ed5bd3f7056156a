"""A value that no request can be sent with: one line that names its variable, exit 2, and nothing written."""

from __future__ import annotations

import shlex
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import obstore
import pytest

from tests.http.test_bad_input import refused
from tests.paths import ROOT
from uploader.aws.access import Access, Keys
from uploader.errors import UploaderError
from uploader.s3.connection import connect
from uploader.s3.requests import Requests

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.http.conftest import Uploader

    Folder = Callable[[str, dict[str, str]], Path]

ENVIRONMENT = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL",
    "UPLOADER_REGION",
    "UPLOADER_ENDPOINT_URL",
)
FIRST = {"AWS_SECURITY_TOKEN": "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION": "AWS_REGION"}
"""The variable that goes before another one."""


@pytest.fixture
def folder(site_folder: Folder) -> Path:
    """A build."""
    return site_folder("a", {"index.html": "x"})


@pytest.mark.parametrize("odd", ["test\n", "te st", "t\u00e9st"])
@pytest.mark.parametrize("variable", ENVIRONMENT)
def test_an_environment_variable_with_an_odd_value(uploader: Uploader, folder: Path, variable: str, odd: str) -> None:
    value = f"http://{odd}:1" if "ENDPOINT" in variable else odd
    environ = {variable: value} | ({FIRST[variable]: ""} if variable in FIRST else {})
    refused(uploader, 2, variable, folder, **environ)


@pytest.mark.parametrize("odd", ["test\n", " "])
@pytest.mark.parametrize("variable", ["AWS_PROFILE", "AWS_DEFAULT_PROFILE", "UPLOADER_PROFILE"])
def test_a_variable_that_names_no_profile(uploader: Uploader, folder: Path, variable: str, odd: str) -> None:
    """A profile's name may hold a space, or a letter beyond ASCII."""
    refused(uploader, 2, variable, folder, **{variable: odd})


@pytest.mark.parametrize("odd", ["", "test\n", "te st"])
@pytest.mark.parametrize("option", ["bucket", "region", "endpoint-url"])
def test_an_option_or_a_line_of_the_configuration_with_an_odd_value(
    uploader: Uploader, folder: Path, tmp_path: Path, option: str, odd: str
) -> None:
    """The message names the option, or the key and its file."""
    value = f"http://{odd}:1" if option == "endpoint-url" and odd else odd
    bucket = () if option == "bucket" else ("--bucket", uploader.bucket)
    file, key = tmp_path / "uploader.toml", option.replace("-", "_")
    text = value.replace("\n", "\\n")
    file.write_text(f'{key} = "{text}"\n')
    for words, named in (([f"--{option}", value], f"--{option}"), (["--config", file], f"{key} in {file}")):
        answer = uploader.run(folder, *bucket, *words)
        assert (answer.returncode, answer.stdout, len(answer.stderr.splitlines())) == (2, "", 1), answer.stderr
        assert named in answer.stderr
    assert uploader.keys() == []


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("aws_access_key_id", "aws_access_key_id = te st"),
        ("aws_secret_access_key", "aws_secret_access_key = t\u00e9st"),
        ("aws_session_token", "aws_session_token = te\tst"),
        ("region", "region = eu west"),
        ("aws_session_token", "credential_process = {process}"),
    ],
)
def test_a_profile_with_an_odd_value(uploader: Uploader, folder: Path, tmp_path: Path, name: str, line: str) -> None:
    """Also what a process of the profile answers."""
    answer = tmp_path / "answer.json"
    answer.write_text(
        '{"Version": 1, "AccessKeyId": "test", "SecretAccessKey": "test", "SessionToken": "te\\nst"}', encoding="utf-8"
    )
    lines = {} if "process" in line else {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    key, _, value = line.format(process=f"cat {shlex.quote(str(answer))}").partition(" = ")
    lines[key] = value
    config = tmp_path / "config"
    config.write_text("[profile p]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items()), "utf-8")
    environ = {"AWS_CONFIG_FILE": str(config), "AWS_REGION": "", "AWS_DEFAULT_REGION": "", "AWS_ENDPOINT_URL": ""}
    if name != "region":
        environ["AWS_REGION"] = "us-east-1"
    refused(uploader, 2, name, folder, "--profile", "p", **environ)


ODD_ANSWERS = {
    "a list": "[]",
    "nothing": "null",
    "numbers": '{"Version": 1, "AccessKeyId": 1, "SecretAccessKey": 2}',
    "a number as the end": '{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "b", "Expiration": 5}',
    "an end without a zone": (
        '{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "b", "Expiration": "2099-01-01T00:00:00"}'
    ),
}


@pytest.mark.parametrize("answer", ODD_ANSWERS)
def test_a_process_that_answers_in_another_form(uploader: Uploader, folder: Path, tmp_path: Path, answer: str) -> None:
    """botocore raises whatever Python does then: nobody has to report that to us."""
    (tmp_path / "answer").write_text(ODD_ANSWERS[answer])
    (tmp_path / "config").write_text(f"[profile p]\ncredential_process = cat {shlex.quote(str(tmp_path / 'answer'))}\n")
    refused(uploader, 2, "see what", folder, "--profile", "p", AWS_CONFIG_FILE=str(tmp_path / "config"))


def test_a_section_that_is_a_value(uploader: Uploader, folder: Path, tmp_path: Path) -> None:
    """``s3 = 5`` among the services of a profile names no server."""
    keys = "aws_access_key_id = test\naws_secret_access_key = test\nservices = x\n"
    (tmp_path / "config").write_text(f"[profile p]\n{keys}[services x]\ns3 = 5\n")
    answer = uploader.run(
        folder, "--bucket", uploader.bucket, "--profile", "p", AWS_CONFIG_FILE=str(tmp_path / "config")
    )
    assert (answer.returncode, answer.stderr) == (0, "")


def test_a_code_that_no_terminal_can_ask_for_is_one_line(uploader: Uploader, folder: Path, tmp_path: Path) -> None:
    """In a CI job, nobody types an MFA code; Python would ask all the same, and warn twice."""
    (tmp_path / "config").write_text(
        "[profile p]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = q\n"
        "mfa_serial = arn:aws:iam::123456789012:mfa/me\n"
        "[profile q]\naws_access_key_id = test\naws_secret_access_key = test\n"
    )
    environ = uploader.aws.environment(AWS_CONFIG_FILE=str(tmp_path / "config"))
    command = [sys.executable, "-m", "uploader", str(folder), "--bucket", uploader.bucket, "--profile", "p"]
    answer = subprocess.run(
        command,
        cwd=ROOT,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,  # without a terminal
    )
    assert (answer.returncode, answer.stdout, len(answer.stderr.splitlines())) == (2, "", 1), answer.stderr
    assert "MFA code" in answer.stderr


@pytest.mark.parametrize("command", ["upload", "doctor", "status"])
def test_the_password_of_an_endpoint_is_printed_nowhere(uploader: Uploader, folder: Path, command: str) -> None:
    """Neither from the option, nor from a variable, nor by ``--print-config``, ``--json`` or ``--verbose``."""
    words = {"upload": [str(folder), "-v"], "doctor": ["doctor", "--json"], "status": ["status"]}[command]
    for url in ("http://me:sec-ret@127.0.0.1:9", "me:sec-ret@h", "http://me:sec-ret@h:x"):
        cases: list[tuple[list[str], dict[str, str]]] = [
            (["--endpoint-url", url], {}),
            (["--endpoint-url", url, "--print-config"], {}),
            ([], {"UPLOADER_ENDPOINT_URL": url}),
            ([], {"AWS_ENDPOINT_URL": url}),
            ([], {"AWS_ENDPOINT_URL_S3": url}),
        ]
        for more, environ in cases:
            answer = uploader.run(*words, "--bucket", uploader.bucket, *more, **environ)
            assert (answer.returncode, answer.stdout) == (2, "")
            assert "sec-ret" not in answer.stderr
            assert len(answer.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "variable",
    ["AWS_RETRY_MODE", "AWS_DEFAULTS_MODE", "AWS_METADATA_SERVICE_TIMEOUT", "AWS_REQUEST_CHECKSUM_CALCULATION"],
)
def test_a_setting_that_no_client_of_aws_can_have_is_one_line(
    uploader: Uploader, tmp_path: Path, variable: str
) -> None:
    (tmp_path / "config").write_text("[profile p]\naws_access_key_id = test\naws_secret_access_key = test\n")
    environ = {"AWS_CONFIG_FILE": str(tmp_path / "config"), variable: "odd"}
    answer = uploader.run("plan", "--function", "f", "--bucket", uploader.bucket, "--profile", "p", **environ)
    assert (answer.returncode, len(answer.stderr.splitlines())) == (1 + ("SERVICE" in variable), 1)
    assert "unexpected" not in answer.stderr


def test_the_password_of_another_services_endpoint_is_not_printed_either(uploader: Uploader) -> None:
    url = "http://me:sec-ret@127.0.0.1:9"
    for command in ("plan", "doctor"):
        refused(uploader, 2, "AWS_ENDPOINT_URL_LAMBDA", command, "--function", "f", AWS_ENDPOINT_URL_LAMBDA=url)


@pytest.mark.parametrize("url", ["http://me:se/c-ret@127.0.0.1:9", "http://127.0.0.1:9\n"])
@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_SSO"])
def test_so_it_is_with_that_of_who_issues_credentials(
    uploader: Uploader, folder: Path, tmp_path: Path, variable: str, url: str
) -> None:
    """Also if S3 has an endpoint of its own."""
    (tmp_path / "token").write_text("token")
    (tmp_path / "config").write_text(
        "[profile p]\nrole_arn = arn:aws:iam::123456789012:role/r\n"
        f"web_identity_token_file = {tmp_path / 'token'}\nregion = us-east-1\n"
    )
    environ = {"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_ENDPOINT_URL_S3": uploader.aws.url, variable: url}
    answer = uploader.run(folder, "--bucket", uploader.bucket, "--profile", "p", **environ)
    assert (answer.returncode, answer.stdout, len(answer.stderr.splitlines())) == (2, "", 1), answer.stderr
    assert f"{variable} '" in answer.stderr
    assert "c-ret" not in answer.stderr


def test_a_panic_of_a_native_library_is_one_line(uploader: Uploader, folder: Path) -> None:
    """Such an error is not an `Exception`; here a key gets past every check."""
    aws = uploader.aws
    panics = Requests(connect(Access(uploader.bucket, "us-east-1", aws.url, keys=Keys("te\nst", "test", None))))
    for request in (panics.written, panics.get, panics.delete, panics.metadata):
        with pytest.raises(UploaderError, match=r"panicked.*run again") as raised:
            request("assets/x")
        assert len(str(raised.value).splitlines()) == 1

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("uploader.cli.bodies.upload.upload", lambda **_: obstore.head(panics._store, "x"))  # noqa: SLF001
        answer = uploader.run(folder, "--bucket", uploader.bucket)
    assert (answer.returncode, len(answer.stderr.splitlines())) == (1, 1)
    assert "unexpected PanicException" in answer.stderr


def test_variables_that_only_obstore_knows_change_nothing(
    uploader: Uploader, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor do empty ones, as CI systems set them for secrets that a job does not get: no empty token is sent."""
    odd = {
        "AWS_TOKEN": "te\nst",
        "AWS_SESSION_TOKEN": "",
        "AWS_SKIP_SIGNATURE": "true",
        "AWS_S3_EXPRESS": "odd",
        "AWS_CONDITIONAL_PUT": "disabled",
        "AWS_SERVER_SIDE_ENCRYPTION": "odd",
        "AWS_REQUEST_PAYER": "odd",
        "AWS_COPY_IF_NOT_EXISTS": "odd",
        "AWS_DISABLE_TAGGING": "odd",
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "odd",
    }
    answer = uploader.run(folder, "--bucket", uploader.bucket, **odd)
    assert (answer.returncode, answer.stderr) == (0, "")
    for variable in ("AWS_SESSION_TOKEN", "AWS_TOKEN"):
        monkeypatch.setenv(variable, "" if variable == "AWS_SESSION_TOKEN" else "x")
        store = connect(Access(uploader.bucket, "us-east-1", uploader.aws.url, keys=Keys("test", "test", None))).store
        url = obstore.sign(store, "GET", "x", timedelta(seconds=60))
        assert "X-Amz-Signature" in url
        assert "X-Amz-Security-Token" not in url
