"""The Lambda's bundle: always the same bytes, pure Python, small, and it runs with boto3 alone beside it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from bench.cold_start import bundle_sizes
from examples.embedded_aws import INTERPRETER
from infra import bundle as bundles
from infra.bundle import BundleError, build
from tests.paths import ROOT
from tests.synthesis import start_cdk

MAX_ZIP_BYTES = 5_000_000
NATIVE = {".so", ".pyd", ".dylib", ".dll", ".a", ".o"}
NATIVE_MAGIC = (b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")

RUNTIMES_OWN = ("boto3", "botocore", "s3transfer", "dateutil", "urllib3", "six.py")
"""The packages that Lambda's runtime brings with boto3, without jmespath, which the bundle contains."""

PROBE = """
import json, sys
sys.path[:0] = json.loads(sys.argv[1])
from cleaner_lambda.handler import lambda_handler
from cleaner_lambda.request import parse
from cleaner_lambda.sites import sites_from
import release_log.marker
event = {
    "source": "aws.s3",
    "detail-type": "Object Created",
    "detail": {"bucket": {"name": "b"}, "object": {"key": "assets/.releases/markers/20260101T000000Z-r1.json"}},
}
request = parse({"site": "assets/", "full": True})
files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
print(json.dumps({
    "handler": callable(lambda_handler),
    "payload": [request.site, request.full, request.dry_run],
    "event": [parse(event).site, parse(event).bucket],
    "sites": [site.prefix for site in sites_from({"SITES": '[{"bucket": "b", "prefix": "", "policy": {}}]'})],
    "files": [file for file in files if file],
    "stdlib": json.__file__,
}))
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real bundle."""
    return build(tmp_path_factory.mktemp("first") / "bundle")


def contents(folder: Path) -> dict[str, bytes]:
    """Path inside the folder -> content, of every file; and every folder, with a slash, so that empty ones count."""
    return {
        str(path.relative_to(folder)) + ("/" if path.is_dir() else ""): b"" if path.is_dir() else path.read_bytes()
        for path in folder.rglob("*")
    }


def test_two_builds_in_different_places_give_the_same_files_and_bytes(bundle: Path, tmp_path: Path) -> None:
    """Otherwise every ``cdk deploy`` would upload the Lambda anew."""
    second = contents(build(tmp_path / "elsewhere" / "another-name"))
    first = contents(bundle)
    assert sorted(first) == sorted(second)
    assert [path for path in first if first[path] != second[path]] == []


def test_the_hash_that_names_the_deployed_zip_depends_on_nothing_but_the_content(bundle: Path, tmp_path: Path) -> None:
    """The CDK names the zip by this hash of the folder: the same name is not uploaded again."""
    start_cdk()
    from aws_cdk import FileSystem  # noqa: PLC0415 (not before the CDK is started)

    second = build(tmp_path / "elsewhere")
    os.utime(second / "cleaner_lambda" / "handler.py", (0, 0))
    assert FileSystem.fingerprint(str(bundle)) == FileSystem.fingerprint(str(second))
    (second / "cleaner_lambda" / "handler.py").write_text("")
    assert FileSystem.fingerprint(str(bundle)) != FileSystem.fingerprint(str(second))


def test_a_build_replaces_what_the_folder_held(bundle: Path, tmp_path: Path) -> None:
    """A module that was deleted from the source must not live on in the Lambda."""
    out = tmp_path / "bundle"
    (out / "cleaner_lambda").mkdir(parents=True)
    (out / "cleaner_lambda" / "forgotten.py").write_text("")
    assert sorted(contents(build(out))) == sorted(contents(bundle))


def test_the_bundle_holds_our_two_packages_as_they_are_in_the_repository(bundle: Path) -> None:
    """The marker's schema too: the Lambda checks markers with it."""
    files = contents(bundle)
    for package in ("cleaner_lambda", "release_log"):
        source = {path: content for path, content in contents(ROOT / package).items() if "__pycache__" not in path}
        assert {
            path.removeprefix(f"{package}/"): content
            for path, content in files.items()
            if path.startswith(f"{package}/") and path != f"{package}/"
        } == source
    assert json.loads(files["release_log/marker.schema.json"])


