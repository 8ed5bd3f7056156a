"""``app.py`` as the CDK's command line starts it: from settings to a template, or one line with the error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from release_log.environment import SITES_FILE
from tests.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT_SECONDS = 90
KEY = "arn:aws:kms:eu-west-1:123456789012:key/0a1b2c3d-4e5f-6789-abcd-ef0123456789"
VALIDATION_REPORT = "validation-report.json"


def start(context: Mapping[str, object], out: Path, **environment: str) -> subprocess.Popen[str]:
    """Start ``python app.py`` with a context on top of this repository's own, as the CDK's command line does."""
    whole = json.loads((ROOT / "cdk.json").read_text())["context"] | context
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_", "PYTHON"))}
    return subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env=kept
        | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
            "CDK_CONTEXT_JSON": json.dumps(whole),
            "CDK_OUTDIR": str(out),
            **environment,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Wait for the process; returns its exit code, output and errors."""
    try:
        output, errors = process.communicate(timeout=TIMEOUT_SECONDS)
    finally:
        process.kill()
    return process.returncode, output, errors


@pytest.fixture(scope="module")
def synthesised(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The outputs of two runs with the same good settings; the CDK's own look at the template finds nothing."""
    first, second = (tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second"))
    context = {"name": "two", "version_ttl": "100", "orphans": "all"}
    assert finish(start(context, first)) == (0, "", "")
    assert json.loads((first / VALIDATION_REPORT).read_text())["pluginReports"] == []
    assert finish(start(context, second, CDK_VALIDATION="false")) == (0, "", ""), "once is enough: it takes seconds"
    return first, second


def test_good_settings_write_the_template_of_the_named_stack(synthesised: tuple[Path, Path]) -> None:
    """The second installation's stack has a name of its own, and the settings reach the function."""
    out = synthesised[0]
    assert [path.name for path in out.glob("*.template.json")] == ["AssetCleaner-two.template.json"]
    (asset,) = out.glob("asset.*")
    (site,) = json.loads((asset / SITES_FILE).read_text())
    assert site["policy"] == {"version_ttl": 100, "orphans": "all"}
    artifact = json.loads((out / "manifest.json").read_text())["artifacts"]["AssetCleaner-two"]
    assert artifact["type"] == "aws:cloudformation:stack"


def test_the_real_bundle_is_in_the_output_and_the_function_takes_its_code_from_there(
    synthesised: tuple[Path, Path],
) -> None:
    """The scratch folder of the bundle is deleted by then; the CDK has its own copy."""
    out = synthesised[0]
    (asset,) = out.glob("asset.*")
    assert (asset / "cleaner_lambda" / "handler.py").is_file()
    template = json.loads((out / "AssetCleaner-two.template.json").read_text())
    codes = [
        resource["Properties"]["Code"]["S3Key"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Function"
    ]
    assert codes == [f"{asset.name.removeprefix('asset.')}.zip"]


def test_two_runs_give_the_same_bytes(synthesised: tuple[Path, Path]) -> None:
    """A second ``cdk deploy`` has nothing to do: neither the template nor the name of the bundle changes."""
    first, second = synthesised
    name = "AssetCleaner-two.template.json"
    assert (first / name).read_bytes() == (second / name).read_bytes()
    names = [{path.name for path in out.iterdir()} - {VALIDATION_REPORT} for out in (first, second)]
    assert names[0] == names[1]


@pytest.mark.parametrize(
    ("context", "line"),
    [
        (
            {"version_tll": "60"},
            "app.py: context version_tll='60': no such setting; did you mean 'version_ttl'? known: ",
        ),
        ({"prefix": 5}, "app.py: context prefix=5: not a text such as 'assets/'"),
        ({"kms_key_arn": KEY}, f"app.py: context kms_key_arn='{KEY}': the key is in eu-west-1, and S3 in us-east-1 "),
    ],
)
def test_a_wrong_setting_ends_in_one_line_and_exit_code_1(
    context: dict[str, object], line: str, tmp_path: Path
) -> None:
    """No traceback, no template, and no time spent on the bundle."""
    code, output, errors = finish(start(context, tmp_path, CDK_DEFAULT_REGION="us-east-1"))
    assert (code, output) == (1, "")
    assert errors.startswith(line)
    assert errors.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_that_cannot_be_made_ends_in_an_error_and_no_traceback(tmp_path: Path) -> None:
    """uv's own words follow ours."""
    out = tmp_path / "out"
    out.mkdir()
    process = start({}, out, UV_OFFLINE="1", UV_CACHE_DIR=str(tmp_path / "cache"))
    code, output, errors = finish(process)
    assert (code, output) == (1, "")
    assert errors.startswith("app.py: uv ")
    assert "Traceback" not in errors
    assert list(out.iterdir()) == []
