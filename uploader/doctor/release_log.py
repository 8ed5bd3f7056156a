"""The release log: whether it can be read, whether it is valid, and whether the cleaner runs."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from release_log import ledger_fields as fields
from release_log import marker
from release_log.errors import LedgerError, NewerFormatError, NewerLedgerError, ReleaseLogError
from release_log.instants import format_instant
from release_log.ledger_file import READABLE, broken, unpack
from release_log.release_id import PLACED
from uploader.counted import counted
from uploader.doctor.finding import ok, problem, unknown, warning
from uploader.history.release import REMEDY, REMEDY_FOR_NEWER
from uploader.history.stops import PASSING, stops_of
from uploader.history.unseen import SOON, WAKE_IT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from release_log.layout import Layout
    from uploader.doctor.ask import Answer, Ask
    from uploader.doctor.finding import Finding

DAILY = timedelta(hours=26)
"""The cleaner runs daily, and then writes its ledger; two hours more for retries."""

MANY_RETIRED = 500_000
"""From so many retired assets on, a ledger that has all of them in one file has to make room for another format: with
some 1,600,000 it is full (`release_log.bounds.LEDGER_VALUES`)."""

READ = 50
"""How many files are checked, at most: the newest of the files that the cleaner has not seen."""

FILE_END = ".json"

NAMED = 20
"""How many keys that are passed over are named."""

WITHHELD = ("InvalidObjectState", "KMS")
"""How the codes begin by which S3 says that a file is archived, or that its KMS key cannot be used."""

UNREADABLE = unknown("release log", "it cannot be read", "see `list` and `read`")
SEE_RUNS = "see the cleaner's log, and the stack's queues FailedRuns and Undelivered"


@dataclass(frozen=True, slots=True)
class LogSnapshot:
    """The release log, as far as these credentials can read it.

    Attributes:
        now: The time by S3's clock.
        files: Key -> ``LastModified``, for every file.
        unlisted: Why the log cannot be listed; empty if it can.
        denied: Whether S3 denied the GET of a file that exists.
        ledger: The ledger's content; None if it does not exist, or cannot be read.
        broken: Why the ledger is not valid; None if it is, or was not read.
        bodies: Key -> body, for each release that was read.
        unread: Key -> S3's code, for each file that S3 does not give out, whoever asks: it is archived, for example.
    """

    now: datetime
    files: Mapping[str, datetime] = field(default_factory=dict)
    unlisted: str = ""
    denied: bool = False
    ledger: Mapping[str, Any] | None = None
    broken: LedgerError | None = None
    bodies: Mapping[str, bytes] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)


def read_log(ask: Ask, layout: Layout) -> LogSnapshot:
    """Read the list of files, the ledger, the current markers, and the newest files that no run has folded in."""
    files: dict[str, datetime] = {}
    more: dict[str, str] = {}
    while True:
        answer = ask("list_objects_v2", Prefix=layout.log, **more)
        now = _date(answer)
        if answer.code:
            return LogSnapshot(now, unlisted=answer.why)
        listed = ((entry["Key"], entry["LastModified"]) for entry in answer.document.get("Contents", ()))
        files |= {key: at for key, at in listed if not layout.stores(key)}
        if not answer.document.get("IsTruncated"):
            break
        more = {"ContinuationToken": answer.document["NextContinuationToken"]}
    ledger, broken, answers = None, None, {}
    if layout.ledger in files:
        answer = answers[layout.ledger] = ask("get_object", Key=layout.ledger)
        try:
            ledger = None if answer.code else _read_ledger(answer.document["Body"])
        except LedgerError as error:
            broken = error
    unfolded = sorted(_unfolded(files, layout, ledger), key=lambda key: files[key], reverse=True)
    current = {layout.marker_key(release_id) for release_id in (ledger or {}).get("current", {}).values()}
    releases = {key: ask("get_object", Key=key) for key in {*unfolded[:READ], *current & files.keys()}}
    answers |= releases
    return LogSnapshot(
        now,
        files,
        denied=any(each.denied for each in answers.values()),
        ledger=ledger,
        broken=broken,
        bodies={key: each.document["Body"] for key, each in releases.items() if not each.code},
        unread={key: each.code for key, each in answers.items() if each.code.startswith(WITHHELD)},
    )


def _read_ledger(body: bytes) -> Mapping[str, Any]:
    """The ledger's content; what is read of it has the right form."""
    document = unpack(body, READABLE)
    try:
        fields.text_mapping(document.get("current", {}))
        for name in ("folded", "retired", "last_run"):
            fields.mapping(document.get(name, {}))
    except TypeError as error:
        raise broken(error) from error
    return document


