"""The embedded AWS that the tests talk to over HTTP: one server for the whole run, one bucket for each test."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from examples.embedded_aws import EmbeddedAws

if TYPE_CHECKING:
    from collections.abc import Iterator

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def aws() -> Iterator[EmbeddedAws]:
    """An AWS on this machine."""
    with EmbeddedAws() as embedded:
        yield embedded


@pytest.fixture
def bucket(aws: EmbeddedAws) -> str:
    """A new, empty bucket."""
    name = f"bucket-{next(_numbers)}"
    aws.client("s3").create_bucket(Bucket=name)
    return name
