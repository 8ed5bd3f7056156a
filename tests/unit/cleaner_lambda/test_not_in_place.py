"""A release whose upload ended between its marker and its pages: an hour later, somebody is told."""

from __future__ import annotations

from dataclasses import replace

from cleaner_lambda.metrics import measure
from cleaner_lambda.next_due import PLACING
from release_log.marker import FORMAT, decode, encode
from release_log.metrics import Metric
from tests.fake_cleaner_s3 import FakeS3
from tests.unit.cleaner_lambda.runs import APP, A, run


def test_it_is_told_after_an_hour_until_it_is_in_place() -> None:
    """The cleaner wakes itself up for that, by name in its answer and as a metric, for which there is an alarm."""
    s3 = FakeS3()
    release_id = s3.publish("r1", "default", {APP: A})
    key = s3.layout.marker_key(release_id)
    release = replace(decode(s3.objects[key].body, s3.layout.prefix), format=FORMAT)
    s3.objects[key] = replace(s3.objects[key], body=encode(release))
    written = s3.clock
    early = run(s3)
    assert (early.not_in_place, early.next_due) == ((), written + PLACING)
    s3.advance(PLACING.total_seconds())
    late = run(s3)
    assert late.document()["not_in_place"] == [release_id]
    assert measure(late, 1.0, by_marker=False)[Metric.NOT_IN_PLACE] == 1
    s3.put(s3.layout.placed_key(release_id), b"{}")
    s3.advance(60)
    assert run(s3).not_in_place == ()
