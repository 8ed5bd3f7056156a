"""``make demo``: the main job on an embedded AWS, from ``cdk deploy`` to the last deletion."""

from __future__ import annotations

import signal
import sys
import time
from typing import TYPE_CHECKING, Any, NoReturn

from rich.console import Console
from rich.table import Table

from examples.cdk_command import ROOT
from examples.embedded_aws import EmbeddedAws, EmbeddedAwsError
from examples.installation import DemoError, Installation
from examples.site_builds import RELEASES, SiteBuildError, build

if TYPE_CHECKING:
    from cleaner_lambda.ledger import Ledger

POLICY = {"grace": 5, "version_limit": 1, "version_ttl": 15, "removed_ttl": 20}
"""Seconds instead of hours, so that everything falls due within the demo."""

PLAIN_WIDTH = 120

PAGE = ROOT / "demo.html"

console = Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=PLAIN_WIDTH)


def main() -> int:
    """Run the demo.

    Returns:
        The exit code.
    """
    signal.signal(signal.SIGTERM, _stop)
    began = time.monotonic()
    try:
        _step("1. Start an embedded AWS (127.0.0.1, a free port; stopped at the end)")
        with EmbeddedAws() as aws:
            console.print(f"   up at {aws.url}")
            _run_site(_install(aws))
    except KeyboardInterrupt:
        console.print("\ninterrupted; the embedded AWS is stopped")
        return 130
    except (DemoError, EmbeddedAwsError, SiteBuildError) as error:
        console.print(f"demo failed: {error}", style="red", markup=False)
        return 1
    console.print(f"\n[dim]{time.monotonic() - began:.0f} s; the embedded AWS is stopped, only the page is left[/dim]")
    return 0


def _stop(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _install(aws: EmbeddedAws) -> Installation:
    settings = " ".join(f"-c {name}={value}" for name, value in POLICY.items())
    _step("2. Install the stack: cdk bootstrap, cdk deploy")
    aws.bootstrap()
    console.print(f"   cdk deploy {settings}")
    outputs = aws.deploy(**POLICY)
    for name, value in outputs.items():
        console.print(f"   {name} = {value}")
    return Installation(aws, outputs["BucketName"], outputs["CleanerFunctionName"])


def _run_site(site: Installation) -> None:
    _step("3. Publish three releases of a Vite site; EventBridge wakes the cleaner after each")
    for release in RELEASES:
        _publish(site, release)
    _fail_to_roll_out(site)
    _wait_for_deletions(site, _show_plan(site))
    _show_bucket(site)
    _write_page(site)
    console.print("\n[bold]What to do next[/bold]")
    console.print("   install it in your account:  . .venv/bin/activate && cdk bootstrap && cdk deploy")
    console.print("   publish from the build job:  python -m uploader DIRECTORY --bucket NAME")
    console.print(
        "   see what would be deleted:   aws lambda invoke --function-name NAME --payload '{\"dry_run\": true}' ..."
    )


def _publish(site: Installation, release: int) -> None:
    before = site.assets()
    published = site.publish(build(release, site.aws.scratch / f"release-{release}"), f"v{release}")
    ledger = site.wait_until_cleaned(published["release"])
    counts = published["counts"]
    console.print(
        f"\n   [bold]release v{release}[/bold]  python -m uploader release-{release} --bucket … --release v{release}"
    )
    console.print(f"   {counts['uploaded']} uploaded, {counts['unchanged']} unchanged; then the cleaner:")
    table = _table("what", "asset", "tag, as S3 returns it")
    for entry in published["uploaded"]:
        table.add_row(f"uploaded ({entry['reason']})", entry["key"], "")
    after = site.assets()
    for key in sorted(after.keys() & ledger.retired.keys()):
        table.add_row(ledger.retired[key].mark.state, key, _tags(site, key))
    for key in sorted(before.keys() - after.keys()):
        table.add_row("deleted", key, "")
    console.print(table)


def _fail_to_roll_out(site: Installation) -> None:
    _step("4. A roll-out that fails: python -m uploader run release-1 … -- false")
    before = site.page()
    console.print(f"   {site.fail_to_roll_out(build(1, site.aws.scratch / 'failed'), 'failed')}", soft_wrap=True)
    if site.page() != before:
        msg = "a roll-out that failed changed the page that a visitor gets"
        raise DemoError(msg)
    console.print("   [green]a visitor gets the same index.html as before[/green]")
    console.print(f"   verify: {site.verify()}", soft_wrap=True)


def _show_plan(site: Installation) -> set[str]:
    _step('5. Ask the cleaner for its plan: invoke with {"dry_run": true}')
    answer = site.plan()
    if "errorMessage" in answer:
        raise DemoError(answer["errorMessage"])
    console.print(f"   now: {_counts(answer)}; it comes back by itself at {answer['next_due']}")
    table = _table("falls due", "asset", "state", "since")
    planned: list[dict[str, Any]] = [{**entry, "due": answer["at"]} for entry in answer["delete"]] + answer["upcoming"]
    for entry in sorted(planned, key=lambda each: (each["due"], each["key"])):
        table.add_row(entry["due"], entry["key"], entry["state"], entry["since"])
    console.print(table)
    return {entry["key"] for entry in planned}


def _wait_for_deletions(site: Installation, planned: set[str]) -> None:
    _step("6. Wait for the grace period and the TTLs; the cleaner comes back by its own schedule, to the minute")
    for schedule in site.wait_for_wake_up():
        console.print(f"   EventBridge Scheduler: {schedule['ScheduleExpression']} -> {schedule['Target']['Input']}")
    before = site.deletable().keys()
    left = site.wait_until_gone(planned).keys()
    gone = set(before - left)
    for key in sorted(gone):
        console.print(f"   deleted {key}")
    if gone != planned & before:
        msg = f"the cleaner did not delete exactly what its plan named; the difference: {sorted(gone ^ planned)}"
        raise DemoError(msg)
    console.print(f"   [green]exactly the {len(gone)} objects that the plan named, and nothing else[/green]")


def _show_bucket(site: Installation) -> None:
    _step("7. Look at the bucket: which assets are left, and why")
    ledger, table = site.ledger(), _table("asset", "bytes", "why")
    for key, size in site.assets().items():
        table.add_row(key, str(size), _why(ledger, key))
    table.add_row(f"{site.layout.log}…", "", "release log: markers and the cleaner's ledger")
    console.print(table)


def _write_page(site: Installation) -> None:
    _step("8. Write a page about the site: python -m uploader report --html demo.html")
    found = site.report(PAGE)
    retired = found["retiring"]["whole"]["objects"]
    console.print(
        f"   {len(found['releases'])} releases, {retired} retired assets; open it in a browser, it needs no network:"
    )
    console.print(f"   {PAGE.as_uri()}", soft_wrap=True)


def _why(ledger: Ledger, key: str) -> str:
    entry = ledger.retired.get(key)
    if entry is None:
        return f"current: {ledger.current['default']}"
    return f"{entry.mark.key}={entry.mark.value}: the {POLICY['version_limit']} older version that version_limit keeps"


def _tags(site: Installation, key: str) -> str:
    return ", ".join(f"{name}={value}" for name, value in site.tags(key).items())


def _counts(answer: dict[str, Any]) -> str:
    return ", ".join(f"{count} to {name}" for name, count in answer["counts"].items() if name != "failed")


def _table(*columns: str) -> Table:
    table = Table(*columns, box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in table.columns:
        column.overflow = "fold"
    return table


def _step(title: str) -> None:
    console.print(f"\n[bold cyan]{title}[/bold cyan]")


if __name__ == "__main__":
    sys.exit(main())
