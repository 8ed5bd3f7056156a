"""The template of `make template`, deployed as ``docs/deploy.md`` and ``docs/terraform.md`` say."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING

import pytest

from examples.embedded_aws import EmbeddedAws
from tests.e2e.cloudformation import Deployed, destroy, give
from tests.package.stories import SOON, see_it_clean
from tests.package.terraform import Configuration
from tests.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

TEMPLATE = ROOT / "dist" / "asset-cleaner.template.json"
(ARCHIVE,) = (ROOT / "dist").glob("asset-cleaner-*.zip")

SOON_AS_PARAMETERS = {"Grace": str(SOON["grace"]), "VersionTtl": str(SOON["version_ttl"])}


@pytest.fixture
def aws() -> Iterator[EmbeddedAws]:
    """One for each page: they name the same buckets."""
    with EmbeddedAws() as aws:
        yield aws


def put(aws: EmbeddedAws, bucket: str, key: str) -> None:
    """Put the zip where its stack finds it."""
    aws.client("s3").upload_file(str(ARCHIVE), bucket, key)


def deploy(aws: EmbeddedAws, stack: str, parameters: Mapping[str, object]) -> Deployed:
    """Deploy the template."""
    return give(aws, stack, json.loads(TEMPLATE.read_text()), parameters)


def test_cloudformation_deploys_it_as_the_page_shows(aws: EmbeddedAws, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "deploy.md").read_text().replace(" \\\n    --", " --")
    (copied,) = re.findall(r"^\$ aws s3 cp \. s3://(\S+)/ .*--include \"asset-cleaner-\*\.zip\"$", page, re.MULTILINE)
    (command,) = re.findall(r"^\$ aws cloudformation deploy (.*)$", page, re.MULTILINE)
    words = shlex.split(command)
    assert words[words.index("--template-file") + 1] == TEMPLATE.name
    assert words[words.index("--capabilities") + 1] == "CAPABILITY_IAM"
    stack = words[words.index("--stack-name") + 1]
    parameters = dict(each.split("=", 1) for each in words[words.index("--parameter-overrides") + 1 :])

    for bucket in (copied, parameters["Bucket"]):
        aws.client("s3").create_bucket(Bucket=bucket)
    put(aws, copied, ARCHIVE.name)
    site = deploy(aws, stack, parameters).installation(aws, parameters["Prefix"])
    assert site.bucket == parameters["Bucket"]
    see_it_clean(site, tmp_path, lambda: deploy(aws, stack, parameters | SOON_AS_PARAMETERS))
    destroy(aws, stack)


def test_terraform_deploys_it_as_the_page_shows(aws: EmbeddedAws, tmp_path: Path) -> None:
    """With what the page's configuration gives to the provider, which is not to be had here."""
    (text,) = re.findall(r"```hcl\n(.*?)```", (ROOT / "docs" / "terraform.md").read_text(), re.DOTALL)
    configuration = Configuration(text, TEMPLATE.parent)
    for name in ("assets", "code"):
        aws.client("s3").create_bucket(Bucket=configuration.resource("aws_s3_bucket", name)["bucket"])
    uploaded = configuration.resource("aws_s3_object", "cleaner")
    assert (uploaded["source"], uploaded["key"]) == (f"./{ARCHIVE.name}", ARCHIVE.name)
    put(aws, uploaded["bucket"], uploaded["key"])
    stack = configuration.resource("aws_cloudformation_stack", "asset_cleaner")
    name, parameters = stack["name"], stack["parameters"]
    assert (stack["capabilities"], stack["template_body"]) == (["CAPABILITY_IAM"], TEMPLATE.read_text())

    deployed = deploy(aws, name, parameters)
    for output in configuration.outputs.values():
        assert deployed.outputs[re.findall(r'asset_cleaner\.outputs\["(\w+)"\]', output)[0]]
    site = deployed.installation(aws, parameters["Prefix"])
    see_it_clean(site, tmp_path, lambda: deploy(aws, name, parameters | SOON_AS_PARAMETERS))
    destroy(aws, name)
