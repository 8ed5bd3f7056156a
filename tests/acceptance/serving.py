"""Step: the curl commands of ``docs/cloudfront.md``, run at the distribution as they are written there."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING, NamedTuple

from examples.cdk_command import ROOT
from tests.acceptance.installing import CDN
from tests.acceptance.steps import Step, expect
from tests.acceptance.template import count, synthesised, texts

if TYPE_CHECKING:
    from tests.acceptance.world import World

BUCKET = "my-assets.s3.eu-west-1.amazonaws.com"
"""The bucket's host on the page."""


class Curl(NamedTuple):
    """A command of the page.

    Attributes:
        words: The command.
        says: What the page says of its answer.
    """

    words: list[str]
    says: str

    @property
    def statuses(self) -> set[str]:
        """The status codes that the page allows; 200 if it names none."""
        return set(re.findall(r"\b[1-5]\d\d\b", self.says)) or {"200"}

    @property
    def header(self) -> str:
        """The header that the page names, in lower case; empty if it names none."""
        found = re.search(r"Cache-Control|Content-Encoding: br|Access-Control-Allow-Origin", self.says)
        return found[0].lower() if found else ""


def commands() -> list[Curl]:
    """The commands of the page."""
    page = (ROOT / "docs" / "cloudfront.md").read_text()
    found = re.findall(r"^\$ (curl .*?) +# (.*)$", page, re.MULTILINE)
    return [Curl(shlex.split(command), says) for command, says in found]


def ask(world: World) -> str:
    installed = world.installed["cdn"]
    site, said = installed.site(), []
    host = installed.outputs["DistributionDomainName"]
    origin = f"{site.bucket}.s3.{installed.place.region}.amazonaws.com"
    curl = shutil.which("curl")
    expect(curl is not None, "curl is not on the PATH")
    assert curl is not None
    version = subprocess.run([curl, "--version"], capture_output=True, text=True, check=True).stdout
    for each in commands():
        if "--http3" in each.words and "HTTP3" not in version:
            said.append("--http3: this curl has no HTTP/3")
            continue
        words = [word.replace("$HOST", host).replace(BUCKET, origin) for word in each.words]
        answer = subprocess.run(
            [curl, *words[1:], "--max-time", "30"], capture_output=True, text=True, check=False
        ).stdout
        status = (answer.split() or ["", "no answer"])[1]
        shown = f"{shlex.join(each.words)}: {status}"
        expect(status in each.statuses, f"{shown}, not {each.says}: {answer}")
        expect(each.header in answer.lower(), f"{shown}, without {each.header}: {answer}")
        said.append(shown)
    # CloudFront needs a quarter of an hour for that.
    installed.begin_removal()
    return "; ".join(said)


def in_template(world: World) -> str:
    found = commands()
    denied = sum(bool(each.statuses & {"403", "404"}) for each in found)
    expect(len(found) == 9 and denied == 4, found)
    made = synthesised(world, distribution="true", cors_origins="https://www.example.com")
    said = texts(made)
    for words in ("redirect-to-https", '"EnableAcceptEncodingBrotli": true', '"HttpVersion": "http2and3"'):
        expect(words in said, f"the template lacks {words}")
    expect(count(made, "AWS::CloudFront::Function") == 2, "a behaviour has no function")
    return f"the page has {len(found)} commands, and the template the settings that they show"


STEPS = (
    Step(
        "curl at the distribution",
        "Each command of docs/cloudfront.md is answered as the page says.",
        ask,
        "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html",
        needs=(CDN,),
        lacks="the edges' names, TLS and cache",
        instead=in_template,
    ),
)
