"""``pin`` and ``unpin``: a release whose assets are kept until further notice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uploader.cli.console import answer, answer_gone
from uploader.counted import counted
from uploader.errors import NotWholeError
from uploader.library import keeping

if TYPE_CHECKING:
    from uploader.cli.output import OutputOptions
    from uploader.library.site import Site


def pin(site: Site, output: OutputOptions, *, wanted: str) -> None:
    """Pin a release."""
    document: dict[str, Any] = {"bucket": site.bucket, "prefix": site.prefix, "release": wanted, "gone": []}
    try:
        done = keeping.pin(wanted, site)
    except NotWholeError as error:
        answer_gone(output, {**document, "pin": None, "already": False}, error)
        raise
    assets = done.logged.release.assets.values()
    document |= {
        "release": done.logged.id,
        "pin": done.key,
        "already": done.already,
        "counts": {"assets": len(assets), "replaceable": sum(not asset.fingerprinted for asset in assets)},
    }
    answer(output, document, _summary(document, site), done=f"release {done.logged.id} is pinned")


def unpin(site: Site, output: OutputOptions, *, wanted: str) -> None:
    """Let go of a pinned release."""
    release_id = keeping.unpin(wanted, site)
    document = {"bucket": site.bucket, "prefix": site.prefix, "release": release_id, "unpinned": True}
    text = (
        f"unpinned {release_id} at {site.url}; "
        "the cleaner deletes, within a day, each of its assets that nothing else keeps"
    )
    answer(output, document, text, done=f"release {release_id} is not pinned any more")


def _summary(document: dict[str, Any], site: Site) -> str:
    where, counts = site.url, document["counts"]
    if document["already"]:
        return f"{document['release']} is pinned already at {where}; nothing written"
    assets = counted(counts["assets"], "asset is", "assets are")
    text = f"pinned {document['release']} at {where}: its {assets} kept until it is unpinned"
    if counts["replaceable"]:
        without = counted(counts["replaceable"], "of them has", "of them have")
        text += f"; {without} no fingerprint, so later uploads replace the content"
    return text
