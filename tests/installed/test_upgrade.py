"""Uploader and cleaner of this version and of the one before it, mixed in every way: ``docs/upgrade.md``."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

import uploader.publishing.publish as publishing
from examples.embedded_aws import EmbeddedAws
from examples.installation import DemoError, Installation, wait
from release_log import ledger_file, packed
from release_log.environment import Variable
from release_log.instants import format_instant, parse_instant
from release_log.ledger_file import FORMAT, HEAD_FORMAT, READABLE
from tests.e2e.cloudformation import Deployed, deploy, give
from tests.e2e.previous_version.previous import POLICY, STACK, PreviousVersion, clean, unpack
from tests.http.in_process import run_here
from tests.paths import ROOT
from tests.torture import TORTURE
from uploader.errors import UploaderError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from subprocess import CompletedProcess

    Builds = Callable[[int], Path]

ALWAYS = {"assets/index.html", "assets/robots.txt", "assets/logo-9c0d1e2f.png"}
"""What each build has: the page that asks for its script, a file without a fingerprint that never changes, a picture.
"""

PASSING = {"deleting", "rebuilt"}
"""Why a run deletes nothing, if the next one may: a marker's event has started another one, or it is the first."""


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> PreviousVersion:
    return unpack(tmp_path_factory.mktemp("previous"))


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Builds:
    """Makes the build of a number."""
    folder = tmp_path_factory.mktemp("builds")

    def make(number: int) -> Path:
        made = folder / f"r{number}"
        made.mkdir()
        for key in ALWAYS | {script(number)}:
            (made / key.removeprefix("assets/")).write_text("1")
        (made / "index.html").write_text(f'<script src="/{script(number)}"></script>')
        return made

    return make


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as aws:
        yield aws


@dataclass(slots=True)
class Versions:
    """An installation, and the two versions that it may have. Only the first deployment of each is synthesised."""

    aws: EmbeddedAws
    old: PreviousVersion
    _deployed: dict[str, Deployed] = field(default_factory=dict)

    def deploy_previous(self) -> Installation:
        """Deploy the version before this one."""
        return self._deploy("previous", lambda: self.old.deploy(self.aws))

    def deploy_this(self) -> Installation:
        """Deploy this version."""
        return self._deploy("this", lambda: deploy(self.aws, POLICY))

    def _deploy(self, version: str, first: Callable[[], Deployed]) -> Installation:
        known = self._deployed.get(version)
        deployed = first() if known is None else give(self.aws, STACK, known.template)
        self._deployed[version] = deployed
        site = deployed.installation(self.aws)
        _bury_the_dead(site)
        return site


def _bury_the_dead(site: Installation) -> None:
    """End what a run has announced that ended with the function's old code.

    AWS lets a run finish, and the embedded AWS does not. After a quarter of an hour the cleaner takes it for dead.
    """
    document = stored(site)
    if document.get("deleting") is not None:
        store(site, document | {"deleting": None})


def stored(site: Installation) -> dict[str, Any]:
    """The content of the ledger's file; empty if there is none."""
    s3 = site.aws.client("s3")
    try:
        body = s3.get_object(Bucket=site.bucket, Key=site.layout.ledger)["Body"].read()
    except s3.exceptions.NoSuchKey:
        return {}
    return ledger_file.unpack(body, READABLE)


def store(site: Installation, document: dict[str, Any]) -> None:
    """Write the ledger's file."""
    body = packed.pack(document, document["format"])
    site.aws.client("s3").put_object(Bucket=site.bucket, Key=site.layout.ledger, Body=body)


def write_format(site: Installation, version: int) -> None:
    """Have the deployed cleaner write its ledger in a format, as a deployment with ``ledger_format`` does."""
    function = site.aws.client("lambda")
    variables = function.get_function_configuration(FunctionName=site.function)["Environment"]["Variables"]
    given = {**variables, Variable.LEDGER_FORMAT.value: str(version)}
    function.update_function_configuration(FunctionName=site.function, Environment={"Variables": given})
    function.get_waiter("function_updated_v2").wait(FunctionName=site.function)
    _bury_the_dead(site)


def pending(site: Installation) -> int:
    """How many uploads are under way."""
    return int(site.aws.client("s3").list_objects_v2(Bucket=site.bucket, Prefix=site.layout.pending)["KeyCount"])


@pytest.fixture(scope="module")
def versions(aws: EmbeddedAws, old: PreviousVersion) -> Versions:
    return Versions(aws, old)


def script(number: int) -> str:
    """The key of the script that only this build has."""
    return f"assets/app-{number}a{number}b{number}c{number}d.js"


def files(*numbers: int) -> set[str]:
    """The keys of some builds."""
    return ALWAYS | {script(number) for number in numbers}


def left(site: Installation) -> set[str]:
    """The assets in the bucket, among them what the page in place asks for."""
    assets = set(site.assets())
    page = site.aws.client("s3").get_object(Bucket=site.bucket, Key="assets/index.html")["Body"].read().decode()
    assert set(re.findall(r'src="/([^"]+)"', page)) <= assets, page
    return assets


def cleaned(site: Installation, keys: set[str]) -> bool:
    """Whether no more than these assets are left, after as many runs of the cleaner as that takes."""

    last: dict[str, Any] = {}

    def clean() -> set[str]:
        last.update(site.invoke({}))
        assert {each["reason"] for each in last["stopped_by"]} <= PASSING
        return left(site)

    try:
        return wait(clean, lambda there: there <= keys, "more is left", seconds=90) == keys
    except DemoError as error:
        told = {name: last[name] for name in ("at", "current", "stopped_by", "upcoming", "not_in_place", "next_due")}
        msg = f"more is left than {sorted(keys)}: {json.dumps(told)}"
        raise AssertionError(msg) from error


