"""The script of a build job without a tool: lists the bucket, and uploads the files that it lacks."""

from __future__ import annotations

import argparse
import mimetypes
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
from botocore.config import Config


def main() -> None:
    """``python boto3_loop.py FOLDER BUCKET PREFIX [--threads N]``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("bucket")
    parser.add_argument("prefix")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    s3 = boto3.client("s3", config=Config(max_pool_connections=max(10, options.threads)))

    stored = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=options.bucket, Prefix=options.prefix):
        for entry in page.get("Contents", ()):
            stored[entry["Key"]] = (entry["Size"], entry["LastModified"].timestamp())

    def upload(path: Path) -> None:
        key = options.prefix + path.relative_to(options.folder).as_posix()
        status = path.stat()
        if key in stored and stored[key][0] == status.st_size and stored[key][1] >= status.st_mtime:
            return
        kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
        s3.upload_file(str(path), options.bucket, key, ExtraArgs={"ContentType": kind})

    files = (path for path in options.folder.rglob("*") if path.is_file())
    if options.threads == 1:
        for path in files:
            upload(path)
    else:
        with ThreadPoolExecutor(options.threads) as pool:
            list(pool.map(upload, files))


if __name__ == "__main__":
    main()
