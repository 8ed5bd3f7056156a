"""The limit of `--max-bandwidth`: what is sent within any time, on a clock that the test moves."""

from __future__ import annotations

import pytest

from uploader.aws.access import Access
from uploader.aws.values import ValueProblemError
from uploader.errors import UploaderError, UsageError
from uploader.s3.bandwidth import Bandwidth, bytes_per_second
from uploader.s3.open import connect


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("20MB/s", 20_000_000),
        ("1.5 MB/s", 1_500_000),
        ("512KiB/s", 524_288),
        ("64kB/s", 64_000),
        ("2GiB", 2_147_483_648),
    ],
)
def test_a_rate_has_a_unit(text: str, rate: float) -> None:
    assert bytes_per_second(text) == rate


@pytest.mark.parametrize(
    "text", ["", "20", "20Mb/s", "20Mbit/s", "-1MB/s", "MB/s", "20 MB per second", "1e3MB/s", "∞MB/s"]
)
def test_a_rate_without_a_unit_of_bytes_is_refused(text: str) -> None:
    """20 Mb are 2.5 MB: who meant bits must not get eight times as much."""
    with pytest.raises(ValueProblemError, match="is not a rate such as 20MB/s"):
        bytes_per_second(text)


def test_a_rate_that_no_large_file_could_be_sent_at_is_refused() -> None:
    with pytest.raises(ValueProblemError, match="'10kB/s' is too low: give at least 64kB/s"):
        bytes_per_second("10kB/s")


def test_a_program_learns_which_value_is_wrong() -> None:
    with pytest.raises(UsageError, match=r"^max_bandwidth '20' is not a rate"):
        connect(Access("b", "eu-west-1", None), max_bandwidth="20")


class Time:
    """A clock that waits move, and an event that is never set."""

    def __init__(self) -> None:
        self.now = 100.0

    def wait(self, timeout: float) -> bool:
        self.now += timeout
        return False


def test_each_waits_until_what_was_sent_before_has_had_its_time() -> None:
    time = Time()
    line, sent = Bandwidth(1000, clock=lambda: time.now), []
    for size in (500, 2000, 1, 1000):
        line.take(size, time)
        sent.append(time.now - 100)
    assert sent == pytest.approx([0, 0.5, 2.5, 2.501])


def test_an_idle_line_saves_nothing_up() -> None:
    time = Time()
    line = Bandwidth(1000, clock=lambda: time.now)
    line.take(100, time)
    time.now += 3600
    began = time.now
    for _ in range(3):
        line.take(1000, time)
    assert time.now - began == pytest.approx(2)


def test_who_sends_while_reading_takes_a_tenth_of_a_second_at_one_time() -> None:
    assert Bandwidth(20_000_000).piece == 2_000_000


def test_a_stop_ends_the_wait_and_nothing_is_sent() -> None:
    class Stopped:
        def wait(self, _timeout: float) -> bool:
            return True

    line = Bandwidth(1000, clock=lambda: 0.0)
    line.take(1000, Stopped())  # the first need not wait
    with pytest.raises(UploaderError, match="the upload was stopped"):
        line.take(1, Stopped())
