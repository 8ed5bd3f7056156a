"""The end of channels that is cut off, or comes beside an upload; `tests/http/test_end.py` has the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fake_uploader_s3 import LAYOUT, FakeBucket
from uploader.builds.collect import collect
from uploader.errors import NotPlacedError, StoppedError, UploaderError
from uploader.operations.ending import end, find_end
from uploader.publishing.build import Build
from uploader.publishing.publish import publish

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from uploader.s3.port import Placement, PlacingAnswer


class Cut(FakeBucket):
    """A request fails when it is sent for the nth time.

    Attributes:
        after: How many of these requests go well before.
    """

    after = 0

    def _request(self, what: str) -> None:
        if self.fail and self.fail in what and self.after:
            self.after -= 1
            self.requests.append(what)
            return
        super()._request(what)


@pytest.fixture
def bucket() -> Cut:
    return Cut()


@pytest.fixture
def release(bucket: Cut, tmp_path: Path) -> Callable[..., object]:
    def publish_one(channel: str, page: str, name: str = "index.html") -> object:
        for old in tmp_path.iterdir():
            old.unlink()
        (tmp_path / name).write_text(page)
        build = Build(assets=collect(tmp_path, "assets/"), prefix="assets/", channel=channel, release=channel)
        bucket.clock.passed += 60
        return publish(bucket, build, clocks=bucket.clock.clocks())

    return publish_one


def end_it(bucket: Cut, channel: str | None = None) -> None:
    bucket.clock.passed += 60
    end(bucket, LAYOUT, find_end(bucket, LAYOUT, channel), clocks=bucket.clock.clocks())


@pytest.mark.parametrize("fail", [f"delete {LAYOUT.pending}", f"get {LAYOUT.ledger}"])
def test_an_interrupt_after_the_first_of_two_channels_says_what_is_left(
    bucket: Cut, release: Callable[..., object], fail: str
) -> None:
    release("a", "a")
    release("b", "b")
    # The ledger is read by `find_end`, and under each intent.
    bucket.fail, bucket.error, bucket.after = fail, KeyboardInterrupt(), 2 if "get" in fail else 0
    with pytest.raises(StoppedError, match=r"^ended channel a, but not all is done: run the same command again$") as it:
        end_it(bucket)
    assert not it.value.done
    bucket.fail = ""
    assert find_end(bucket, LAYOUT, None).channels == ("b",)


def test_an_error_at_the_second_of_two_channels_says_that_the_first_one_has_ended(
    bucket: Cut, release: Callable[..., object]
) -> None:
    release("a", "a")
    release("b", "b")
    bucket.fail, bucket.after = f"create {LAYOUT.markers}", 1
    with pytest.raises(
        UploaderError, match=r"^ended channel a, but not all is done \(.*\): run the same command again$"
    ):
        end_it(bucket)


def test_an_interrupt_before_another_channels_page_is_back_says_so(bucket: Cut, release: Callable[..., object]) -> None:
    release("b", "b")
    release("a", "a")
    bucket.fail, bucket.error = f"delete {LAYOUT.pending}", KeyboardInterrupt()
    with pytest.raises(StoppedError, match=r"^ended channel a, but not all is done: run the same command again$"):
        end_it(bucket, "a")
    assert bucket.objects["assets/index.html"] == b"a"
    bucket.fail = ""
    end_it(bucket, "a")
    assert bucket.objects["assets/index.html"] == b"b"


def test_an_interrupt_after_the_last_step_is_too_late(bucket: Cut, release: Callable[..., object]) -> None:
    release("a", "a")
    bucket.fail, bucket.error = f"delete {LAYOUT.pending}", KeyboardInterrupt()
    with pytest.raises(StoppedError, match="nothing is left to do") as stopped:
        end_it(bucket, "a")
    assert stopped.value.done


def test_an_interrupt_before_anything_is_written_says_nothing_else(bucket: Cut, release: Callable[..., object]) -> None:
    release("a", "a")
    bucket.fail, bucket.error = f"create {LAYOUT.pending}", KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt) as stopped:
        end_it(bucket, "a")
    assert not isinstance(stopped.value, StoppedError)


def test_an_upload_whose_channel_ends_while_it_puts_its_pages_in_place_says_so(
    bucket: Cut, release: Callable[..., object]
) -> None:
    """The end has looked at the page of the other channel before this upload replaces it."""
    release("b", "b")
    release("a", "a", "other.html")
    place = bucket.place

    def after_the_end(placements: Sequence[Placement]) -> PlacingAnswer:
        bucket.place = place  # type: ignore[method-assign]
        end_it(bucket, "a")
        return place(placements)

    bucket.place = after_the_end  # type: ignore[method-assign]
    with pytest.raises(NotPlacedError, match=r"^channel 'a' has ended meanwhile .* end it again \(end --channel a\)"):
        release("a", "a")
    assert bucket.objects["assets/index.html"] == b"a"
    end_it(bucket, "a")
    assert bucket.objects["assets/index.html"] == b"b"
