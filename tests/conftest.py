"""The embedded AWS that the tests talk to over HTTP: one server for the whole run, one bucket for each test."""

from __future__ import annotations

import functools
import gc
import itertools
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.loaders import create_loader
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling

from examples.embedded_aws import EmbeddedAws
from tests.torture import TORTURE

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_FIRST = (
    "chaos/test_chaos.py",
    "e2e/test_permissions.py",
    "infra/test_audit.py",
    "interleaving/test_small_cases.py",
    "installed/test_main_job.py",
    "infra/test_app.py",
    "http/test_clean_faults.py",
    "installed/test_demo.py",
    "http/test_faults.py",
    "installed/test_upgrade.py",
    "http/test_odd_objects.py",
    "installed/test_lifetime.py",
    "installed/test_many_sites.py",
    "http/test_large_files.py",
    "http/test_cut_answers.py",
    "unit/cleaner_lambda/test_second_model.py",
    "unit/cleaner_lambda/test_policy_laws.py",
    "unit/cleaner_lambda/test_pruning.py",
    "http/test_clean.py",
    "interleaving/test_random_1.py",
    "interleaving/test_random_2.py",
    "unit/cleaner_lambda/test_large_work.py",
    "http/test_nested_sites.py",
    "http/test_doctor.py",
    "http/test_killed.py",
    "unit/cleaner_lambda/test_run_laws.py",
    "http/test_many_files.py",
    "http/test_large_work.py",
    "pages/test_install_steps.py",
)
"""Modules that come last should be short, or the other workers wait for them.

``test_app`` starts the CDK in processes of its own; the rest of ``infra`` goes with its first, as `Scheduling` says,
and so does what deploys the stack with ``chaos``.
"""

DEPLOYS = ("tests/chaos/", "tests/e2e/", "tests/pages/test_install_steps.py")
"""The tests that synthesise the stack to deploy it: the CDK's start, and the Lambda's bundle, take seconds each."""

settings.register_profile(
    "untimed",
    deadline=None,  # the time of an example depends on the machine
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=100 if TORTURE else 40,
)
settings.load_profile("untimed")

_numbers = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the modules that take longest."""
    places = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST_FIRST)}
    gone = [path.name for path in places if not path.exists()]
    if gone:
        msg = f"LONGEST_FIRST names modules that do not exist: {', '.join(gone)}"
        raise pytest.UsageError(msg)
    items.sort(key=lambda item: places.get(item.path, len(places)))


def pytest_collection() -> None:
    """Keep the garbage collector out of the collection, in which nothing is garbage yet."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Spare the garbage collector what lives as long as the run: it took a quarter of the tests' time.

    Nor may a test's module start the CDK, which every worker would do: see `tests.synthesis.start_cdk`.
    """
    if "aws_cdk" in sys.modules:
        msg = "a test's module imports aws_cdk, which takes each worker seconds: import it within the test"
        raise pytest.UsageError(msg)
    gc.enable()
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


class Scheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """A module's tests to one worker; several modules' if they start the CDK, and the longest module's to several."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        if file.startswith(DEPLOYS):
            return "deploys"
        if file.startswith("tests/infra/") and not file.endswith("/test_app.py"):
            return "tests/infra"
        # As long as a quarter of all tests: by its functions, or the other workers would wait for its.
        return nodeid.partition("[")[0] if file == "tests/interleaving/test_small_cases.py" else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Scheduling:
    """Our scheduler in place of ``--dist``; pytest calls this only with xdist."""
    return Scheduling(config, log)


@pytest.fixture(autouse=True, scope="session")
def foreground() -> None:
    """Handle Ctrl-C and a closed terminal as in the foreground, here and in the processes started here.

    A shell's background job ignores Ctrl-C, and `nohup` ignores a closed terminal.
    """
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, lambda *_: None)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.fixture(autouse=True, scope="session")
def models_read_once() -> Iterator[None]:
    """Let the sessions of boto3 share the services' models: to read them takes each a tenth of a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.session.create_loader", functools.cache(create_loader))
        yield


@pytest.fixture(scope="session")
def aws() -> Iterator[EmbeddedAws]:
    """An AWS on this machine."""
    with EmbeddedAws() as embedded:
        yield embedded


@pytest.fixture
def bucket(aws: EmbeddedAws) -> str:
    """A new, empty bucket."""
    name = f"bucket-{next(_numbers)}"
    aws.client("s3").create_bucket(Bucket=name)
    return name
