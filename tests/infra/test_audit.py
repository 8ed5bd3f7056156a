"""Each installation as a whole: cdk-nag's AwsSolutions, cfn-lint, and two templates that a person has reviewed.

``SNAPSHOTS=write`` in the environment writes the two templates again: review the changes before you commit them.
"""

from __future__ import annotations

import difflib
import json
import os
import re
from typing import TYPE_CHECKING

import pytest

from tests.infra.variations import SNAPSHOTS, VARIATIONS
from tests.paths import ROOT

if TYPE_CHECKING:
    from tests.infra.conftest import Audit, Synthesise

FOLDER = ROOT / "tests" / "infra" / "snapshots"

_ROLE = "(CleanerRole/DefaultPolicy|UploaderPolicy.*)/Resource"

ACCEPTED = {
    r"AwsSolutions-S1 .*/(Bucket|AccessLogs)/Resource": (
        "who reads which asset is CloudFront's to log (access_logs), the rest CloudTrail's, if its owner wants it; "
        "and a log's own bucket needs no log"
    ),
    r"AwsSolutions-SQS3 .*/(Undelivered|FailedRuns)/Resource": (
        "these are dead-letter queues; cdk-nag does not see that EventBridge, Scheduler and Lambda deliver to them"
    ),
    r"AwsSolutions-L1 .*/(Cleaner|BucketNotificationsHandler.*)/Resource": "3.13 is the newest that the tests run",
    rf"AwsSolutions-IAM5\[Resource::.*/(assets/|shop/)?\*\] .*/{_ROLE}": (
        "a site's assets are named by their prefix alone: each new one has a new name"
    ),
    rf"AwsSolutions-IAM5\[Resource::.*/\.releases/((pending|staged)/)?\*\] .*/{_ROLE}": (
        "the files of a release log are named after their releases"
    ),
    rf"AwsSolutions-IAM5\[Resource::.*/\.releases/ledger\*\] .*/{_ROLE}": (
        "the ledger, and the files that it names, each with a name of its own"
    ),
    r"AwsSolutions-IAM5\[Resource::.*:schedule/AssetCleaner(-blog)?-wake-ups-.*/\*\] .*/CleanerRole/.*": (
        "the schedules of this installation's own group"
    ),
    r"AwsSolutions-IAM5\[Resource::\*\] .*/CleanerRole/DefaultPolicy/Resource": "X-Ray has no resources to name",
    r"AwsSolutions-CFR1 .*/Distribution/Resource": "assets are for whoever may see the pages",
    r"AwsSolutions-CFR2 .*/Distribution/Resource": "static files; a firewall is the owner's choice",
    r"AwsSolutions-CFR3 .*/Distribution/Resource": "access_logs is a setting",
    r"AwsSolutions-CFR4 .*/Distribution/Resource": (
        "under CloudFront's own domain AWS sets the minimum; with domain_name it is TLS 1.2"
    ),
}
"""Findings of cdk-nag that we accept: a pattern of ``rule path`` -> the reason."""

NOT_LINTED = ["W3005"]
"""The CDK itself writes that a function depends on its role's policies; CloudFormation knows half of that already."""


@pytest.fixture(scope="module")
def findings(audit: Audit) -> dict[str, list[str]]:
    """Variation -> cdk-nag's findings."""
    return {name: audit(**context) for name, context in VARIATIONS.items()}


@pytest.mark.parametrize("name", VARIATIONS)
def test_cdk_nag_finds_nothing_but_what_is_accepted_with_a_reason(name: str, findings: dict[str, list[str]]) -> None:
    odd = [each for each in findings[name] if not any(re.fullmatch(pattern, each) for pattern in ACCEPTED)]
    assert odd == []


def test_nothing_is_accepted_that_is_not_found(findings: dict[str, list[str]]) -> None:
    """A solved finding cannot come back unnoticed, and cdk-nag really runs."""
    found = [each for some in findings.values() for each in some]
    assert [pattern for pattern in ACCEPTED if not any(re.fullmatch(pattern, each) for each in found)] == []


@pytest.mark.parametrize("name", VARIATIONS)
def test_cfn_lint_finds_nothing(name: str, synthesise: Synthesise) -> None:
    from cfnlint.api import lint  # type: ignore[import-untyped]  # noqa: PLC0415 (a second, in every worker)

    template = json.dumps(synthesise(**VARIATIONS[name]).to_json())
    assert [
        str(match) for match in lint(template, config={"regions": ["us-east-1"], "ignore_checks": NOT_LINTED})
    ] == []


def test_cfn_lint_finds_nothing_in_the_template_that_tells_a_chat() -> None:
    from cfnlint.api import lint  # noqa: PLC0415 (see above)

    template = (ROOT / "examples" / "cleaner-to-chat.yaml").read_text()
    assert [str(match) for match in lint(template, config={"regions": ["us-east-1"]})] == []


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_the_template_is_the_reviewed_one(name: str, synthesise: Synthesise) -> None:
    path = FOLDER / f"{name}.json"
    template = json.dumps(synthesise(**VARIATIONS[name]).to_json(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    if os.environ.get("SNAPSHOTS") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(template)
    known = path.read_text() if path.exists() else ""
    changes = "\n".join(
        difflib.unified_diff(known.splitlines(), template.splitlines(), "known", "now", lineterm="", n=2)
    )
    assert not changes, f"review it, then SNAPSHOTS=write:\n{changes}"
