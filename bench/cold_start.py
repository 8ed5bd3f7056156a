"""``python -m bench.cold_start``: how long the cleaner's Lambda takes to start and to give its first answer.

It runs the bundle as the stack deploys it, under Lambda's own runtime interface client, with a Runtime API and an S3 on
this machine.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, TextIO

import click

from bench.errors import BenchError
from bench.report import MEGA, import_rows, import_times, markdown_table
from bench.runtime_api import RuntimeApi
from examples.embedded_aws import REGION, EmbeddedAws, EmbeddedAwsError
from infra.bundle import ROOT, BundleError, build
from release_log.environment import Variable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

INTERPRETER = ROOT / "bench" / "runtime" / ".venv" / "bin" / "python"
HANDLER = "cleaner_lambda.handler.lambda_handler"
BUCKET = "assets"
PREFIX = "assets/"
FILES = 20
MEMORY_MB = 2048
SECONDS = 60
"""The longest that a start or an answer may take."""

IMPORTS_SHOWN = 10
COUNTERS = ("init", "first", "second")


@dataclass(frozen=True, slots=True)
class Start:
    """One start of the runtime.

    Attributes:
        init: Seconds from the start of the process until its request for the first invocation.
        first: Seconds from that request to the first answer.
        second: Seconds of the second invocation.
        peak: The most memory that the process held at once, in bytes; None on a system that does not tell.
    """

    init: float
    first: float
    second: float
    peak: int | None


@dataclass(frozen=True, slots=True)
class Sizes:
    """The number of files of the bundle, and its size in bytes."""

    files: int
    unzipped: int
    zipped: int


def bundle_sizes(bundle: Path) -> Sizes:
    """Measure the bundle. It is zipped as the CDK does it, with deflate.

    Args:
        bundle: The folder with the Lambda's code.
    """
    paths = sorted(path for path in bundle.rglob("*") if path.is_file())
    with tempfile.TemporaryFile() as out:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in paths:
                archive.write(path, path.relative_to(bundle))
        return Sizes(len(paths), sum(path.stat().st_size for path in paths), out.tell())


def start_runtime(bundle: Path, environ: Mapping[str, str], *options: str) -> tuple[Start, str]:
    """Start the runtime for two dry runs, and stop it.

    Args:
        bundle: The folder with the Lambda's code.
        environ: The variables with S3's address and the credentials.
        options: Options of the interpreter.

    Returns:
        The measured times, and the output of the process.

    Raises:
        BenchError: The runtime does not start, or the cleaner refuses or fails.
    """
    with RuntimeApi() as api, tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            [INTERPRETER, *options, "-m", "awslambdaric", HANDLER],
            # As in Lambda, the function's folder is first in the path, and Python cannot write byte code into it.
            cwd=bundle,
            env={**environ, **function_environment(api.address), "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            ready = api.ready(SECONDS)
            first, answer = api.invoke({"dry_run": True}, SECONDS)
            check_answer(answer)
            api.ready(SECONDS)
            second, answer = api.invoke({"dry_run": True}, SECONDS)
            check_answer(answer)
            api.ready(SECONDS)
            peak = peak_memory(process.pid)
        except BenchError as error:
            process.kill()
            process.wait()
            output.seek(0)
            lines = output.read().decode(errors="replace").strip().splitlines()[-3:]
            msg = f"{error}; {' / '.join(lines)}"
            raise BenchError(msg) from error
        finally:
            process.kill()
            process.wait()
        output.seek(0)
        return Start(ready - began, first, second, peak), output.read().decode(errors="replace")


def function_environment(address: str) -> dict[str, str]:
    """The function's environment, as Lambda and the stack set it.

    Args:
        address: The address of the Runtime API.
    """
    return {
        "AWS_LAMBDA_RUNTIME_API": address,
        "AWS_LAMBDA_FUNCTION_NAME": "cleaner",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(MEMORY_MB),
        Variable.SITES.value: json.dumps([{"bucket": BUCKET, "prefix": PREFIX, "policy": {}}]),
    }


def check_answer(answer: Mapping[str, Any]) -> None:
    """Check that the cleaner really read the site.

    Raises:
        BenchError: It did not.
    """
    if answer.get("dry_run") is not True or answer.get("counts", {}).get("keep") != FILES:
        msg = f"not the answer of a dry run on {FILES} assets: {json.dumps(answer)[:500]}"
        raise BenchError(msg)


def peak_memory(pid: int) -> int | None:
    """The most memory that a running process has held at once, in bytes; None on a system other than Linux."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    for line in status.splitlines():
        name, _, value = line.partition(":")
        if name == "VmHWM":
            return int(value.split()[0]) * 1024
    return None


