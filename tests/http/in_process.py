"""Publishing without a process of its own, for what a test needs to be there before it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3

from examples.embedded_aws import REGION
from uploader.collect import collect
from uploader.publish import Build, publish
from uploader.s3 import open_bucket
from uploader.session import Access

if TYPE_CHECKING:
    from pathlib import Path

    from tests.http.conftest import Uploader
    from uploader.publish import Published


def publish_here(uploader: Uploader, folder: Path, release: str, *, stage: bool = False) -> Published:
    """Publish a build as the command line does, in this process: that saves half a second."""
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
    bucket = open_bucket(Access(uploader.bucket, session, REGION, uploader.aws.url), 8)
    build = Build(assets=collect(folder, "assets/"), prefix="assets/", channel="default", release=release)
    return publish(bucket, build, stage=stage)
