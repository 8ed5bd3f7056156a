"""The Lambda's entry: reads the event, runs the cleaner, sets the next wake-up, and reports."""

from __future__ import annotations

import os
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from botocore.config import Config

from cleaner_lambda.afterwards import send_event, set_wake_up, start_map_run
from cleaner_lambda.answer import cut, log_lines, summary
from cleaner_lambda.cursor import Kind
from cleaner_lambda.errors import RequestError, UnknownSiteError
from cleaner_lambda.job import Job
from cleaner_lambda.map_run import list_range
from cleaner_lambda.metrics import count, count_apart, measure, publish
from cleaner_lambda.pace import Pace, within
from cleaner_lambda.plan import Reason
from cleaner_lambda.quick_listing import read_listings_quickly
from cleaner_lambda.read_only import ReadOnly
from cleaner_lambda.report import ROUTINE
from cleaner_lambda.request import parse
from cleaner_lambda.run import clean
from cleaner_lambda.s3 import S3Store
from cleaner_lambda.sites import find_site, inside, sites_from
from cleaner_lambda.so_far import BrokenOffError
from cleaner_lambda.sweep import AGAIN_PER_MINUTE, Turn, find_sites, has_log, sweep
from cleaner_lambda.tag_workers import read_group
from cleaner_lambda.wake_up import NotSetError
from release_log.environment import Variable
from release_log.ledger_file import FORMAT
from release_log.metrics import NAMESPACE, SERVICE, Metric
from release_log.policy_settings import policy_from, values_of
from release_log.redirects import end_redirects
from release_log.whole_answers import require_whole_answers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_s3 import S3Client

    from cleaner_lambda.report import Report
    from cleaner_lambda.request import MapTask, Request
    from cleaner_lambda.sites import Site
    from cleaner_lambda.totals import Totals

THREADS = 32
"""How many requests for tags run at once."""

