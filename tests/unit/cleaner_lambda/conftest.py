"""The site that the tests of a run share."""

from __future__ import annotations

import pytest

from tests.fake_cleaner_s3 import FakeS3
from tests.unit.cleaner_lambda.runs import APP, DAY, A, B, run


@pytest.fixture
def s3() -> FakeS3:
    """A site whose release r2 superseded A of r1 by B a moment ago. The ledger knows all of it."""
    s3 = FakeS3()
    s3.publish("r1", "default", {APP: A})
    run(s3)
    s3.advance(DAY / 2)
    s3.publish("r2", "default", {APP: B})
    run(s3)
    s3.requests.clear()
    return s3