def check_list(ask: Ask, log: LogSnapshot, layout: Layout) -> Finding:
    """Whether these credentials may list the release log and the whole site."""
    why = log.unlisted or ask("list_objects_v2", Prefix=layout.prefix, MaxKeys=1).why
    where = layout.prefix or "the bucket"
    if why:
        return problem("list", f"{where} cannot be listed ({why})", "allow s3:ListBucket on the bucket")
    return ok("list", f"{where} can be listed")


def check_read(ask: Ask, log: LogSnapshot, layout: Layout) -> Finding:
    """Whether these credentials may read the release log, and an asset if one exists."""
    if log.unlisted:
        return unknown("read", "unknown, because the release log cannot be listed", "see `list`")
    after = f"{layout.log.removesuffix('/')}0"  # behind the release log: "0" comes after "/"
    assets = ask("list_objects_v2", Prefix=layout.prefix, StartAfter=after, MaxKeys=1).document.get("Contents", ())
    heads = [ask("head_object", Key=entry["Key"]) for entry in assets]
    if log.denied or any(head.denied for head in heads):
        where = layout.log if log.denied else layout.prefix or "the bucket"
        return problem("read", f"{where} cannot be read (access denied)", f"allow s3:GetObject on {layout.prefix}*")
    if log.ledger is None and log.broken is None and not log.bodies and not log.unread and not heads:
        return unknown("read", "nothing to read exists yet", "publish a release, then check again")
    return ok("read", f"{layout.prefix or 'the bucket'} can be read")


def check_files(log: LogSnapshot, layout: Layout) -> Finding:
    """Whether the files that were read are valid: a single invalid file stops all deletion."""
    if log.unlisted or log.denied:
        return UNREADABLE
    if log.unread:
        key = min(log.unread)
        return problem(
            "release log",
            f"{key} cannot be read ({log.unread[key]}): nothing is deleted while that is so",
            "bring it back from its archive, or make its KMS key usable again; docs/operate.md says more",
        )
    for key in sorted({*_unfolded(log.files, layout, None), *log.bodies}):
        try:
            layout.release_id(key)
            if key in log.bodies:
                marker.decode(log.bodies[key], layout.prefix)
        except NewerFormatError as error:
            return problem("release log", f"{key} is a newer uploader's ({error})", REMEDY_FOR_NEWER)
        except ReleaseLogError as error:
            remedy = "delete it, and pin that release again" if key.startswith(layout.pins) else REMEDY
            return problem(
                "release log", f"{key} is not valid ({error}): nothing is deleted until it is dealt with", remedy
            )
    files = counted(len(log.files), "file")
    return ok(
        "release log", f"{len(log.bodies):,} of its {files} had to be read, and nothing is wrong with what is in them"
    )


def check_pages(log: LogSnapshot, layout: Layout) -> Finding:
    """Whether the newest release of each channel is in place. The next one finishes an upload that was cut off."""
    if log.unlisted or log.denied:
        return replace(UNREADABLE, check="pages")
    newest: dict[str, tuple[datetime, str]] = {}
    for key, body in log.bodies.items():
        with suppress(ReleaseLogError):
            release = marker.decode(body, layout.prefix) if key.startswith(layout.markers) else None
            if release is not None:
                order = (log.files[key], layout.release_id(key) if release.places_pages else "")
                newest[release.channel] = max(newest.get(release.channel, order), order)
    waiting = [i for at, i in newest.values() if i and layout.placed_key(i) not in log.files and log.now - at > SOON]
    if waiting:
        remedy = f"activate {min(waiting)} again, or publish the next release"
        return problem("pages", f"{', '.join(sorted(waiting))}: not all of its pages are in place", remedy)
    return ok("pages", "each current release is in place")


