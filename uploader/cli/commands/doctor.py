"""``doctor``: what is wrong with an installation, as far as these credentials can see, and what to do about it."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from release_log.layout import Layout
from uploader.cli import options as shared
from uploader.cli.command import command
from uploader.cli.console import answer, table
from uploader.cli.logs import log_to_stderr
from uploader.errors import EXIT_DONE, EXIT_FAILED, EXIT_STATUS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from uploader.doctor.finding import Finding


@command(epilog=f"{EXIT_STATUS} 1 also if there is a problem; warnings, and what is unknown, are none.")
@shared.takes(*shared.SITE, shared.FUNCTION, shared.JSON, *shared.WAY, *shared.LOGS)
def doctor(**options: Any) -> int:  # noqa: ANN401 (click's own names and types, as declared above)
    """Look for what is wrong with the bucket, the cleaner and these credentials; change nothing.

    It needs no more rights than the build job has: what they do not show is `unknown`. What may be written and deleted
    is tried by requests that S3 must refuse.

    \b
    Examples:
      python -m uploader doctor --bucket my-assets
      python -m uploader doctor --bucket my-assets --function AssetCleaner-Cleaner-1A2B3C --json
    """
    log_to_stderr(options)
    findings = list(_findings(options))
    counts = Counter(each.state.value for each in findings)
    document = {
        "bucket": options["bucket"],
        "prefix": options["prefix"],
        "findings": [asdict(each) for each in findings],
        "counts": {state: counts[state] for state in ("problem", "warning", "unknown", "ok")},
    }
    answer(options, document, _text(findings, document["counts"]), done="nothing was changed")
    return EXIT_FAILED if counts["problem"] else EXIT_DONE


def _findings(options: dict[str, Any]) -> Iterator[Finding]:
    """All checks, in the order in which one explains the next."""
    access = shared.find_access(options)
    from uploader.doctor import bucket_settings, cleaner_function, release_log, rights  # noqa: PLC0415 (no AWS library for a typo)
    from uploader.doctor.ask import ask_lambda, ask_s3  # noqa: PLC0415
    from uploader.doctor.finding import State  # noqa: PLC0415

    ask, layout, bucket = ask_s3(access), Layout(options["prefix"]), options["bucket"]
    first = bucket_settings.check_bucket(ask, bucket, access.region)
    yield first
    if first.state is State.PROBLEM:
        return
    seen = release_log.read_log(ask, layout)
    yield release_log.check_list(ask, seen, layout)
    yield release_log.check_read(ask, seen, layout)
    yield from rights.check_rights(ask, layout, ledger=seen.ledger is not None)
    yield bucket_settings.check_event_bridge(ask, bucket, layout.prefix)
    yield bucket_settings.check_versioning(ask, layout.prefix)
    yield bucket_settings.check_lifecycle(ask, layout.prefix)
    yield release_log.check_files(seen, layout)
    yield release_log.check_cleaner(seen, layout)
    named = options["function"]
    yield cleaner_function.check_function(ask_lambda(access, named) if named else None, bucket, layout.prefix)
    yield release_log.check_clock(seen, datetime.now(UTC))


def _text(findings: Sequence[Finding], counts: dict[str, int]) -> str:
    rows = [(each.check, each.state.value, each.finding, each.remedy) for each in findings]
    summary = ", ".join(f"{state}: {number}" for state, number in counts.items())
    return f"{table(('check', 'state', 'finding', 'remedy'), rows)}\n\n{summary}"
