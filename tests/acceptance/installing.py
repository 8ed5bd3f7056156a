"""Steps: installations of each kind, their end, and their return."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from asset_cleaner_cdk.alarms import ALARMS, Subject
from tests.acceptance.steps import Step, expect
from tests.acceptance.template import count, synthesised, texts
from tests.acceptance.world import TAG

if TYPE_CHECKING:
    from tests.acceptance.world import Installed, World

BEGUN, NEW, KMS, CDN, SECOND = "installations begun", "new installation", "KMS key", "distribution", "second Region"
AGAIN = "deployed again"
SITES = (5, 12)


def policy(world: World) -> dict[str, object]:
    """The policy of the installation that cleans: seconds in place of hours, more of them where wake-ups are real."""
    ttls = {"version_ttl": 1, "removed_ttl": 2} if world.embedded else {"version_ttl": 60, "removed_ttl": 420}
    return {"grace": 0, "version_limit": 0, **ttls}


def tells_events(installed: Installed, bucket: str) -> dict[str, Any]:
    """The bucket's notifications, which have to go to EventBridge too."""
    found = installed.place.client("s3").get_bucket_notification_configuration(Bucket=bucket)
    expect("EventBridgeConfiguration" in found, f"the bucket's events do not go to EventBridge: {found}")
    return dict(found)


def begin_new(world: World) -> None:
    world.begin("new", policy(world))


def install_new(world: World) -> str:
    installed = world.installation("new")
    tells_events(installed, installed.outputs["BucketName"])
    function = installed.function()
    expect(function.get("State", "Active") == "Active", f"the function is {function.get('State')}")
    expect(function["TracingConfig"]["Mode"] == "Active", function["TracingConfig"])
    return f"deployed, with the outputs {', '.join(sorted(installed.outputs))}"


def begin_kms(world: World) -> None:
    kms, says = world.places[0].client("kms"), f"acceptance {world.run}"
    world.removals.later("KMS key (disabled at once, deleted after seven days)", partial(_remove_keys, kms, says))
    key = kms.create_key(Description=says, Tags=[{"TagKey": TAG, "TagValue": world.run}])["KeyMetadata"]
    world.begin("kms", {"kms_key_arn": key["Arn"], **policy(world)})


def install_kms(world: World) -> str:
    installed = world.installation("kms")
    site, key = installed.site(), installed.context["kms_key_arn"]
    release = site.publish(world.build({"app-1a2b3c4d.js": "1"}), "kms")["release"]
    answer = site.invoke({})
    expect("errorMessage" not in answer, answer)
    expect(release in site.ledger().folded, "the cleaner has not seen the release")
    head = site.aws.client("s3").head_object(Bucket=site.bucket, Key="assets/app-1a2b3c4d.js")
    seen = {name: head.get(name) for name in ("ServerSideEncryption", "SSEKMSKeyId", "BucketKeyEnabled")}
    expect(seen == {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key, "BucketKeyEnabled": True}, seen)
    installed.begin_removal()
    return "build job and cleaner use the key; the asset is encrypted with it and the bucket key"


def _remove_keys(kms: Any, description: str) -> None:  # noqa: ANN401 (boto3's)
    """Schedule the deletion of the key that is described so: a process that ended early did not hear its id."""
    for page in kms.get_paginator("list_keys").paginate():
        for each in page["Keys"]:
            try:
                found = kms.describe_key(KeyId=each["KeyId"])["KeyMetadata"]
            except ClientError:
                continue  # a key of somebody else's, whose policy does not let us see it
            if found["Description"] == description and found["KeyState"] != "PendingDeletion":
                # The shortest time that KMS allows. Such a key costs nothing: https://aws.amazon.com/kms/pricing/
                kms.schedule_key_deletion(KeyId=each["KeyId"], PendingWindowInDays=7)


def kms_in_template(world: World) -> str:
    key = "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d-4e5f-6789-abcd-ef0123456789"
    said = texts(synthesised(world, kms_key_arn=key))
    expect(said.count('"kms:ViaService"') == 2, f"kms:ViaService is there {said.count('kms:ViaService')} times")
    expect('"BucketKeyEnabled": true' in said, "the bucket has no bucket key")
    return "in the template cleaner and build job may use the key through S3 alone, and the bucket has a bucket key"


def begin_distribution(world: World) -> None:
    world.begin("cdn", {"distribution": "true", "cors_origins": "https://www.example.com"})


def install_distribution(world: World) -> str:
    installed = world.installation("cdn")
    site = installed.site()
    site.publish(world.build({"app-3f9c2ab1.js": "console.log(1);" * 200}), "cdn")
    return f"the distribution {installed.outputs['DistributionId']} is deployed, and a release is behind it"


def distribution_in_template(world: World) -> str:
    made = synthesised(world, distribution="true", cors_origins="https://www.example.com")
    kinds = ("Distribution", "OriginAccessControl", "ResponseHeadersPolicy", "CachePolicy")
    lacking = [kind for kind in kinds if count(made, f"AWS::CloudFront::{kind}") != 1]
    expect(not lacking, f"the template has not one of each of {lacking}")
    expect("AWS:SourceArn" in texts(made), "the bucket's policy names no distribution")
    return f"the template has one of each of {', '.join(kinds)}, and the bucket's policy names the distribution"