logger = Logger(service=SERVICE)
metrics = Metrics(namespace=NAMESPACE, service=SERVICE)


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Clean one site, or report what a real run would do.

    Args:
        event: S3's ``Object Created`` of a marker, or a payload: ``dry_run``, ``site``, ``full``, ``force``,
            ``adopt``, and with ``dry_run`` any policy setting.
        context: Lambda's context.

    Returns:
        The answer; see `cleaner_lambda.report.Report.document`. Only ``passed_over``, with the reason, if an event or a
        wake-up is about a site that is not configured; only ``sites``, if it was asked for them. For a pattern, how
        many ``sites`` had a run, which ``failed``, and whether it goes on ``after`` one. For a range of a map run, how
        many ``orphans`` it has, and how many ranges are ``left`` of it; for a group of a rebuild, how many ``tags``
        were read.

    Raises:
        RequestError: The event or payload is wrong; nothing was read or written.
        CleanerError: The run could not be finished; it can be repeated.
    """
    try:
        return _handle(event, context)
    finally:
        publish(metrics)


def _handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    request = None
    try:
        request = parse(event)
        sites = sites_from(os.environ)
        if request.list_sites:
            return {"sites": [{"bucket": each.bucket, "prefix": each.prefix} for each in sites]}
        site = find_site(sites, request.site, request.bucket)
        request.check_for(site)
    except RequestError as error:
        if isinstance(error, UnknownSiteError) and request is not None and request.is_hint:
            # It was on its way when the site left the configuration. There is nothing to repeat.
            logger.warning("passed over: %s", error)
            return {"passed_over": str(error)}
        logger.error("refused: %s", error)  # noqa: TRY400 (the caller made the mistake; a traceback would not help)
        count(metrics, {Metric.REFUSED: 1})
        raise
    if request.map_task is not None and request.map_task.number is not None:
        return _work(site, request, context, request.map_task, inside(sites, site))
    return (_sweep if site.is_pattern else _run)(site, request, context, sites)


def _sweep(pattern: Site, request: Request, context: LambdaContext, sites: Sequence[Site]) -> dict[str, Any]:
    """Run all sites of a pattern, for which there is time; let the others follow."""
    least = context.get_remaining_time_in_millis() / 3  # for the last site, and for what may be in its way

    def run(site: Site) -> None:
        _run(site, request, context, sites)
        publish(metrics)  # Powertools holds a hundred values of a metric

    turn = Turn.read(request.after, datetime.now(UTC))
    found = find_sites(_s3(), pattern, sites, turn)
    swept = sweep(found, partial(has_log, _s3()), run, lambda: context.get_remaining_time_in_millis() > least)
    logger.append_keys(site=pattern.prefix, bucket=pattern.bucket)
    now = datetime.now(UTC)
    for number, (site, error) in enumerate(swept.failed):
        logger.error("%r failed, and gets a run of its own: %s", site.prefix, error)
        set_wake_up(site, now + timedelta(minutes=number // AGAIN_PER_MINUTE), context)
    failed = {site.prefix: error for site, error in swept.failed}
    after = None if swept.rest is None else turn._replace(after=swept.rest).text
    answer = {"site": pattern.prefix, "sites": swept.sites, "failed": failed, "after": after}
    logger.info("swept", extra={"report": {**answer, "failed": len(failed)}})
    if after is None:
        count(metrics, {Metric.SWEEPS: 1}, pattern)
    elif why := set_wake_up(pattern, now, context, after=after, full=request.full):
        raise NotSetError(why)  # Lambda repeats this run, as the other sites' next one is the daily run's
    return answer


def _work(
    site: Site, request: Request, context: LambdaContext, task: MapTask, inner: tuple[str, ...]
) -> dict[str, Any]:
    """Be a worker of a map run."""
    logger.append_keys(site=site.prefix, bucket=site.bucket)
    job = _job(site, request, context.aws_request_id, inner)
    with _pace(context) as pace:
        told = (_read_group if task.kind is Kind.GROUP else _list_range)(_store(site), job, task, pace)
    passed_over = {"passed_over": f"the ledger does not wait for this {task.kind}"}
    answer = {"site": site.prefix, task.kind.value: task.number, **(told or passed_over)}
    logger.info("worked", extra={"report": answer})
    return answer


def _list_range(store: S3Store, job: Job, task: MapTask, pace: Pace) -> dict[str, Any] | None:
    found = list_range(store, job, task, pace)
    return None if found is None else {"orphans": len(found.strays) + found.others, "left": len(found.left)}


def _read_group(store: S3Store, job: Job, task: MapTask, pace: Pace) -> dict[str, Any] | None:
    found = read_group(store, job, task, pace)
    return None if found is None else {"tags": len(found)}


def _run(site: Site, request: Request, context: LambdaContext, sites: Sequence[Site]) -> dict[str, Any]:
    logger.append_keys(site=site.prefix, bucket=site.bucket, dry_run=request.dry_run)
    # Lambda may deliver one event twice, with the same request id. Each run needs an announcement of its own.
    run = f"{context.aws_request_id}-{secrets.token_hex(4)}"
    begun = time.monotonic()
    failure = None
    try:
        report = _clean(site, request, context, run, inside(sites, site))
    except BrokenOffError as error:
        # What it did is recorded before the run fails, and Lambda repeats it.
        report, failure = error.report, error
    seconds = time.monotonic() - begun
    document = report.document()
    _log(document, report.before)
    if report.dry_run:
        count(metrics, {Metric.DRY_RUNS: 1})
    else:
        # The run is recorded before anything that may fail: its deletions are done.
        count(metrics, measure(report, seconds, by_marker=request.by_marker), site)
        document["wake_up_error"] = set_wake_up(site, report.next_due, context)
        if any(stop.reason is Reason.MAP_RUN for stop in report.plan.stops):
            count_apart({Metric.MAP_RUNS_FAILED: 1})
        if failure is None and report.map_run is not None:
            start_map_run(site, report.map_run)
        send_event(report, site, run)
    if failure is not None:
        raise failure
    return cut(document)


def _clean(site: Site, request: Request, context: LambdaContext, run: str, inner: tuple[str, ...]) -> Report:
    store, job = _store(site), _job(site, request, run, inner)
    flags = {"full": job.full, "force": job.force, "adopt": job.adopt}
    asked = {"run": job.run, **flags, "policy": values_of(job.policy)}
    logger.info("begins", extra=asked)
    with _pace(context) as pace:
        return clean(ReadOnly(store) if request.dry_run else store, job, pace, _tell)


def _store(site: Site) -> S3Store:
    return S3Store(_s3(), site.bucket, _s3_once())


def _job(site: Site, request: Request, run: str, inner: tuple[str, ...]) -> Job:
    return Job(
        prefix=site.prefix,
        policy=policy_from(request.settings, site.policy),
        run=run,
        dry_run=request.dry_run,
        full=request.full,
        force=request.force,
        adopt=request.adopt,
        inner=inner,
        ledger_format=int(os.environ.get(Variable.LEDGER_FORMAT, FORMAT)),
        distributed=bool(os.environ.get(Variable.STATE_MACHINE_ARN)) and not request.dry_run,
        map_run_over=None if request.map_task is None else request.map_task.at,
    )


@contextmanager
def _pace(context: LambdaContext) -> Iterator[Pace]:
    with ThreadPoolExecutor(THREADS) as threads:
        yield Pace(threads.map, within(context.get_remaining_time_in_millis), clock=time.monotonic)


def _tell(line: Mapping[str, Any]) -> None:
    logger.info("plan", extra=dict(line))


def _log(document: dict[str, Any], before: Totals) -> None:
    for line in log_lines(document, before=before):
        _tell(line)
    for stop in document["stopped_by"]:
        log = logger.info if stop["reason"] in ROUTINE else logger.error
        log(stop["message"], extra={"reason": stop["reason"]})
    for failure in document["failed"]:
        logger.error("failed: %s", failure["error"], extra={"key": failure["key"]})
    for each in document["set_aside"]:
        logger.error("set aside: %s", each["message"], extra={"key": each["key"], "reason": each["reason"]})
    if document["missing"]:
        missing = len(document["missing"])
        logger.error("%s: %d assets of current releases are not in the bucket", Metric.MISSING_ASSETS, missing)
    logger.info("done", extra={"report": summary(document)})


@cache
def _s3() -> S3Client:
    return _open_s3(6)


@cache
def _s3_once() -> S3Client:
    return _open_s3(1)


def _open_s3(attempts: int) -> S3Client:
    config = Config(max_pool_connections=THREADS, retries={"mode": "standard", "total_max_attempts": attempts})
    return read_listings_quickly(require_whole_answers(end_redirects(boto3.client("s3", config=config))))