def refused(site: Installation) -> list[str]:
    """Why the cleaner deletes nothing."""
    answer = site.invoke({})
    assert (answer["delete"], answer["failed"]) == ([], [])
    return [each["message"] for each in answer["stopped_by"]]


def new(site: Installation, *arguments: object) -> CompletedProcess[str]:
    """Run this version's command line for a site, in this process."""
    where = [f"--bucket={site.bucket}", f"--prefix={site.prefix}", "--json"]
    return run_here([*arguments, *where], site.aws.environment())


def cut_off(*_: object) -> None:
    """The upload ends here."""
    msg = "cut off"
    raise UploaderError(msg)


def publish(site: Installation, build: Path, *options: str) -> str:
    """Publish a build with this version; returns the release's id."""
    return str(answer(new(site, build, f"--release={build.name}", *options))["release"])


def answer(done: CompletedProcess[str]) -> dict[str, Any]:
    """The answer of a command that must succeed."""
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_each_uploader_publishes_beside_each_cleaner_and_only_what_is_superseded_goes(
    versions: Versions, old: PreviousVersion, build: Builds
) -> None:
    site = versions.deploy_previous()
    for number in (1, 2):
        old.publish(site, build(number))
        assert cleaned(site, files(number))

    # This uploader, and the previous cleaner: while that does not understand the releases, it deletes nothing.
    for number in (3, 4):
        publish(site, build(number))
        assert old.reads_all or any("is newer than" in message for message in refused(site))
    assert cleaned(site, files(4)) if old.reads_all else left(site) == files(2, 3, 4)

    # This cleaner, which deletes now.
    assert versions.deploy_this() == site
    assert cleaned(site, files(4))

    # The previous uploader, and this cleaner.
    old.publish(site, build(5))
    assert cleaned(site, files(5))
    staged = old.publish(site, build(6), "--stage")["release"]
    assert cleaned(site, files(5, 6))
    answer(new(site, "activate", staged))
    assert cleaned(site, files(6))

    # A release that only this uploader understands, the previous one refuses.
    staged = publish(site, build(7), "--stage")
    if not old.reads_all:
        done = old.run(site, "activate", staged)
        assert (done.returncode, done.stdout) == (1, "")
        assert re.fullmatch(r"uploader: .* is newer than .*\n", done.stderr)
    assert cleaned(site, files(6, 7))
    answer(new(site, "activate", staged))
    assert cleaned(site, files(7))


def test_going_back_to_the_previous_cleaner_and_forth_again_loses_nothing(
    versions: Versions, old: PreviousVersion, build: Builds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here a release was cut off before its pages were in place: visitors still get the release before."""
    site = versions.deploy_this()
    publish(site, build(8))
    assert cleaned(site, files(8))
    last = build(9)
    with monkeypatch.context() as patch:
        patch.setattr(publishing, "put_in_place", cut_off)
        assert new(site, last, "--release=r9").returncode == 1
    assert cleaned(site, files(8, 9))

    versions.deploy_previous()
    assert old.reads_all or refused(site)
    assert left(site) == files(8, 9)

    versions.deploy_this()
    assert cleaned(site, files(8, 9))
    publish(site, last)
    assert cleaned(site, files(9))


def test_the_ledger_changes_its_format_in_place_and_back_while_both_uploaders_publish(
    versions: Versions, old: PreviousVersion, build: Builds
) -> None:
    """A setting says which one the cleaner writes. Who cannot read it waits, and goes on when that is set back."""
    site = versions.deploy_this()

    # The cleaner only says at first that the format is to change: older versions of it may still run.
    write_format(site, HEAD_FORMAT)
    old.publish(site, build(10))
    assert cleaned(site, files(10))
    document = stored(site)
    assert document["format"] == FORMAT

    # An hour later it changes. This uploader reads it.
    noted = parse_instant(document["upgrading"]) - timedelta(hours=1)
    store(site, document | {"upgrading": format_instant(noted)})
    publish(site, build(11))
    assert cleaned(site, files(11))
    assert stored(site)["format"] == HEAD_FORMAT

    # The uploader of the version before is at work when it is set back.
    with old.start(site, build(12), "--release=r12") as upload:
        wait(lambda: pending(site), bool, "there is no intent")
        write_format(site, FORMAT)
        site.invoke({})
        assert stored(site)["format"] == FORMAT
        assert upload.wait() == 0
    assert cleaned(site, files(12))


@pytest.mark.skipif(not TORTURE, reason="eight processes; make torture runs it")
def test_the_previous_cleaner_of_a_site_inside_anothers_deletes_nothing_that_the_new_uploader_needs_there(
    aws: EmbeddedAws, old: PreviousVersion, tmp_path: Path
) -> None:
    aws.client("s3").create_bucket(Bucket="nested")
    outer, inner = (Installation(aws, "nested", "", prefix) for prefix in ("assets/", "assets/admin/"))
    shared = "shared-1a2b3c4d.js"
    builds = {"r1": shared, "r2": "other-1a2b3c4d.js", "o1": f"admin/{shared}", "o2": "app-1a2b3c4d.js"}
    for name, file in builds.items():
        (tmp_path / name / file).parent.mkdir(parents=True)
        (tmp_path / name / file).write_text("1")
    old.publish(inner, tmp_path / "r1")
    publish(outer, tmp_path / "o1")
    old.publish(inner, tmp_path / "r2")

    def deleted(*answers: dict[str, Any]) -> set[str]:
        return {each["key"].removeprefix(inner.prefix) for answer in answers for each in answer["delete"]}

    assert deleted(old.clean(inner), old.clean(inner), clean(ROOT, inner)) == set()
    publish(outer, tmp_path / "o2")
    assert deleted(clean(ROOT, inner)) == {shared}
