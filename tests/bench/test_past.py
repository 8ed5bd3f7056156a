"""The past that each bucket of the benchmark has: what the cleaner and the uploader write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.past import Past, write_past
from cleaner_lambda import segments
from cleaner_lambda.head import decode as decode_head
from cleaner_lambda.ledger_document import decode
from release_log import marker
from release_log.layout import Layout
from release_log.ledger_file import FORMAT, HEAD_FORMAT, holds_head
from tests.ledger_formats import ledger_in

if TYPE_CHECKING:
    from pathlib import Path

LAYOUT = Layout("assets/")


def test_a_past_has_releases_in_place_and_a_ledger_that_has_seen_them(tmp_path: Path) -> None:
    write_past(tmp_path, "assets/", Past(3, 2000))
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


@pytest.mark.parametrize("retired", [0, 1, 5003])
def test_a_past_in_the_ledgers_other_format_has_the_same_retired_assets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, retired: int
) -> None:
    """Some paths at a time, as there may be millions of them."""
    monkeypatch.setattr(segments, "GROUP", 1000)
    monkeypatch.setattr(segments, "ENTRIES", 400)

    def read(key: str) -> bytes | None:
        file = folder / key
        return file.read_bytes() if file.exists() else None

    found = []
    for version in (FORMAT, HEAD_FORMAT):
        folder = tmp_path / str(version)
        write_past(folder, "assets/", Past(3, retired, version))
        ledger = ledger_in(LAYOUT, read)
        assert ledger is not None
        found.append({key: entry.logical for key, entry in ledger.retired.items()})
    assert found[0] == found[1]
    assert len(found[0]) == retired
    body = (folder / LAYOUT.ledger).read_bytes()
    index = decode_head(body).index
    assert index.entries == retired
    assert max(each.entries for each in index.segments) <= 500
    assert [each.first for each in index.segments] == sorted({each.first for each in index.segments})
    assert holds_head(body[:4000])
