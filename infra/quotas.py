"""AWS's quotas that many sites could exceed, checked on the whole template before anything is deployed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from asset_cleaner_cdk.settings.errors import ContextError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

WITHOUT_THE_CDKS_LIMIT = {"@aws-cdk/core:stackResourceLimit": 0}
"""The CDK's context, so that this module says what is too many: the CDK would end with a traceback."""

LONGEST_NAME = 20 + 63
"""Characters of a name that is not known yet: a bucket's ARN is the longest."""


class Quota(NamedTuple):
    """One quota.

    Attributes:
        what: What there is so much of.
        most: How much AWS accepts.
    """

    what: str
    most: int


RESOURCES = Quota("resources in the stack", 500)
OUTPUTS = Quota("outputs of the stack", 200)
TEMPLATE = Quota("bytes of the stack's template", 1_000_000)
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""

RULES = Quota("EventBridge rules on the default bus", 300)
EVENT_PATTERN = Quota("characters of an event pattern", 2_048)
"""https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html"""

QUEUE_STATEMENTS = Quota("statements of a queue's policy", 20)
QUEUE_POLICY = Quota("bytes of a queue's policy", 8_192)
"""https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html"""

FUNCTION_POLICY = Quota("bytes of the function's resource policy", 20_480)
ENVIRONMENT = Quota("bytes of the function's environment", 4_096)
"""https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

BUCKET_POLICY = Quota("bytes of the bucket's policy", 20_480)
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html"""

INLINE = Quota("characters of a role's own policies", 10_240)
MANAGED = Quota("characters of a managed policy", 6_144)
ATTACHED = Quota("managed policies of a role", 10)
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

WIDGETS = Quota("widgets of the dashboard", 500)
METRICS = Quota("metrics of the dashboard", 2_500)
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html"""

BEHAVIOURS = Quota("cache behaviours of the distribution", 75)
"""https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html"""


def check_quotas(template: Mapping[str, Any], sites: int) -> None:
    """Check a template against every quota here that grows with the sites.

    Args:
        template: The template as synthesised.
        sites: How many sites it has.

    Raises:
        ContextError: AWS would refuse it, in the middle of a deploy.
    """
    for quota, number in _numbers(template):
        if number > quota.most:
            msg = (
                f"context sites: {sites} sites make {number:,} {quota.what}, and AWS accepts {quota.most:,}; move some "
                "to a second installation (-c name=...), or let a pattern such as previews/*/ stand for many"
            )
            raise ContextError(msg)


def _numbers(template: Mapping[str, Any]) -> Iterator[tuple[Quota, int]]:
    resources = _rendered(template["Resources"])
    yield RESOURCES, len(resources)
    yield OUTPUTS, len(template.get("Outputs", ()))
    yield TEMPLATE, len(json.dumps(template).encode())
    rules = list(_of("AWS::Events::Rule", resources))
    yield RULES, len(rules)
    yield from ((EVENT_PATTERN, _size(each["EventPattern"])) for each in rules if "EventPattern" in each)
    for each in _of("AWS::SQS::QueuePolicy", resources):
        yield QUEUE_STATEMENTS, len(each["PolicyDocument"]["Statement"])
        yield QUEUE_POLICY, _size(each["PolicyDocument"])
    yield FUNCTION_POLICY, sum(map(_size, _of("AWS::Lambda::Permission", resources)))
    for each in _of("AWS::Lambda::Function", resources):
        yield ENVIRONMENT, _size(each.get("Environment", {}))
    yield from ((BUCKET_POLICY, _size(each["PolicyDocument"])) for each in _of("AWS::S3::BucketPolicy", resources))
    yield from _of_roles(template["Resources"])
    for each in _of("AWS::CloudWatch::Dashboard", resources):
        widgets = json.loads(each["DashboardBody"])["widgets"]
        yield WIDGETS, len(widgets)
        yield METRICS, sum(len(widget["properties"].get("metrics", ())) for widget in widgets)
    for each in _of("AWS::CloudFront::Distribution", resources):
        yield BEHAVIOURS, 1 + len(each["DistributionConfig"].get("CacheBehaviors", ()))


def _of_roles(resources: Mapping[str, Any]) -> Iterator[tuple[Quota, int]]:
    """IAM does not count white space: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html."""
    inline, managed = list(_of("AWS::IAM::Policy", resources)), list(_of("AWS::IAM::ManagedPolicy", resources))
    yield from ((MANAGED, _size(_rendered(each["PolicyDocument"]))) for each in managed)
    for name, role in resources.items():
        if role["Type"] == "AWS::IAM::Role":
            me = {"Ref": name}
            yield INLINE, sum(_size(_rendered(each["PolicyDocument"])) for each in inline if me in each["Roles"])
            named = role["Properties"].get("ManagedPolicyArns", ())
            yield ATTACHED, len(named) + sum(me in each.get("Roles", ()) for each in managed)


def _of(kind: str, resources: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """The properties of all resources of a type."""
    return (each["Properties"] for each in resources.values() if each["Type"] == kind)


def _size(document: object) -> int:
    return len(json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode())


def _rendered(value: Any) -> Any:  # noqa: ANN401 (any part of a template)
    """A part of a template as AWS gets it, with the longest names in place of references."""
    match value:
        case {"Fn::Join": [str(separator), list(parts)]}:
            return separator.join(str(_rendered(part)) for part in parts)
        case dict() if len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::")):
            return "x" * LONGEST_NAME
        case dict():
            return {key: _rendered(inner) for key, inner in value.items()}
        case list():
            return [_rendered(inner) for inner in value]
    return value
