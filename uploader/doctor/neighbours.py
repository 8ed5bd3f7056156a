"""Whether another site lies around this one or inside it, and whether these credentials can see that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from release_log import marker
from release_log.errors import ReleaseLogError
from release_log.layout import Layout
from uploader.doctor.finding import ok, unknown, warning
from uploader.history.neighbours import APART, has_inside, lies_inside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from uploader.doctor.ask import Ask
    from uploader.doctor.finding import Finding
    from uploader.doctor.release_log import LogSnapshot

FOLDERS = 100
"""In how many folders a release log is looked for, at most: the highest ones, with one request each."""

CHECK = "neighbours"


def check_neighbours(ask: Ask, log: LogSnapshot, layout: Layout) -> Finding:
    """Whether other sites share this one's keys. An upload waits for their cleaners too, if it can see them."""
    seen = []
    for prefix in layout.around:
        other = Layout(prefix)
        answer = ask("list_objects_v2", Prefix=other.log)
        if answer.code:
            return _hidden(f"{other.log} cannot be listed ({answer.why})", "s3:ListBucket", f"{other.log}*")
        files = {entry["Key"] for entry in answer.document.get("Contents", ())}
        if other.ledger in files:
            answer = ask("get_object", Key=other.ledger)
            if answer.code:
                return _hidden(f"{other.ledger} cannot be read ({answer.why})", "s3:GetObject", other.ledger)
        if files:
            seen.append(lies_inside(layout, prefix))
    seen += [has_inside(layout, folder, ()) for folder in _folders(ask, log, layout) if _has_log(ask, folder)]
    if seen:
        return warning(CHECK, "; ".join(seen).replace(f": {APART}", ""), APART)
    return ok(CHECK, "no other site lies around this one or, as far as was looked, inside it")


def _hidden(what: str, action: str, where: str) -> Finding:
    return unknown(CHECK, f"{what}: an upload does not see what a cleaner there deletes", f"allow {action} on {where}")


def _has_log(ask: Ask, folder: str) -> bool:
    return bool(ask("list_objects_v2", Prefix=Layout(folder).log, MaxKeys=1).document.get("Contents"))


def _folders(ask: Ask, log: LogSnapshot, layout: Layout) -> list[str]:
    """The folders at the top of the site, and those of the current releases; the highest ones first."""
    top = ask("list_objects_v2", Prefix=layout.prefix, Delimiter="/").document.get("CommonPrefixes", ())
    found = {each["Prefix"] for each in top} | layout.folders(_keys(log, layout))
    return sorted(found - {layout.log}, key=lambda folder: (folder.count("/"), folder))[:FOLDERS]


def _keys(log: LogSnapshot, layout: Layout) -> Iterator[str]:
    for body in log.bodies.values():
        try:
            yield from marker.decode(body, layout.prefix).keys
        except ReleaseLogError:
            continue
