"""The bucket's settings: region, EventBridge, versioning and lifecycle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from release_log.layout import Layout
from uploader.doctor.finding import ok, problem, unknown, warning
from uploader.treatment.rule_values import ARCHIVES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from uploader.doctor.ask import Answer, Ask
    from uploader.doctor.finding import Finding


def check_bucket(ask: Ask, bucket: str, region: str) -> Finding:
    """Whether the bucket exists, and is in this region.

    S3 also names the region to a caller who has no permission for the bucket:
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
    """
    answer = ask("head_bucket")
    if answer.code in {"404", "NoSuchBucket"}:
        return problem("bucket", f"{bucket} does not exist", "check --bucket, or create it with `cdk deploy`")
    found = answer.header("x-amz-bucket-region")
    if found and found != region:
        return problem("bucket", f"{bucket} is in {found}, not in {region}", f"name its region: --region {found}")
    if found or not answer.code:
        return ok("bucket", f"{bucket} is in {found or region}")
    return unknown("bucket", f"S3 does not name its region ({answer.why})", "allow s3:ListBucket on the bucket")


def check_event_bridge(ask: Ask, bucket: str, prefix: str) -> Finding:
    """Whether S3 notifies EventBridge of new markers. If not, only the timer starts the cleaner."""
    answer = ask("get_bucket_notification_configuration")
    if answer.code:
        return _not_readable("EventBridge", answer, "s3:GetBucketNotification")
    if "EventBridgeConfiguration" in answer.document:
        return ok("EventBridge", "the bucket's notifications go to EventBridge")
    return problem(
        "EventBridge",
        "the bucket sends no notifications to EventBridge: a new release does not wake the cleaner",
        f"deploy again: cdk deploy -c bucket={bucket} -c prefix={prefix}",
    )


def check_versioning(ask: Ask, prefix: str) -> Finding:
    """Whether a deletion can be undone, for a limited time."""
    answer = ask("get_bucket_versioning")
    if answer.code:
        return _not_readable("versioning", answer, "s3:GetBucketVersioning")
    if answer.document.get("Status") != "Enabled":
        return warning(
            "versioning",
            "off: deleted and replaced objects cannot be restored",
            "turn on versioning, with a lifecycle rule for noncurrent versions",
        )
    answer = ask("get_bucket_lifecycle_configuration")
    if answer.code and answer.code != "NoSuchLifecycleConfiguration":
        return _not_readable("versioning", answer, "s3:GetLifecycleConfiguration")
    rules = [rule for rule in _rules(answer) if _overlap(_prefix_of(rule), prefix)]
    if not any(_expires(rule) for rule in rules if _selects_all(rule, prefix)):
        some = "some " if any(map(_expires, rules)) else ""
        return warning(
            "versioning",
            f"on, but {some}noncurrent versions are kept, and paid for, for ever",
            "add a lifecycle rule with NoncurrentVersionExpiration and ExpiredObjectDeleteMarker",
        )
    days = min(day for rule in rules if _selects_all(rule, prefix) for day in _undone_for(rule))
    fewest = min(day for rule in rules for day in _undone_for(rule))
    but = f", of some objects for {fewest}" if fewest < days else ""
    return ok("versioning", f"on: a deletion can be undone for {days} days{but}")


def _expires(rule: Mapping[str, Any]) -> bool:
    """Whether a rule deletes noncurrent versions by their age; it may have their number alone, and keep so many."""
    return "NoncurrentDays" in rule.get("NoncurrentVersionExpiration", {})


def _undone_for(rule: Mapping[str, Any]) -> Iterator[int]:
    """After how many days a rule takes away a noncurrent version: it deletes it, or moves it to an archive."""
    archives = (move for move in rule.get("NoncurrentVersionTransitions", ()) if move.get("StorageClass") in ARCHIVES)
    for each in (rule.get("NoncurrentVersionExpiration", {}), *archives):
        if "NoncurrentDays" in each:
            yield each["NoncurrentDays"]


def _selects_all(rule: Mapping[str, Any], prefix: str) -> bool:
    """Whether a rule is for each object of the site."""
    return prefix.startswith(_prefix_of(rule)) and not _is_narrow(rule)


def _overlap(one: str, other: str) -> bool:
    """Whether a key can have both prefixes."""
    return one.startswith(other) or other.startswith(one)


def check_lifecycle(ask: Ask, prefix: str) -> Finding:
    """Whether a rule deletes current assets, or archives the release log; and whether one ends interrupted uploads."""
    answer = ask("get_bucket_lifecycle_configuration")
    if answer.code and answer.code != "NoSuchLifecycleConfiguration":
        return _not_readable("lifecycle", answer, "s3:GetLifecycleConfiguration")
    archived = narrow = None
    rules = list(_rules(answer))
    for rule in rules:
        named = _prefix_of(rule)
        archived = archived or _archives_log(rule, named, Layout(prefix).log)
        by_age = rule.get("Expiration", {}).keys() & {"Days", "Date"}
        if not by_age or not _overlap(named, prefix):
            continue
        name, whose = rule.get("ID", "without an ID"), prefix or "the bucket"
        if _is_narrow(rule):
            narrow = warning(
                "lifecycle",
                f"rule {name!r} expires some objects by their age, maybe current assets too",
                f"check that it selects no current asset under {whose}",
            )
            continue  # a later rule may be a problem
        return problem(
            "lifecycle",
            f"rule {name!r} expires objects by their age, current assets too",
            f"limit that rule to another prefix: under {whose} only the cleaner decides what is deleted",
        )
    found = narrow or archived
    if found is None and not any(
        "AbortIncompleteMultipartUpload" in each for each in rules if _selects_all(each, prefix)
    ):
        # An upload that is killed leaves the parts of large files, which no listing shows.
        found = warning(
            "lifecycle",
            "no rule removes the parts of interrupted uploads: nobody sees them, and they are paid for, for ever",
            f"add a lifecycle rule with AbortIncompleteMultipartUpload for {prefix or 'the bucket'}",
        )
    return found or ok("lifecycle", "no rule expires current assets, or archives the release log")


def _archives_log(rule: Mapping[str, Any], named: str, log: str) -> Finding | None:
    """A warning if a rule moves files of the release log where neither cleaner nor uploader can read them."""
    moves = [*rule.get("Transitions", ()), *([rule["Transition"]] if "Transition" in rule else ())]
    classes = {str(move.get("StorageClass")) for move in moves} & {*ARCHIVES}
    if not classes or not _overlap(named, log):
        return None
    return warning(
        "lifecycle",
        f"rule {rule.get('ID', 'without an ID')!r} archives the release log ({', '.join(sorted(classes))}), "
        "and the cleaner cannot read an archived file: it would delete nothing any more",
        f"limit that rule to prefixes outside {log}",
    )


def _rules(answer: Answer) -> Iterator[Mapping[str, Any]]:
    return (rule for rule in answer.document.get("Rules", ()) if rule.get("Status") == "Enabled")


def _prefix_of(rule: Mapping[str, Any]) -> str:
    """The prefix of a rule, in any of the three forms that S3 has had for it."""
    condition = rule.get("Filter", {})
    return str(condition.get("Prefix", condition.get("And", {}).get("Prefix", rule.get("Prefix", ""))))


def _is_narrow(rule: Mapping[str, Any]) -> bool:
    """Whether the rule selects only some objects of its prefix, by their tags or size."""
    condition = rule.get("Filter", {})
    return bool((condition.keys() | condition.get("And", {}).keys()) - {"Prefix", "And"})


def _not_readable(check: str, answer: Answer, action: str) -> Finding:
    return unknown(check, f"cannot be read ({answer.why})", f"ask somebody who has {action} on the bucket")
