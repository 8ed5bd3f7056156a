"""The past that each bucket of the benchmark has: what the cleaner and the uploader write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.past import write_past
from cleaner_lambda.ledger_document import decode
from release_log import marker
from release_log.layout import Layout
from release_log.ledger_file import holds_head

if TYPE_CHECKING:
    from pathlib import Path

LAYOUT = Layout("assets/")


def test_a_past_has_releases_in_place_and_a_ledger_that_has_seen_them(tmp_path: Path) -> None:
    write_past(tmp_path, "assets/", 3, 2000)
    body = (tmp_path / LAYOUT.ledger).read_bytes()
    ledger = decode(body)
    assert (len(ledger.folded), len(ledger.retired)) == (3, 2000)
    assert set(ledger.current.values()) == {max(ledger.folded)}
    for release_id, folded in ledger.folded.items():
        path = tmp_path / LAYOUT.marker_key(release_id)
        assert marker.decode(path.read_bytes(), "assets/").places_pages
        assert path.stat().st_mtime == folded.at.timestamp()
        assert (tmp_path / LAYOUT.placed_key(release_id)).exists()
    assert holds_head(body[:4000])
