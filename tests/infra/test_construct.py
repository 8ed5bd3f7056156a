"""`AssetCleaner` in somebody's app: what it takes, what it refuses, and that it installs what the stack does."""

from __future__ import annotations

import json
import re
import zipfile
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from asset_cleaner_cdk import PolicySettings, Settings, SettingsError, Site
from asset_cleaner_cdk.settings.stack import OWN
from cleaner_lambda.sites import sites_from
from release_log.environment import SITES_FILE, Variable
from release_log.policy_settings import SETTINGS
from tests.infra.template import name_of, plain, resources, statements
from tests.paths import ROOT
from tests.synthesis import start_cdk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aws_cdk import App, Stack
    from aws_cdk.assertions import Template

    from tests.infra.conftest import Synthesise

FLAGS = ROOT / "node_modules" / "aws-cdk" / "lib" / "init-templates" / ".recommended-feature-flags.json"


class NewStack(Protocol):
    """Makes a stack in an app of its own."""

    def __call__(self, name: str = "Web", **context: object) -> Stack:
        """The stack, in an app with a context."""
        ...


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A stand-in for the bundle of the installed package."""
    archive = tmp_path_factory.mktemp("bundle") / "bundle.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("handler.py", "")
    start_cdk()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("asset_cleaner_cdk.code.BUNDLE", archive)
        yield archive


@pytest.fixture
def new_stack(packaged: Path, tmp_path: Path) -> NewStack:
    del packaged
    import aws_cdk as cdk  # noqa: PLC0415 (not before the CDK is started)

    def new(name: str = "Web", **context: object) -> Stack:
        own = json.loads((ROOT / "cdk.json").read_text())["context"]
        return cdk.Stack(cdk.App(context={**own, **context}, outdir=str(tmp_path)), name)

    return new


def template_of(stack: Stack) -> Template:
    from aws_cdk.assertions import Template  # noqa: PLC0415 (the CDK has been started)

    return Template.from_stack(stack)


def add(stack: Stack, construct_id: str = "Cleaner", /, **settings: Any) -> Any:  # noqa: ANN401 (the construct, and any settings)
    from asset_cleaner_cdk import AssetCleaner  # noqa: PLC0415 (not before the CDK is started)

    return AssetCleaner(stack, construct_id, **settings)


@pytest.mark.parametrize("settings", [{}, {"bucket": "my-bucket"}], ids=["new bucket", "existing bucket"])
def test_it_installs_what_the_stack_does_by_the_same_defaults(
    settings: dict[str, Any], new_stack: NewStack, synthesise: Synthesise
) -> None:
    stack = new_stack("AssetCleaner")
    cleaner = add(stack, "Mine", **settings)
    place = f"-{cleaner.node.addr[-8:]}"
    text = json.dumps(plain(template_of(stack).to_json())).replace("${Mine", "${").replace(place, "")
    ours, theirs = json.loads(text), plain(synthesise(**settings).to_json())

    def by_kind(template: dict[str, Any]) -> list[str]:
        kept = [{**each, "DependsOn": []} for each in template["Resources"].values()]
        for each in kept:
            each["Properties"].pop("PolicyName", None)
            each["Properties"].pop("Code", None)
        return sorted(json.dumps(each, sort_keys=True) for each in kept)

    assert [each for each in by_kind(ours) if each not in by_kind(theirs)] == []
    assert [each for each in by_kind(theirs) if each not in by_kind(ours)] == []
    assert {name_of(name).removeprefix("Mine") for name in ours["Outputs"]} >= {"BucketName", "UploaderPolicyArn"}


def test_every_setting_of_the_stack_but_its_name_is_an_argument() -> None:
    assert {*Settings.__annotations__} == {*OWN, *SETTINGS} - {"name", "gitlab_environment"}
    assert {*PolicySettings.__annotations__} == {*SETTINGS}
    assert {*Site.__annotations__} == {"prefix", "bucket", *SETTINGS}


def test_its_zip_is_the_packages_with_the_sites(new_stack: NewStack, packaged: Path, tmp_path: Path) -> None:
    stack = new_stack()
    before = packaged.read_bytes()
    add(stack, bucket="my-bucket", sites=({"prefix": "shop/", "version_limit": 0}, {"prefix": "blog/"}))
    app: App = stack.node.root  # type: ignore[assignment]
    app.synth()
    (archive,) = tmp_path.glob("asset.*.zip")
    with zipfile.ZipFile(archive) as opened:
        assert opened.namelist() == ["handler.py", SITES_FILE]
        opened.extract(SITES_FILE, tmp_path)
        assert opened.getinfo(SITES_FILE).external_attr >> 16 == 0o644, "Lambda's user may read it"
    found = sites_from({}, tmp_path / SITES_FILE)
    assert [(each.bucket, each.prefix, each.policy.version_limit) for each in found] == [
        ("my-bucket", "shop/", 0),
        ("my-bucket", "blog/", 2),
    ]
    assert packaged.read_bytes() == before


class TestBucketOfTheApp:
    """A bucket that the app defines itself."""

    def test_it_gets_events_and_the_statements_that_protect_the_log(self, new_stack: NewStack) -> None:
        stack = new_stack()
        from aws_cdk import aws_s3 as s3  # noqa: PLC0415 (the CDK has been started)

        cleaner = add(stack, bucket=s3.Bucket(stack, "Assets"))
        template = template_of(stack)
        (notifications,) = resources(template, "Custom::S3BucketNotifications").values()
        assert notifications["Properties"]["BucketName"] == "${Assets}"
        assert notifications["Properties"]["NotificationConfiguration"] == {"EventBridgeConfiguration": {}}
        assert "AdoptionRole" not in str(resources(template, "AWS::IAM::Role")), "it needs no handler of ours"
        (policy,) = resources(template, "AWS::S3::BucketPolicy").values()
        (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
        assert statement["Sid"].startswith("WriteOnce")
        (function,) = (
            each["Properties"]
            for name, each in resources(template, "AWS::Lambda::Function").items()
            if name.startswith("Cleaner")
        )
        assert function["Environment"]["Variables"][Variable.BUCKET] == "${Assets}"
        assert not [name for name in template.to_json()["Outputs"] if "BucketStatements" in name]
        assert cleaner.bucket.node.path == "Web/Assets"

    def test_it_has_the_attributes_of_the_page(self, new_stack: NewStack) -> None:
        stack = new_stack()
        from aws_cdk import aws_iam as iam  # noqa: PLC0415 (the CDK has been started)

        cleaner = add(stack, github="acme/web", github_branch="main")
        table = (ROOT / "docs" / "deploy.md").read_text().partition("| attribute |")[2].partition("\n\n")[0]
        shown = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
        assert shown == [name for name in vars(cleaner) if not name.startswith("_")]
        assert (len(cleaner.uploader_policies), cleaner.uploader_role.node.id) == (1, "UploaderRole")
        role = iam.Role(stack, "Job", assumed_by=iam.AccountRootPrincipal())
        cleaner.uploader_policies[0].attach_to_role(role)
        assert "${Job}" in str(resources(template_of(stack), "AWS::IAM::ManagedPolicy"))

    def test_its_key_may_be_used_by_cleaner_and_build_job(self, new_stack: NewStack) -> None:
        stack = new_stack()
        from aws_cdk import aws_kms as kms  # noqa: PLC0415 (the CDK has been started)
        from aws_cdk import aws_s3 as s3  # noqa: PLC0415

        key = kms.Key(stack, "Key")
        add(stack, bucket=s3.Bucket(stack, "Assets", encryption=s3.BucketEncryption.KMS, encryption_key=key))
        uses = [each for each in statements(template_of(stack)) if each.get("Sid") == "UseKey"]
        assert [each["Resource"] for each in uses] == ["${Key.Arn}"] * 2

    def test_one_that_is_imported_is_an_existing_bucket(self, new_stack: NewStack) -> None:
        """By a name that is known, or one that only CloudFormation knows."""
        stack = new_stack()
        import aws_cdk as cdk  # noqa: PLC0415 (it has been started)
        from aws_cdk import aws_s3 as s3  # noqa: PLC0415

        add(stack, "Known", bucket=s3.Bucket.from_bucket_name(stack, "One", "my-bucket"))
        name = cdk.Fn.import_value("Assets")
        add(stack, "Unknown", bucket=s3.Bucket.from_bucket_name(stack, "Two", name))
        found = resources(template_of(stack), "Custom::S3BucketNotifications").values()
        assert [each["Properties"]["BucketName"] for each in found] == ["my-bucket", {"Fn::ImportValue": "Assets"}]

    def test_two_whose_names_nobody_knows_are_refused(self, new_stack: NewStack) -> None:
        stack = new_stack()
        from aws_cdk import aws_s3 as s3  # noqa: PLC0415 (the CDK has been started)

        sites = [{"prefix": "a/", "bucket": s3.Bucket(stack, name)} for name in ("One", "Two")]
        with pytest.raises(SettingsError, match="only one bucket may have a name that nobody knows"):
            add(stack, sites=sites)


def test_several_in_one_stack_have_names_and_handlers_of_their_own(new_stack: NewStack) -> None:
    """Two of them, with a distribution each, beside a bucket whose notifications the app has the CDK manage."""
    stack = new_stack()
    from aws_cdk import aws_s3 as s3  # noqa: PLC0415 (the CDK has been started)

    s3.Bucket.from_bucket_name(stack, "Other", "other-bucket").enable_event_bridge_notification()
    for name in ("One", "Two"):
        add(stack, name, bucket=f"{name.lower()}-bucket", distribution=True)
    template = template_of(stack)
    groups = [each["Properties"]["Name"] for each in resources(template, "AWS::Scheduler::ScheduleGroup").values()]
    policies = [
        each["Properties"]["ResponseHeadersPolicyConfig"]["Name"]
        for each in resources(template, "AWS::CloudFront::ResponseHeadersPolicy").values()
    ]
    assert len({*groups}) == len({*policies}) == 2
    handlers = {
        each["Properties"]["BucketName"]: each["Properties"]["ServiceToken"]
        for each in resources(template, "Custom::S3BucketNotifications").values()
    }
    assert len({*handlers.values()}) == 3


def test_it_installs_into_a_nested_stack_whose_name_only_cloudformation_knows(new_stack: NewStack) -> None:
    """Its rules are allowed one by one, and its schedule group has a name that is not too long."""
    import aws_cdk as cdk  # noqa: PLC0415 (it has been started)

    nested = cdk.NestedStack(new_stack("AnAppWithAVeryLongNameOfItsStack"), "Nested")
    add(nested)
    template = template_of(nested)
    (group,) = resources(template, "AWS::Scheduler::ScheduleGroup").values()
    assert group["Properties"]["Name"].startswith("AssetCleaner-")
    sources = [each["Properties"]["SourceArn"] for each in resources(template, "AWS::Lambda::Permission").values()]
    assert sorted(sources) == ["${CleanerDailyRule.Arn}", "${CleanerMarkerRule.Arn}"]


def test_it_synthesises_with_the_feature_flags_of_a_new_app(new_stack: NewStack) -> None:
    stack = new_stack(**json.loads(FLAGS.read_text()))
    add(stack, bucket="my-bucket", distribution=True)
    assert resources(template_of(stack), "AWS::Lambda::Function")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"version_tll": 60}, "version_tll=60: no such setting; did you mean 'version_ttl'? known: "),
        ({"prefix": "assets"}, "prefix 'assets' must end with a slash: 'assets/'"),
        ({"name": "two"}, "name='two': leave it out: the construct's id tells installations apart"),
        ({"memory": 128}, "memory=128: a whole number of MB from 512 to 10240"),
        ({"sites": [{"prefix": "a/", "grace": -1}]}, "sites[1] grace: -1 is not between 0 and"),
        ({"bucket": 42}, "bucket=42: not a bucket name"),
        ({"github": "owner/repo"}, "github='owner/repo': set github_branch or github_environment"),
    ],
)
def test_a_wrong_setting_is_named_with_the_construct(settings: dict[str, Any], told: str, new_stack: NewStack) -> None:
    with pytest.raises(SettingsError) as caught:
        add(new_stack(), **settings)
    assert str(caught.value).startswith(f"AssetCleaner Web/Cleaner: {told}")


def test_a_name_that_nobody_knows_is_refused_as_a_text(new_stack: NewStack) -> None:
    stack = new_stack()
    import aws_cdk as cdk  # noqa: PLC0415 (it has been started)

    with pytest.raises(SettingsError, match=r"give the bucket, as s3\.Bucket\.from_bucket_name does"):
        add(stack, bucket=cdk.Fn.import_value("Assets"))


def test_a_checkout_says_that_it_has_no_bundle(new_stack: NewStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asset_cleaner_cdk.code.BUNDLE", ROOT / "asset_cleaner_cdk" / "bundle.zip")
    with pytest.raises(FileNotFoundError, match=r"bundle\.zip is missing: .*pip install"):
        add(new_stack())


def test_an_unknown_name_of_the_package_is_an_error() -> None:
    import asset_cleaner_cdk  # noqa: PLC0415 (what is looked at)

    with pytest.raises(AttributeError, match="no attribute 'AssetCleanr'"):
        asset_cleaner_cdk.AssetCleanr  # noqa: B018
