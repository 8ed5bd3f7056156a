"""A large site is swept in groups: what an invocation has no time for, the next one does."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from cleaner_lambda.head import decode
from release_log.ledger_file import HEAD_FORMAT
from tests.http.in_process import publish_here
from tests.http.test_large_work import LATEST, SUPERSEDED, assets, give_time_for, has_wake_up_at_once
from tests.ledger_formats import NONE, writing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import SimpleNamespace

    import pytest

    from cleaner_lambda.head import Head
    from release_log.layout import Layout
    from tests.http.conftest import Uploader

    Folder = Callable[[str, dict[str, str]], Path]
    Cleaner = Callable[..., dict[str, Any]]


def read_head(uploader: Uploader, layout: Layout) -> Head:
    answer = uploader.aws.client("s3").get_object(Bucket=uploader.bucket, Key=layout.ledger)
    return decode(answer["Body"].read())


def keep_for(seconds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """How long superseded assets are kept from now on."""
    (site,) = json.loads(os.environ["SITES"])
    site["policy"]["version_ttl"] = seconds
    monkeypatch.setenv("SITES", json.dumps([site]))


def test_a_large_site_is_swept_in_several_invocations(
    uploader: Uploader,
    site_folder: Folder,
    cleaner: Cleaner,
    context: SimpleNamespace,
    layout: Layout,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each group is announced, deleted and written by itself; a dry run says before what all of them do."""
    old = {f"assets/{name}" for name in SUPERSEDED}
    with writing(HEAD_FORMAT, small=NONE):
        keep_for(1000, monkeypatch)
        publish_here(uploader, site_folder("a", SUPERSEDED), "r1")
        cleaner()
        publish_here(uploader, site_folder("b", LATEST), "r2")
        cleaner()
        cleaner(full=True)  # takes in what the run before has noted
        assert sum(each.entries for each in read_head(uploader, layout).index.segments) == len(old)
        assert len(read_head(uploader, layout).index.segments) == len(old)
        keep_for(0, monkeypatch)
        plan = cleaner(dry_run=True)
        assert {each["key"] for each in plan["delete"]} == old
        assert old <= assets(uploader, layout)
        # Time to look at 20 groups, and then for some of them.
        give_time_for(30, context)
        first = cleaner(full=True)
        assert 0 < first["counts"]["delete"] < len(old)
        assert first["unfinished"]
        assert has_wake_up_at_once(uploader)
        left = read_head(uploader, layout)
        assert left.ledger.deleting is None
        assert assets(uploader, layout) & old == old - {each["key"] for each in first["delete"]}
        context.get_remaining_time_in_millis = lambda: 900_000
        second = cleaner()
        assert [*first["delete"], *second["delete"]] == plan["delete"]
        assert assets(uploader, layout) == {f"assets/{name}" for name in LATEST}
        assert sum(each.entries for each in read_head(uploader, layout).index.segments) == 0
