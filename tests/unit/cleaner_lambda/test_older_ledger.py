"""The cleaner goes back to a version that knows nothing of pages, and comes back to that version's ledger."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from release_log.marker import FORMAT, decode, encode
from tests.fake_cleaner_s3 import FakeS3
from tests.older_ledger import as_older
from tests.unit.cleaner_lambda.runs import APP, DAY, A, B, C, at_request, fail_with, keys_of, run, stopped_by

if TYPE_CHECKING:
    from collections.abc import Mapping


def publish(s3: FakeS3, name: str, assets: Mapping[str, str], *, placed: bool) -> None:
    """Upload a release as this version does; without ``placed`` it is cut off after its marker."""
    release_id = s3.publish(name, "default", assets)
    marker = s3.layout.marker_key(release_id)
    s3.put(marker, encode(replace(decode(s3.objects[marker].body, s3.layout.prefix), format=FORMAT)))
    if placed:
        s3.put(s3.layout.placed_key(release_id), b'{"format":1}')


@pytest.fixture(params=[1, FORMAT])
def s3(request: pytest.FixtureRequest) -> FakeS3:
    """Two releases, of which the second is not in place: visitors still get the first one, of either format."""
    s3 = FakeS3()
    if request.param == FORMAT:
        publish(s3, "r1", {APP: A}, placed=True)
    else:
        s3.publish("r1", "default", {APP: A})
    run(s3)
    s3.advance(60)
    publish(s3, "r2", {APP: B}, placed=False)
    run(s3)
    s3.put(s3.layout.ledger, as_older(s3.objects[s3.layout.ledger].body))
    return s3


def test_release_stays_current_until_the_next_one_is_in_place(s3: FakeS3) -> None:
    s3.advance(60)
    assert stopped_by(run(s3)) == []
    assert s3.ledger.behind == {"default": ("20261123T120000Z-r1",)}
    assert not s3.ledger.older
    for _ in range(3):
        s3.advance(DAY)
        assert keys_of(run(s3), "delete") == []
    s3.publish("r3", "default", {APP: C})
    s3.advance(DAY)
    run(s3)
    s3.advance(DAY)
    run(s3)
    assert s3.assets() == {C}


def test_also_if_the_first_run_dies_after_it_has_written_the_ledger(s3: FakeS3) -> None:
    s3.intend("lost", "default", {APP: A})
    s3.advance(DAY)  # the intent has expired, so the run announces that it goes
    at_request(s3, "list", s3.layout.pending, fail_with("AccessDenied"), number=2)
    with pytest.raises(Exception, match="AccessDenied"):
        run(s3)
    s3.on_request = None
    assert s3.ledger.deleting is not None
    for _ in range(3):
        s3.advance(DAY)
        run(s3)
    assert s3.assets() == {A, B}
