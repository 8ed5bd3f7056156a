"""The plain template: one site in an existing bucket, deployed by CloudFormation alone. ``make template`` writes it.

It has parameters in place of settings, and refers to one file, the zip of the function's code, by a name made from the
content: a new zip without a new template, or a new template with an old zip, cannot be deployed by accident.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from asset_cleaner_cdk.bundled import entries
from asset_cleaner_cdk.code import CleanerCode
from asset_cleaner_cdk.installation import install
from asset_cleaner_cdk.names import Names
from asset_cleaner_cdk.settings.stack import SiteSettings, StackSettings
from infra.bundle import ROOT, BundleError, build, zipped
from infra.parameters import (
    ALARM_EMAIL,
    BUCKET,
    CODE_BUCKET,
    CODE_PREFIX,
    LEDGER_FORMAT,
    PARAMETERS,
    POLICY,
    PREFIX,
    Parameter,
)
from infra.stack import DESCRIPTION
from release_log.environment import Variable

TEMPLATE = "asset-cleaner.template.json"


def write(out: Path, archive: Path) -> Path:
    """Write the template.

    Args:
        out: The folder to write to.
        archive: The zip of the bundle, by the name that it has in its bucket.

    Returns:
        The template's file.
    """
    with TemporaryDirectory() as scratch:
        app = cdk.App(
            analytics_reporting=False, context=json.loads((ROOT / "cdk.json").read_text())["context"], outdir=scratch
        )
        stack = cdk.Stack(app, "AssetCleaner", description=DESCRIPTION, synthesizer=cdk.BootstraplessSynthesizer())
        _define(stack, archive.name)
        made = Path(app.synth().get_stack_by_name(stack.stack_name).template_full_path)
        file = out / TEMPLATE
        file.write_text(json.dumps(json.loads(made.read_text()), separators=(",", ":")) + "\n")
    return file


def _define(stack: cdk.Stack, archive: str) -> None:
    # In a scope of their own, as some are called like the constructs of the installation.
    scope = Construct(stack, "Parameters")
    given = {parameter.name: _parameter(scope, parameter) for parameter in PARAMETERS}

    def text(parameter: Parameter) -> str:
        return given[parameter.name].value_as_string

    # Without its slash, so that the keys around it can be made; the parameter has one folder.
    prefix = f"{cdk.Fn.select(0, cdk.Fn.split('/', text(PREFIX)))}/"
    policy = {
        name: text(each) if each.low is None else given[each.name].value_as_number for name, each in POLICY.items()
    }
    bucket = s3.Bucket.from_bucket_name(stack, "Assets", text(BUCKET))
    settings = StackSettings((SiteSettings(prefix, bucket, policy),))
    code = lambda_.Code.from_bucket(
        s3.Bucket.from_bucket_name(stack, "Code", text(CODE_BUCKET)), f"{text(CODE_PREFIX)}{archive}"
    )
    # The CDK leaves out what is null.
    sites = stack.to_json_string([{**each, "bucket": bucket.bucket_name} for each in entries(settings.sites)])
    # A person gives the stack its name.
    installed = install(stack, settings, CleanerCode(code, sites), names=Names(stack=None))
    installed.function.add_environment(Variable.LEDGER_FORMAT, text(LEDGER_FORMAT))
    mail = sns.CfnSubscription(
        stack, "AlarmMail", topic_arn=installed.alarms.topic_arn, protocol="email", endpoint=text(ALARM_EMAIL)
    )
    mail.cfn_options.condition = cdk.CfnCondition(
        stack, "HasAlarmEmail", expression=cdk.Fn.condition_not(cdk.Fn.condition_equals(text(ALARM_EMAIL), ""))
    )


def _parameter(scope: Construct, parameter: Parameter) -> cdk.CfnParameter:
    options: dict[str, Any] = {
        "default": parameter.default,
        "allowed_pattern": parameter.pattern or None,
        "allowed_values": list(parameter.values) or None,
        "min_value": parameter.low,
        "max_value": parameter.high,
    }
    made = cdk.CfnParameter(
        scope,
        parameter.name,
        type="String" if parameter.low is None else "Number",
        description=parameter.doc.replace("`", ""),
        **{name: value for name, value in options.items() if value is not None},
    )
    made.override_logical_id(parameter.name)
    return made


def main() -> None:
    """Write the template and the zip into a folder, or exit with one line that says what is wrong."""
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("asset-cleaner-*.zip"):
        old.unlink()
    try:
        with TemporaryDirectory() as scratch:
            archive = zipped(build(Path(scratch) / "bundle"), out)
    except BundleError as error:
        sys.exit(f"infra.template: {error}")
    sys.stdout.write(f"{write(out, archive)}\n{archive}\n")


if __name__ == "__main__":
    main()