def report_text(starts: Sequence[Start], size: Sizes, importtime: str, conditions: Mapping[str, str]) -> str:
    """The report for people. Its tables are Markdown.

    Args:
        starts: The measured starts.
        size: The bundle's size.
        importtime: The output of a start under ``-X importtime``.
        conditions: How the starts were measured, and on which machine.
    """
    rows = []
    for name, title in zip(COUNTERS, ("start to first `next`", "first answer", "second answer"), strict=True):
        seconds = [getattr(each, name) for each in starts]
        rows.append([title, _ms(median(seconds)), f"{_ms(min(seconds))} to {_ms(max(seconds))}"])
    cold = [each.init + each.first for each in starts]
    rows.append(["start to first answer", _ms(median(cold)), f"{_ms(min(cold))} to {_ms(max(cold))}"])
    peaks = [each.peak for each in starts if each.peak is not None]
    if peaks:
        rows.append(["peak memory, MB", f"{max(peaks) / MEGA:.0f}", ""])
    rows.append(["bundle zipped, kB", f"{size.zipped / 1000:.0f}", ""])
    rows.append(["bundle unzipped, kB", f"{size.unzipped / 1000:.0f}", f"{size.files} files"])
    spent = import_times(importtime)
    heading = f"import up to the second answer, {sum(spent.values()) / 1000:.0f} ms in all"
    parts = [
        markdown_table(("", "median, ms", "min to max"), rows),
        markdown_table((heading, "modules", "own ms"), import_rows(spent)[:IMPORTS_SHOWN]),
        "\n".join(f"{name}: {value}" for name, value in conditions.items()),
    ]
    return "\n\n".join(parts)


@click.command()
@click.option("--rounds", type=click.IntRange(1), default=9, show_default=True, help="How often to start the Lambda.")
@click.option("--json", "file", type=click.File("w", lazy=False), help="Also write every start to this file.")
def main(rounds: int, file: TextIO | None) -> None:
    """Measure the cold start of the cleaner's Lambda."""
    if not INTERPRETER.exists():
        msg = "the runtime interface client is not installed: run `make cold-start`"
        raise click.ClickException(msg)
    load = os.getloadavg()[0]
    try:
        with tempfile.TemporaryDirectory(prefix="cold-start-") as scratch, EmbeddedAws() as aws:
            bundle = build(Path(scratch) / "bundle")
            environ = _publish_site(aws, Path(scratch) / "site")
            start_runtime(bundle, environ)  # warms the page cache
            starts = [start_runtime(bundle, environ)[0] for _ in range(rounds)]
            importtime = start_runtime(bundle, environ, "-X", "importtime")[1]
            size = bundle_sizes(bundle)
    except (BenchError, BundleError, EmbeddedAwsError) as error:
        raise click.ClickException(str(error)) from error
    conditions = {
        "rounds": str(rounds),
        "machine": f"{os.cpu_count()} processors, {platform.system()} {platform.machine()}",
        "load at the start": f"{load:.1f}",
        **_versions(),
    }
    click.echo(report_text(starts, size, importtime, conditions))
    if file is not None:
        document = {
            "settings": conditions,
            "starts": [asdict(each) for each in starts],
            "bundle": asdict(size),
            "import_microseconds": import_times(importtime),
        }
        file.write(json.dumps(document, indent=1) + "\n")


def _publish_site(aws: EmbeddedAws, site: Path) -> dict[str, str]:
    """Publish a small site.

    Returns:
        The environment variables with which the Lambda reaches the site.
    """
    aws.client("s3").create_bucket(Bucket=BUCKET)
    site.mkdir()
    for number in range(FILES):
        (site / f"chunk{number}-{number:04x}9f3c2ab1.js").write_text(f"// {number}\n")
    environ = aws.environment(PYTHONPATH=str(ROOT))
    command = [sys.executable, "-m", "uploader", str(site), "--bucket", BUCKET, "--release", "r1", "--quiet"]
    answer = subprocess.run(command, env=environ, cwd=site.parent, capture_output=True, text=True, check=False)
    if answer.returncode:
        msg = f"the uploader failed: {answer.stderr.strip()}"
        raise BenchError(msg)
    # The Lambda gets nothing else of this process's environment.
    kept = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL")
    return {name: environ[name] for name in kept} | {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}


def _versions() -> dict[str, str]:
    names = ("awslambdaric", "boto3")
    code = (
        "import sys; from importlib.metadata import version; print(sys.version.split()[0], *map(version, sys.argv[1:]))"
    )
    answer = subprocess.run([INTERPRETER, "-c", code, *names], capture_output=True, text=True, check=True)
    return dict(zip(("Python", *names), answer.stdout.split(), strict=True))


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f}"


if __name__ == "__main__":
    sys.exit(main())
