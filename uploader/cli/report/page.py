"""The report as one HTML file that asks no network for anything.

What comes from the bucket is in the page once, as JSON in an element that no browser executes, and the page's script
shows it as text. The policy in the page's head allows the page's own styles and scripts, by their digests, and nothing
else. The charts are uPlot's, which lies in ``parts/`` with its licence.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from uploader.printable import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

POLICY = (
    "default-src 'none'; script-src {scripts}; style-src {styles}; img-src data:; base-uri 'none'; form-action 'none'"
)
"""https://www.w3.org/TR/CSP3/"""


def page(report: Mapping[str, Any]) -> str:
    """The report as HTML; the argument is its document."""
    styles, scripts = _part("uPlot.css") + _part("page.css"), [_part("uPlot.js"), _part("page.js")]
    parts = {
        "title": html.escape(printable(f"s3://{report['bucket']}/{report['prefix']}")),
        "policy": POLICY.format(scripts=" ".join(map(_digest, scripts)), styles=_digest(styles)),
        "licence": html.escape(_part("uPlot.LICENSE")),
        "styles": styles,
        "data": _data(report),
        "charts": scripts[0],
        "script": scripts[1],
    }
    # In one pass: what is put in is not looked at again.
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _part("page.html"))


def _part(name: str) -> str:
    return files(__package__).joinpath("parts", name).read_text("utf-8")


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _data(report: Mapping[str, Any]) -> str:
    """JSON in ASCII that ends no element and begins no comment."""
    text = json.dumps(_shown(report), separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _shown(value: Any) -> Any:  # noqa: ANN401 (JSON's)
    """A value whose texts are all `printable`."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {printable(name): _shown(each) for name, each in value.items()}
    return [_shown(each) for each in value] if isinstance(value, list) else value
