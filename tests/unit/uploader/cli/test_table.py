"""Tables: one text in a pipe, and on a terminal nothing that is wider than it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from rich.cells import cell_len

from tests.paths import ROOT
from uploader.cli.colours import Problem
from uploader.cli.table import Table

COLUMNS = ("check", "state", "finding", "remedy")
FINDING = "EventBridge notifications of the bucket are off, so the cleaner is not woken by a release"
REMEDY = "deploy the stack, or: aws s3api put-bucket-notification-configuration --bucket my-assets"
TABLE = Table(COLUMNS, [("bucket", "ok", "it exists", ""), ("events", Problem("problem"), FINDING, REMEDY)])
FOLDED = {
    60: """\
check   state    finding
    remedy
bucket  ok       it exists
events  problem  EventBridge notifications of the bucket are
                 off, so the cleaner is not woken by a
                 release
    deploy the stack, or: aws s3api
    put-bucket-notification-configuration --bucket my-assets
""",
    80: """\
check   state    finding
    remedy
bucket  ok       it exists
events  problem  EventBridge notifications of the bucket are off, so the cleaner
                 is not woken by a release
    deploy the stack, or: aws s3api put-bucket-notification-configuration
    --bucket my-assets
""",
    140: """\
check   state    finding                                                        remedy
bucket  ok       it exists
events  problem  EventBridge notifications of the bucket are off, so the        deploy the stack, or: aws s3api
                 cleaner is not woken by a release                              put-bucket-notification-configuration --bucket my-assets
""",  # noqa: E501 (as wide as the terminal)
}


@pytest.mark.parametrize("width", FOLDED)
def test_a_wide_table_is_folded(width: int) -> None:
    assert "\n".join(TABLE.lines(width=width)) + "\n" == FOLDED[width]


@pytest.mark.parametrize("width", [1, 7, 20, 39, 40, 41, 100])
def test_no_line_is_wider_than_the_terminal_and_no_letter_is_lost(width: int) -> None:
    """A letter of Chinese or Japanese takes two places, which a terminal of one column does not have."""
    rows = [("assets/" + "x" * 200, "日本語のファイル名" * 9, "a\x1b[31mb"), ("", "", "c")]
    lines = Table(("asset", "name", "odd"), rows).lines(width=max(width, 6))
    assert all(cell_len(line) <= max(width, 6) for line in lines)
    said = "".join("".join(lines).split())
    assert sorted(said) == sorted("assetnameodd" + rows[0][0] + rows[0][1] + r"a\x1b[31mbc")


def test_in_a_pipe_a_row_is_one_line_and_nothing_is_cut() -> None:
    assert TABLE.lines() == [
        f"check   state    {'finding'.ljust(len(FINDING))}  remedy",
        "bucket  ok       it exists",
        f"events  problem  {FINDING}  {REMEDY}",
    ]


def test_a_table_that_fits_is_the_same_on_a_terminal() -> None:
    assert TABLE.lines(width=300) == TABLE.lines()


def test_a_pipe_loads_no_rich() -> None:
    program = (
        "import sys; from uploader.cli.console import say; from uploader.cli.table import Table\n"
        "say(Table(['a' * 200], [['b' * 200]]), done=''); sys.exit('rich' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, check=True)