def check_keys(log: LogSnapshot, odd: Sequence[str]) -> Finding:
    """Whether the bucket holds keys that no release can name; every command passes over them.

    Args:
        log: The release log.
        odd: Those that the port of the bucket found.
    """
    if log.unlisted:
        return replace(UNREADABLE, check="keys")
    # obstore reads a folder's marker as the folder's name; a file's name with a slash behind it is no such marker.
    found = sorted({*odd, *(key for key in log.files if key.endswith(f"{FILE_END}/"))})
    if not found:
        return ok("keys", "none is passed over")
    named = ", ".join(found[:NAMED]) + (f" and {len(found) - NAMED} more" if len(found) > NAMED else "")
    return warning("keys", f"{named}: passed over, as no release can name it", "delete it, if nobody needs it")


def check_cleaner(log: LogSnapshot, layout: Layout) -> Finding:  # noqa: PLR0911 (one a remedy)
    """Whether the cleaner runs, daily and soon after each marker."""
    if log.unlisted or log.denied or layout.ledger in log.unread:
        return replace(UNREADABLE, check="cleaner", remedy="see `list`, `read` and `release log`")
    written, deploy = log.files.get(layout.ledger), f"cdk deploy -c prefix={layout.prefix}"
    markers = {key: at for key, at in log.files.items() if key.startswith(layout.markers)}
    waiting = [key for key in _unfolded(markers, layout, log.ledger) if log.now - markers[key] > SOON]
    if written is None:
        if waiting:
            wait = counted(len(waiting), "release waits", "releases wait")
            return problem("cleaner", f"it has never run; {wait}", f"{WAKE_IT}; or deploy it: {deploy}")
        return unknown("cleaner", "it has not run yet", "publish a release, and check again in ten minutes")
    if isinstance(log.broken, NewerLedgerError):
        return problem("cleaner", f"its ledger cannot be read: {log.broken}", "update the uploader")
    if log.broken is not None:
        remedy = "the next run rebuilds it; if it is broken again after that, it is too large (docs/large-sites.md)"
        return warning("cleaner", str(log.broken), remedy)
    last = format_instant(written)
    if log.now - written > DAILY:
        return problem("cleaner", f"last seen {last}; it should run daily", f"{SEE_RUNS}; or {deploy}")
    if waiting:
        newest = max(waiting, key=lambda key: (markers[key], key))
        newest_one = f"{newest} of {format_instant(markers[newest])}"
        return problem(
            "cleaner",
            f"it has not seen {counted(len(waiting), 'release')}, the newest {newest_one}",
            f"{WAKE_IT}; if that does not help, {SEE_RUNS}",
        )
    stopped_by = stops_of((log.ledger or {}).get("last_run", {}))
    lasting = [stop for stop in stopped_by if str(stop.get("reason")) not in PASSING]
    if lasting:
        what = f"of channel {lasting[0]['channel']} nothing" if lasting[0].get("channel") else "nothing"
        found = f"on {last} it deleted {what}: {lasting[0].get('message', 'it does not say why')}"
        return warning("cleaner", found, "see `plan` for the present state")
    retired = len((log.ledger or {}).get("retired", ()))  # of a head, other files have them
    if retired >= MANY_RETIRED:
        found = f"its ledger of format 1 has {retired:,} retired assets; beyond 1,600,000 nothing is deleted"
        return warning("cleaner", found, "deploy with -c ledger_format=2 (docs/large-sites.md)")
    return ok("cleaner", f"last seen {last}")


def check_clock(log: LogSnapshot, now: datetime) -> Finding:
    """How far this machine's clock is from S3's: it decides nothing, but S3 refuses requests 15 minutes off."""
    off = round((now - log.now).total_seconds())
    offset = f"{abs(off)} s {'ahead of' if off > 0 else 'behind'} S3's" if off else "the same as S3's"
    if abs(off) <= timedelta(minutes=5).total_seconds():
        return ok("clock", offset)
    return warning("clock", offset, "set this machine's clock: S3 refuses requests that are 15 minutes off")


def _unfolded(files: Mapping[str, datetime], layout: Layout, ledger: Mapping[str, Any] | None) -> list[str]:
    """The keys of intents, staged releases and pins, and of the markers that no run has folded in."""
    folded = {layout.marker_key(each) for each in (ledger or {}).get("folded", {})}
    folders = (layout.pending, layout.staged, layout.pins, layout.markers)
    releases = (key for key in files if key.startswith(folders) and not key.endswith(("/", PLACED)))
    return [key for key in releases if key not in folded]


def _date(answer: Answer) -> datetime:
    header = answer.header("date")
    return parsedate_to_datetime(header) if header else datetime.now(UTC)