def test_nothing_of_the_runtime_the_uploader_or_the_build_machine_is_in_the_bundle(bundle: Path) -> None:
    """boto3 comes with Lambda; an installer's notes and byte code would differ from machine to machine."""
    paths = [Path(path) for path in contents(bundle)]
    assert sorted({path.parts[0] for path in paths if not path.parts[0].endswith(".dist-info")}) == [
        "aws_lambda_powertools",
        "cleaner_lambda",
        "jmespath",
        "release_log",
        "typing_extensions.py",
    ]
    unwanted = {"__pycache__", "RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", ".lock", "bin"}
    assert [path for path in paths if unwanted & set(path.parts) or path.suffix == ".pyc"] == []
    folder = str(bundle).encode()
    assert [path for path, content in contents(bundle).items() if folder in content] == []


def test_no_file_is_native(bundle: Path) -> None:
    """One bundle serves every architecture, and the tests run the same code as Lambda does."""
    files = contents(bundle)
    assert [path for path in files if Path(path).suffix in NATIVE] == []
    assert [path for path, content in files.items() if content.startswith(NATIVE_MAGIC)] == []


def test_the_bundle_is_small_when_zipped_and_as_large_as_the_documents_say(bundle: Path) -> None:
    """A small bundle starts fast, and its code can be read in Lambda's console."""
    size = bundle_sizes(bundle)
    assert size.zipped < MAX_ZIP_BYTES
    page = " ".join((ROOT / "docs" / "bundle.md").read_text().split())
    assert f"{size.zipped / 1e6:.1f} MB zipped, {size.unzipped / 1e6:.1f} MB unzipped" in page


def test_the_bundle_imports_and_answers_beside_nothing_but_the_runtimes_boto3(bundle: Path, tmp_path: Path) -> None:
    """Without environment variables and site-packages: only the bundle, boto3 and boto3's own dependencies."""
    (packages,) = (INTERPRETER.parents[1] / "lib").glob("python3*/site-packages")
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    for name in RUNTIMES_OWN:
        (runtime / name).symlink_to(packages / name)
    answer = subprocess.run(
        [INTERPRETER, "-I", "-S", "-B", "-W", "error", "-c", PROBE, json.dumps([str(bundle), str(runtime)])],
        cwd=tmp_path,
        env={},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (answer.returncode, answer.stderr) == (0, "")
    said = json.loads(answer.stdout)
    assert said["handler"]
    assert said["payload"] == ["assets/", True, False]
    assert said["event"] == ["assets/", "b"]
    assert said["sites"] == [""]
    homes = (str(bundle), str(runtime), str(Path(said["stdlib"]).parents[1]))
    foreign = [file for file in said["files"] if not file.startswith(homes) or "site-packages" in file]
    assert foreign == []
    # Importing the classes of all services' events would take a fifth of the start.
    assert [file for file in said["files"] if "/utilities/data_classes/" in file] == []
    ours = [file for file in said["files"] if "/cleaner_lambda/" in file or "/release_log/" in file]
    assert ours
    assert [file for file in ours if not file.startswith(str(bundle))] == []


def test_a_failure_of_uv_is_told_with_what_uv_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Offline and with an empty cache uv cannot install anything: the build raises our error."""
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    with pytest.raises(BundleError, match=r"\Auv (export --locked|pip install) failed: \S") as caught:
        build(tmp_path / "bundle")
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("name", ["fast.cpython-313-aarch64-linux-gnu.so", "fast.pyd", "fast.dylib"])
def test_a_dependency_with_a_native_file_is_refused(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A future version of a dependency may bring one; the build says which, not the Lambda at its first import."""
    out = tmp_path / "bundle"

    def uv(*arguments: str) -> str:
        if arguments[:2] == ("pip", "install"):
            (out / "dependency").mkdir()
            (out / "dependency" / name).write_bytes(b"")
        return ""

    monkeypatch.setattr(bundles, "_uv", uv)
    with pytest.raises(BundleError, match=rf"\Adependency/{name} is not pure Python"):
        build(out)
