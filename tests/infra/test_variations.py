"""How the variations without a snapshot differ from ``new``, which has one: all else in them is as it is there.

A logical id is part of the assertion: CloudFormation replaces a resource whose id changes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest.mock import ANY

import pytest

from tests.infra.template import listed, plain
from tests.infra.variations import SNAPSHOTS, VARIATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.infra.conftest import Synthesise


@dataclass(frozen=True)
class Difference:
    """How a template differs from ``new``.

    Attributes:
        replaced: Texts of ``new`` -> the texts that stand in their place throughout the variation.
        gone: Logical ids of resources and outputs that only ``new`` has.
        added: Logical ids that only the variation has.
        changes: Path -> value, None where there is none now. ``ANY`` is for values that another test asserts.
    """

    replaced: Mapping[str, str] = field(default_factory=dict)
    gone: str = ""
    added: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)


_CODE = "Cleaner3EE0A27A.Properties.Code.S3Key"
"""The bundle holds the sites."""

_BUCKET_POLICY = "BucketPolicyE9A3008A.Properties.PolicyDocument.Statement"
_CLEANERS_RIGHTS = "CleanerRoleDefaultPolicy843AB94A.Properties.PolicyDocument.Statement"
_UPLOADERS_RIGHTS = "UploaderPolicyF32D6CBE.Properties.PolicyDocument.Statement"
_RIGHTS_ON_A_SITE = (
    "ListSite",
    "ReadSite",
    "WriteLedger",
    "TagAssets",
    "DeleteFromSite",
    "KeepPins",
    "KeepLedger",
    "KeepReleaseLogUntagged",
)

DIFFERENCES = {
    "existing": Difference(
        replaced={
            "${Bucket.Arn}": "arn:${AWS::Partition}:s3:::my-bucket",
            "${Bucket}": "my-bucket",
            "AlarmAssetsBBBF59": "AlarmAssets3A60DF",
        },
        gone="""
            Bucket83908E77 BucketPolicyE9A3008A
            BrakePulledAlarmAssets3A60DF8554A4FB FailedKeysAlarmAssets3A60DF376752C3
            InvalidMarkersAlarmAssets3A60DF66532DB4 MissingAssetsAlarmAssets3A60DFBB72A286
            NoSuccessfulRunAlarmAssets3A60DF8983D8F6 PagesNotInPlaceAlarmAssets3A60DF03F6E51F
            AssetsSetAsideAlarmAssets3A60DF1276F15A WakeUpsNotSetAlarmAssets3A60DFB3F80D89
            """,
        added="""
            AdoptionLogEB105517 AdoptionRole497EB5C9 AdoptionRoleDefaultPolicyEF837E59
            BucketNotifications8F2E257D BucketNotificationsHandler050a0587b7544547bf325f094a3db8347ECC3691
            BucketLifecycleRules BucketStatements
            Alarmswebexampleorg644E12F7
            BrakePulledAlarmAssets3A60DF0DD5D2C9 FailedKeysAlarmAssets3A60DF0B6B8D3B
            InvalidMarkersAlarmAssets3A60DFE973FD32 MissingAssetsAlarmAssets3A60DFFA467511
            NoSuccessfulRunAlarmAssets3A60DF415BBD79 PagesNotInPlaceAlarmAssets3A60DF4663ED8C
            AssetsSetAsideAlarmAssets3A60DF121D6E57 WakeUpsNotSetAlarmAssets3A60DF0AAFB70F
            """,
        changes={_CODE: ANY, "Cleaner3EE0A27A.Properties.Environment.Variables.BUCKET": None},
    ),
    "whole-bucket": Difference(
        replaced={
            "/assets/": "/",
            '"assets/.releases': '".releases',
            "Cleans assets/": "Cleans the whole bucket",
            r"\"prefix\":\"assets/": r"\"prefix\":\"",
            r"\"site\":\"assets/": r"\"site\":\"",
            r"\"site\",\"assets/": r"\"site\",\"(whole bucket)",
            "AlarmAssetsBBBF59": "AlarmWholeBucket8DAA45",
            "AssetCleaner-": "AssetCleaner-blog-",
            "rule/AssetCleaner": "rule/AssetCleaner-blog",
        },
        gone="""
            BrakePulledAlarmWholeBucket8DAA458554A4FB FailedKeysAlarmWholeBucket8DAA45376752C3
            InvalidMarkersAlarmWholeBucket8DAA4566532DB4 MissingAssetsAlarmWholeBucket8DAA45BB72A286
            NoSuccessfulRunAlarmWholeBucket8DAA458983D8F6 PagesNotInPlaceAlarmWholeBucket8DAA4503F6E51F
            AssetsSetAsideAlarmWholeBucket8DAA451276F15A WakeUpsNotSetAlarmWholeBucket8DAA45B3F80D89
            """,
        added="""
            BrakePulledAlarmWholeBucket8DAA45354EAF5E FailedKeysAlarmWholeBucket8DAA45680E9D65
            InvalidMarkersAlarmWholeBucket8DAA45F2E0E361 MissingAssetsAlarmWholeBucket8DAA45EA101925
            NoSuccessfulRunAlarmWholeBucket8DAA4526E51D63 PagesNotInPlaceAlarmWholeBucket8DAA454BDB8FB4
            AssetsSetAsideAlarmWholeBucket8DAA4511962B5F WakeUpsNotSetAlarmWholeBucket8DAA45757BDB6C
            CachePolicy26D8A535 Distribution830FAC52 OriginAccessControlDC2011A2 ReleaseLogGuard47D00757
            ResponseHeaders84BC52D6 DistributionDomainName DistributionId
            """,
        changes={
            _CODE: ANY,
            f"{_CLEANERS_RIGHTS}.ListSite.Condition": None,
            f"{_CLEANERS_RIGHTS}.ReadSite.Resource": "${Bucket.Arn}/*",
            f"{_UPLOADERS_RIGHTS}.ListSite.Condition": None,
            f"{_UPLOADERS_RIGHTS}.ReadLedgersAround": None,
            f"{_BUCKET_POLICY}.WriteOnce8ef7d721": None,
            f"{_BUCKET_POLICY}.WriteOncee3b0c442": ANY,
            f"{_BUCKET_POLICY}.CloudFrontGetsAssets": ANY,
            f"{_BUCKET_POLICY}.CloudFrontGetsNoReleaseLog": ANY,
        },
    ),
    "sites": Difference(
        added="""
            MarkerRulefb66957aB91EA3C0
            DailyRuleadfd12a956B42A18
            DailyRulefb66957aED99CB46
            UploaderPolicyadfd12a9EC7D84F8 UploaderPolicyfb66957a7AD53A92
            UploaderPolicyArnadfd12a9 UploaderPolicyArnfb66957a
            AdoptionLogEB105517 AdoptionRole497EB5C9 AdoptionRoleDefaultPolicyEF837E59
            BucketblogassetsNotifications145E5DA2
            BucketNotificationsHandler050a0587b7544547bf325f094a3db8347ECC3691
            BucketLifecycleRules2 BucketStatements2 CloudFrontBucketStatements2 CloudFrontToSet
            OidcProvider OidcProviderArn UploaderRoleDB02C75E UploaderRoleArn
            BrakePulledAlarmShop9C005AB43DEBDE BrakePulledAlarmAssetsFB6695FCBFBB25
            FailedKeysAlarmShop9C005A8EB39434 FailedKeysAlarmAssetsFB669514B1C5E3
            InvalidMarkersAlarmShop9C005AFACFF5D9 InvalidMarkersAlarmAssetsFB6695F513CBDC
            MissingAssetsAlarmShop9C005A6DD8E6CE MissingAssetsAlarmAssetsFB66955E8371F2
            NoSuccessfulRunAlarmShop9C005A0990EEF8 NoSuccessfulRunAlarmAssetsFB669518CA3A2B
            AssetsSetAsideAlarmAssetsFB66951F345EA6 AssetsSetAsideAlarmShop9C005A30741083
            PagesNotInPlaceAlarmAssetsFB6695BFA01CB8 PagesNotInPlaceAlarmShop9C005A9A16CAA1
            WakeUpsNotSetAlarmAssetsFB66950D80325F WakeUpsNotSetAlarmShop9C005AD2529C81
            """,
        changes={
            _CODE: ANY,
            "Cleaner3EE0A27A.Properties.Description": "Cleans 3 sites",
            'MarkerRuleF526369C.Properties.EventPattern.detail.object.key.{"prefix": "shop/.releases/markers/"}': ANY,
            "Dashboard9E4231ED.Properties.DashboardBody": ANY,
            f"{_BUCKET_POLICY}.WriteOncec4d120e6": ANY,
            f"{_BUCKET_POLICY}.CloudFrontGetsAssets": ANY,
            f"{_BUCKET_POLICY}.CloudFrontGetsNoReleaseLog": ANY,
            **{f"{_CLEANERS_RIGHTS}.{right}{site}": ANY for right in _RIGHTS_ON_A_SITE for site in (2, 3)},
        },
    ),
}


def parts(template: Mapping[str, Any], replaced: Mapping[str, str]) -> dict[str, Any]:
    """Logical id -> resource or output, with references written out as text."""
    every = {name: plain(part) for section in ("Resources", "Outputs") for name, part in template[section].items()}
    text = json.dumps(every)
    for old, new in replaced.items():
        text = text.replace(old, new)
    return dict(json.loads(text))


def changes(path: str, old: object, new: object) -> dict[str, Any]:
    """Path -> new value, for all that differs between two parts of templates."""
    if isinstance(old, list) and isinstance(new, list) and all(isinstance(each, dict) for each in [*old, *new]):
        old, new = ({label(each): each for each in some} for some in (old, new))
    if isinstance(old, dict) and isinstance(new, dict):
        inner = (changes(f"{path}.{key}", old.get(key), new.get(key)) for key in old | new)
        return {place: value for some in inner for place, value in some.items()}
    return {} if old == new else {path: new}


def label(element: Mapping[str, Any]) -> str:
    """A name for one of a list's statements, targets or tags."""
    return str(element.get("Sid") or element.get("Id") or ",".join(listed(element.get("Action", json.dumps(element)))))


def without_sid(value: object) -> object:
    """A statement without its name, which is in its path."""
    return {key: inner for key, inner in value.items() if key != "Sid"} if isinstance(value, dict) else value


def test_each_variation_has_a_snapshot_or_its_differences() -> None:
    assert sorted([*SNAPSHOTS, *DIFFERENCES]) == sorted(VARIATIONS)


@pytest.mark.parametrize("name", DIFFERENCES)
def test_a_variation_differs_from_the_new_bucket_by_this_and_nothing_else(name: str, synthesise: Synthesise) -> None:
    expected = DIFFERENCES[name]
    new = parts(synthesise(**VARIATIONS["new"]).to_json(), expected.replaced)
    other = parts(synthesise(**VARIATIONS[name]).to_json(), {})
    assert sorted(new.keys() - other.keys()) == sorted(expected.gone.split())
    assert sorted(other.keys() - new.keys()) == sorted(expected.added.split())
    found: dict[str, Any] = {}
    for part in new.keys() & other.keys():
        found |= changes(part, new[part], other[part])
    assert {place: without_sid(value) for place, value in found.items()} == expected.changes
