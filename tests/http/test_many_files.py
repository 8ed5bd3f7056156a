"""A build of very many files: 100,000 in `make torture`, and in `make test` enough for every way of listing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.torture import TORTURE
from uploader.s3 import bucket
from uploader.s3.key_ranges import key_ranges
from uploader.s3.listing import FEW

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.http.conftest import Uploader

FILES = 100_000 if TORTURE else 1_500
"""More than a page of S3's."""
PAGE = 900 if TORTURE else 250
"""So that there are enough ranges for asyncio."""
CHANGED = 20


def test_all_are_published_and_then_only_what_changed(
    uploader: Uploader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket, "PAGE", PAGE)
    for number in range(FILES):
        folder = tmp_path / f"part{number % 50:02}"
        folder.mkdir(exist_ok=True)
        (folder / f"chunk{number}-{number:08x}a1.js").write_bytes(b"%d" % number)
    first = uploader.upload(tmp_path)
    assert first["counts"] == {"uploaded": FILES, "unchanged": 0}
    for path in sorted(tmp_path.rglob("*.js"))[:CHANGED]:
        path.rename(path.with_name(path.name.replace("a1.js", "b2.js")))
    names = sorted(f"assets/{path.relative_to(tmp_path).as_posix()}" for path in tmp_path.rglob("*.js"))
    assert len(key_ranges(names, bucket.RANGES, PAGE)) > FEW
    second = uploader.upload(tmp_path)
    assert second["counts"] == {"uploaded": CHANGED, "unchanged": FILES - CHANGED}
    assert len(second["uploaded"]) == CHANGED
    answer = uploader.aws.client("s3").get_object(Bucket=uploader.bucket, Key=second["marker"])
    marker = json.loads(answer["Body"].read())
    assert sorted(asset["key"] for asset in marker["assets"].values()) == names