def begin_sites(number: int, world: World) -> None:
    world.begin(f"{number}sites", {"sites": json.dumps(_sites(number))})


def install_sites(number: int, world: World) -> str:
    installed = world.installation(f"{number}sites")
    entries = installed.site().invoke({"list_sites": True})["sites"]
    expect([each["prefix"] for each in entries] == [each["prefix"] for each in _sites(number)], entries)
    pages = (
        installed.place.client("cloudwatch")
        .get_paginator("describe_alarms")
        .paginate(AlarmNamePrefix=f"{installed.stack}-")
    )
    alarms = sum(len(page["MetricAlarms"]) for page in pages)
    expect(alarms == _alarms(number), f"{alarms} alarms")
    last = installed.site(_sites(number)[-1]["prefix"])
    answer = last.invoke({"site": last.prefix, "full": True})
    expect("errorMessage" not in answer, answer)
    installed.begin_removal()
    return f"deployed, with {alarms} alarms; a run of the site {last.prefix} ended well"


def sites_in_template(number: int, world: World) -> str:
    made = synthesised(world, sites=json.dumps(_sites(number)))
    rules, alarms = count(made, "AWS::Events::Rule"), count(made, "AWS::CloudWatch::Alarm")
    expect((rules, alarms) == (1 + number, _alarms(number)), f"{rules} rules, {alarms} alarms")
    return f"the template has {rules} rules and {alarms} alarms; its quotas have tests of their own"


def _alarms(number: int) -> int:
    each = {Subject.SITE: number, Subject.ONE_SITE: number, Subject.PATTERN: 0, Subject.MAP_RUNS: 0}
    return sum(each.get(alarm.subject, 1) for alarm in ALARMS)


def _sites(number: int) -> list[dict[str, str]]:
    return [{"prefix": f"team-{each:02}/assets/"} for each in range(1, number + 1)]


def begin_second(world: World) -> None:
    world.begin("second", policy(world), world.places[1])


def install_in_second_region(world: World) -> str:
    # This one needs the first one's bucket, and takes minutes until it is refused.
    world.begin("wrong", {"bucket": world.installed["new"].outputs["BucketName"]}, world.places[1])
    site = world.installation("second").site()
    release = site.publish(world.build({"app-1a2b3c4d.js": "2"}), "second")["release"]
    answer = site.invoke({})
    expect("errorMessage" not in answer and release in site.ledger().folded, answer)
    return f"in {world.places[1].region} a release was published, and the cleaner has seen it"


def second_region_in_template(world: World) -> str:
    said = texts(synthesised(world))
    for each in world.places:
        expect(f'"{each.region}"' not in said, f"the template names {each.region}")
    return "the template names no Region: it is the same in each"


def destroy_and_deploy_again(world: World) -> str:
    installed = world.installed["new"]
    bucket, ledger = installed.outputs["BucketName"], installed.site().ledger()
    expect(bool(ledger.folded), "there is no ledger to keep")
    installed.destroy()
    kept = installed.site().ledger()
    expect(kept == ledger, "the ledger has changed")
    world.begin("new", {"bucket": bucket, **policy(world)})
    again = world.installation("new")
    site = again.site()
    release = site.publish(world.build({"app-9a8b7c6d.js": "again"}), "again")["release"]
    if world.embedded:
        # Its events are there at once. A run that goes on when its stack goes would write its log afterwards.
        world.wait(again.log, lambda lines: any(line.startswith("END ") for line in lines), "the marker woke nobody")
    else:
        answer = site.invoke({})
        expect("errorMessage" not in answer, answer)
    expect(release in site.ledger().folded, "no run has seen the release")
    return "destroyed, and deployed again at once under the same name; the ledger was kept, and the cleaner goes on"


FIRST = Step(
    NEW,
    "A new account deploys the stack with a new bucket, whose events go to EventBridge.",
    install_new,
    needs=(BEGUN,),
)

IN_SECOND_REGION = Step(
    SECOND,
    "The stack works in another Region of the same account.",
    install_in_second_region,
    needs=(BEGUN, NEW),
    lacks="a second Region",
    instead=second_region_in_template,
)

OTHERS = (
    Step(
        KMS,
        "Build job and cleaner use the key through S3, and the bucket key is on.",
        install_kms,
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html",
        needs=(BEGUN,),
        lacks="a KMS that looks at policies",
        instead=kms_in_template,
    ),
    Step(
        CDN,
        "A distribution is created, with its function and its access to the bucket.",
        install_distribution,
        needs=(BEGUN,),
        lacks="CloudFront's edges",
        instead=distribution_in_template,
    ),
    *(
        Step(
            f"{number} sites",
            "All alarms, rules and policies fit into AWS's quotas, and a run of the last site may do what it needs.",
            partial(install_sites, number),
            "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html",
            needs=(BEGUN,),
            lacks="quotas",
            instead=partial(sites_in_template, number),
        )
        for number in SITES
    ),
)

END = Step(
    AGAIN,
    "After `cdk destroy` the bucket stays; a deploy at once with `bucket=` goes on where the cleaner stopped.",
    destroy_and_deploy_again,
    "https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-group-delete.html",
    needs=(NEW, "upload by the role"),
)
