"""Credentials that end while an upload runs: new ones are asked for in time, however short their life is."""

from __future__ import annotations

import json
import shlex
import sys
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from uploader.aws.access import Access
from uploader.errors import UploaderError
from uploader.s3 import asking
from uploader.s3.boto3_credentials import OBSTORE_ASKS_EARLY, credential_provider
from uploader.s3.connection import connect
from uploader.s3.requests import Requests

if TYPE_CHECKING:
    from pathlib import Path

    from tests.http.fault_proxy import FaultProxy

LIFE = 3
"""Seconds; S3's shortest session lasts 900."""

PROCESS = """
import json, sys, time
end = int(time.time()) + {life}
if {times}:
    end = json.load(open({file!r}))
stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end))
print(json.dumps(dict(Version=1, AccessKeyId="ends%d" % end, SecretAccessKey="test", Expiration=stamp)))
"""
"""Issues credentials whose key says when they end."""


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A profile that asks a process for credentials; returns the process's program."""
    program = tmp_path / "issue.py"
    config = tmp_path / "config"
    config.write_text(f"[profile p]\ncredential_process = {shlex.join([sys.executable, '-S', str(program)])}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    return program


@pytest.mark.parametrize("life", [LIFE, 30, 600, 900, 1200, 3600])
def test_obstore_never_holds_credentials_beyond_their_end(profile: Path, life: int) -> None:
    """Nor does it ask more often than once a minute, as long as they live."""
    profile.write_text(PROCESS.format(life=life, times=False, file=""))
    provided = credential_provider(Access("b", "us-east-1", profile="p"))()
    ends = datetime.fromtimestamp(int(provided["access_key_id"].removeprefix("ends")), UTC)
    assert provided["expires_at"] is not None
    held = provided["expires_at"] - OBSTORE_ASKS_EARLY
    assert held < ends
    if life > 120:
        assert held - datetime.now(UTC) > timedelta(seconds=50)


def test_each_request_is_signed_with_credentials_that_still_live(profile: Path, proxy: FaultProxy, bucket: str) -> None:
    """For longer than any of them lives."""
    profile.write_text(PROCESS.format(life=LIFE, times=False, file=""))
    requests = Requests(connect(Access(bucket, "us-east-1", proxy.url, profile="p")))
    until = time.monotonic() + LIFE + 1.5
    while time.monotonic() < until:
        requests.create(f"assets/{time.monotonic()}", b"x")
        assert int(proxy.requests[-1].key_id.removeprefix("ends")) >= int(time.time())
        time.sleep(0.1)
    assert len({each.key_id for each in proxy.requests}) > 1


def test_credentials_that_cannot_be_renewed_are_one_line(
    profile: Path, proxy: FaultProxy, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those that have ended when they come, for which botocore raises a `RuntimeError`."""
    monkeypatch.setattr(asking, "PAUSES", (0.2,))
    profile.write_text(PROCESS.format(life=LIFE, times=False, file=""))
    requests = Requests(connect(Access(bucket, "us-east-1", proxy.url, profile="p")))
    requests.create("assets/x", b"x")
    assert requests.metadata("assets/b//y") is None
    past = profile.with_suffix(".json")
    past.write_text(json.dumps(int(time.time()) - 60))
    time.sleep(LIFE + 0.1)
    for program, words in (
        (PROCESS.format(life=0, times=True, file=str(past)), "still expired"),
        ("raise SystemExit(3)", "custom-process"),
    ):
        profile.write_text(program)
        # The second is boto3's, as are the parts of a large file.
        for request in (partial(requests.create, "assets/y", b"x"), partial(requests.metadata, "assets/b//y")):
            with pytest.raises(UploaderError, match=rf"no credentials any more: .*{words}.*renew them") as raised:
                request()
            assert len(str(raised.value).splitlines()) == 1
        time.sleep(0.2)
