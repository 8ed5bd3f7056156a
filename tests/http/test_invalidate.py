"""``--invalidate``, against a CloudFront over HTTP."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from examples.embedded_aws import REGION
from uploader.aws.access import Access, Keys
from uploader.publishing.invalidation import Cdn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.http.conftest import Uploader

    Folder = Callable[[str, dict[str, str]], Path]

ORIGIN = {"Id": "site", "DomainName": "site.s3.amazonaws.com", "S3OriginConfig": {"OriginAccessIdentity": ""}}
BEHAVIOUR = {"TargetOriginId": "site", "ViewerProtocolPolicy": "allow-all"}
FIRST = {"app-3f9c2ab1.js": "1", "index.html": "1", "robots.txt": "1"}
SECOND = {"app-4a8d3bc2.js": "2", "index.html": "2", "robots.txt": "1"}


@pytest.fixture
def distribution(uploader: Uploader) -> str:
    """A distribution of its own; returns its id."""
    config = {
        "CallerReference": uploader.bucket,
        "Comment": "",
        "Enabled": True,
        "Origins": {"Quantity": 1, "Items": [ORIGIN]},
        "DefaultCacheBehavior": BEHAVIOUR,
    }
    made: str = uploader.aws.client("cloudfront").create_distribution(DistributionConfig=config)["Distribution"]["Id"]
    return made


def invalidations(uploader: Uploader, distribution: str) -> list[set[str]]:
    """The paths of each invalidation that there is."""
    client = uploader.aws.client("cloudfront")
    items = client.list_invalidations(DistributionId=distribution)["InvalidationList"].get("Items", ())
    batches = [
        client.get_invalidation(DistributionId=distribution, Id=item["Id"])["Invalidation"]["InvalidationBatch"]
        for item in items
    ]
    return [set(batch["Paths"]["Items"]) for batch in batches]


@pytest.mark.scenario("T20")
def test_what_was_replaced_is_invalidated_once_and_nothing_else(
    uploader: Uploader, site_folder: Folder, distribution: str
) -> None:
    uploader.upload(site_folder("one", FIRST))
    done = uploader.upload(site_folder("two", SECOND), "--invalidate", distribution)
    assert invalidations(uploader, distribution) == [{"/assets/index.html", "/assets/"}]
    assert done["invalidation"]["distribution"] == distribution
    assert done["invalidation"]["paths"] == ["/assets/", "/assets/index.html"]
    assert done["invalidation"]["id"]


def test_nothing_changed_nothing_invalidated(uploader: Uploader, site_folder: Folder, distribution: str) -> None:
    uploader.upload(site_folder("one", FIRST))
    done = uploader.upload(site_folder("one", FIRST), "--invalidate", distribution)
    assert invalidations(uploader, distribution) == []
    assert done["invalidation"] == {"distribution": distribution, "paths": [], "id": None}


def test_without_the_option_no_cdn_is_asked(uploader: Uploader, site_folder: Folder) -> None:
    assert uploader.upload(site_folder("one", FIRST))["invalidation"] is None


def test_a_dry_run_says_what_it_would_invalidate(uploader: Uploader, site_folder: Folder, distribution: str) -> None:
    answer = uploader.run(
        site_folder("one", FIRST), "--bucket", uploader.bucket, "--dry-run", "--invalidate", distribution
    )
    assert "would invalidate /assets/index.html\nwould invalidate /assets/robots.txt\n" in answer.stdout
    assert invalidations(uploader, distribution) == []


def test_a_staged_release_has_replaced_nothing(uploader: Uploader, site_folder: Folder, distribution: str) -> None:
    answer = uploader.run(
        *(site_folder("one", FIRST), "--bucket", uploader.bucket, "--stage"),
        *("--invalidate", distribution, "--invalidate-root", "/assets"),
    )
    assert answer.returncode == 0, answer.stderr
    assert invalidations(uploader, distribution) == []


def test_the_same_release_is_invalidated_once(uploader: Uploader, distribution: str) -> None:
    """After a lost answer the request is sent again."""
    access = Access(uploader.bucket, REGION, keys=Keys("test", "test"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", uploader.aws.url)
        cdn = Cdn(distribution)
        ids = {cdn.invalidate(access, "20261123T060500Z-one", paths) for paths in (("/a", "/b"), ("/b", "/a"))}
        assert len(ids) == 1
        cdn.invalidate(access, "20261123T060500Z-one", ("/c",))
        cdn.invalidate(access, "20261123T060501Z-two", ("/c",))
    assert len(invalidations(uploader, distribution)) == 3


@contextmanager
def refusing(code: str, status: int) -> Iterator[str]:
    """A CloudFront that refuses everything; its address."""

    class Refuse(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = f"<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>".encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Refuse) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("code", "status", "why"),
    [
        (
            "AccessDenied",
            403,
            (
                "access denied: allow the build job's role cloudfront:CreateInvalidation "
                "on arn:aws:cloudfront::*:distribution/E2EXAMPLE"
            ),
        ),
        ("NoSuchDistribution", 404, "this account has no distribution 'E2EXAMPLE': check --invalidate"),
        ("TooManyInvalidationsInProgress", 400, "it is busy with earlier ones: wait some minutes"),
        ("InvalidArgument", 400, "cloudfront:CreateInvalidation at E2EXAMPLE failed: InvalidArgument"),
    ],
)
def test_a_refusal_leaves_the_release_published_and_says_what_to_do(
    uploader: Uploader, site_folder: Folder, code: str, status: int, why: str
) -> None:
    with refusing(code, status) as url:
        answer = uploader.run(
            *(site_folder("one", {"robots.txt": "1"}), "--bucket", uploader.bucket, "--json"),
            *("--invalidate", "E2EXAMPLE"),
            AWS_ENDPOINT_URL_CLOUDFRONT=url,
        )
    document: dict[str, Any] = json.loads(answer.stdout)
    assert answer.returncode == 1
    assert document["marker"] in uploader.keys()
    assert document["invalidation"]["id"] is None
    assert answer.stderr.splitlines()[-1] == (
        f"uploader: release {document['release']} was released, but CloudFront still has old copies ({why}); "
        "then run: aws cloudfront create-invalidation --distribution-id E2EXAMPLE --paths /assets/robots.txt"
    )


def test_after_a_roll_out_the_release_is_current_though_its_invalidation_is_refused(
    uploader: Uploader, site_folder: Folder, tmp_path: Path
) -> None:
    rolled_out, told = tmp_path / "rolled-out", tmp_path / "told"
    with refusing("AccessDenied", 403) as url:
        answer = uploader.run(
            *("run", site_folder("one", FIRST), "--bucket", uploader.bucket, "--invalidate", "E2EXAMPLE"),
            *("--", "touch", rolled_out),
            AWS_ENDPOINT_URL_CLOUDFRONT=url,
            GITHUB_ACTIONS="true",
            GITHUB_OUTPUT=str(told),
        )
    assert answer.returncode == 1
    assert "\nactivated " in answer.stdout
    assert "marker=assets/.releases/markers/" in told.read_text()
    assert " is current, but CloudFront still has old copies" in answer.stderr
    assert rolled_out.exists()
    assert len([key for key in uploader.keys() if "/.releases/markers/" in key]) == 1


def test_who_puts_pages_in_place_without_a_build_invalidates_them(
    uploader: Uploader, site_folder: Folder, distribution: str
) -> None:
    """An activation, a rollback, and an end after which another channel's page is back."""
    options = ("--bucket", uploader.bucket, "--invalidate", distribution, "--json")
    uploader.upload(site_folder("one", FIRST))
    staged = uploader.run(site_folder("two", SECOND), "--stage", *options)
    assert invalidations(uploader, distribution) == []

    def done(*arguments: str) -> Any:  # noqa: ANN401 (JSON)
        answer = uploader.run(*arguments, *options)
        assert answer.returncode == 0, answer.stderr
        return json.loads(answer.stdout)["invalidation"]["paths"]

    page = ["/assets/", "/assets/index.html"]
    assert done("activate", json.loads(staged.stdout)["release"]) == page
    assert done("rollback", "--previous") == page
    other = {"app-5b9e4cd3.js": "3", "index.html": "3"}
    assert done("upload", str(site_folder("three", other)), "--channel", "other") == page
    assert done("end", "--channel", "other") == page
    assert invalidations(uploader, distribution) == [set(page)] * 4
    assert done("end", "--channel", "other") == []


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--invalidate", "d111111abcdef8.cloudfront.net"), "is not a distribution's id such as"),
        (("--invalidate", "E2EXAMPLE", "--invalidate-root", "/web"), "no key of the site 'assets/' begins with 'web/'"),
    ],
)
def test_a_wrong_option_writes_nothing(
    uploader: Uploader, site_folder: Folder, options: tuple[str, ...], problem: str
) -> None:
    answer = uploader.run(site_folder("one", FIRST), "--bucket", uploader.bucket, *options)
    assert answer.returncode == 2
    assert problem in answer.stderr
    assert uploader.keys() == []
