"""Record what an installation of the first version leaves: ``python -m tests.e2e.first_version.record``.

It takes that version out of git, deploys its stack, publishes releases with its uploader, and lets its cleaner run.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from examples.embedded_aws import EmbeddedAws
from tests.e2e.checkout import check_out, synthesize
from tests.e2e.cloudformation import deploy_assembly

if TYPE_CHECKING:
    from examples.installation import Installation

COMMIT = "317edde"
STACK = "AssetCleaner"
POLICY = {"grace": 0, "version_limit": 1, "version_ttl": 5, "removed_ttl": 3_153_600_000}
"""A superseded asset is due after five seconds, a removed one after a hundred years."""

RELEASES = {
    "v1": {"app-1a2b3c4d.js": "1", "logo-9c0d1e2f.png": "1", "index.html": "1"},
    "v2": {"app-5e6f7a8b.js": "2", "index.html": "2"},
    "v3": {"app-7b8c9d0e.js": "3", "index.html": "3"},
}
"""Release -> its files. With the third, the first one's script is beyond the limit, and the second one's is kept."""

HERE = Path(__file__).parent


def main() -> None:
    """Write ``template.json`` and ``left.json`` beside this module."""
    with TemporaryDirectory() as scratch, EmbeddedAws() as aws:
        old = Path(scratch)
        check_out(COMMIT, old)
        deployed = deploy_assembly(aws, STACK, synthesize(old, POLICY, aws.environment()))
        site = deployed.installation(aws)
        for release, files in RELEASES.items():
            _publish(site, old, release, files)
            time.sleep(1)  # each has a second of its own: an instant tells which release it is about
        left = {
            "objects": [_read(site, each["Key"]) for each in _objects(site)],
            "wake_ups": [each["Target"]["Input"] for each in site.wait_for_wake_up()],
        }
    for name, what in (("template", deployed.template), ("left", left)):
        (HERE / f"{name}.json").write_text(json.dumps(what, indent=1, sort_keys=True) + "\n")


def _publish(site: Installation, old: Path, release: str, files: dict[str, str]) -> None:
    build = old / release
    build.mkdir()
    for name, content in files.items():
        (build / name).write_text(content)
    command = [sys.executable, "-m", "uploader", str(build), f"--bucket={site.bucket}", f"--prefix={site.prefix}"]
    said = subprocess.run(
        [*command, f"--release={release}", "--json"],
        cwd=old,
        env=site.aws.environment(),
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    site.wait_until_cleaned(json.loads(said)["release"])


def _objects(site: Installation) -> list[dict[str, Any]]:
    listing = site.aws.client("s3").list_objects_v2(Bucket=site.bucket)
    return list(listing["Contents"])


def _read(site: Installation, key: str) -> dict[str, Any]:
    """The data to store an object again; a compressed body as its content."""
    found = site.aws.client("s3").get_object(Bucket=site.bucket, Key=key)
    body = found["Body"].read()
    headers = ("ContentType", "CacheControl", "ContentEncoding", "Metadata")
    return {
        "Key": key,
        "Body": (gzip.decompress(body) if key.endswith(".gz") else body).decode(),
        "tags": site.tags(key),
        **{name: found[name] for name in headers if found.get(name)},
    }


if __name__ == "__main__":
    main()
