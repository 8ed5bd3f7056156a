"""The settings of a rule: how each value is checked, and its line in docs/headers.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from uploader.treatment import rule_values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class RuleSetting(NamedTuple):
    """One setting of a rule.

    Attributes:
        check: A function that checks the value, and returns it as a `Rule` holds it.
        doc: The meaning, for docs/headers.md.
        schema: The form of the value, as JSON Schema says it; the check is stricter.
    """

    check: Callable[[object], object]
    doc: str
    schema: Mapping[str, Any] = {"type": "string"}


def _words(texts: Sequence[str]) -> str:
    """Some words as a phrase of the documents: the last two with an "or" between them."""
    *most, last = (f"`{text}`" for text in texts)
    return f"{', '.join(most)} or {last}"


RULE_SETTINGS: Mapping[str, RuleSetting] = {
    "match": RuleSetting(
        rule_values.globs,
        "which files: a glob, or a list of globs",
        {"type": ["string", "array"], "items": {"type": "string"}, "minItems": 1},
    ),
    "cache_control": RuleSetting(rule_values.cache_control, "`Cache-Control`"),
    "content_type": RuleSetting(
        rule_values.content_type, "`Content-Type`, exactly as you write it: with a charset, if you want one"
    ),
    "content_encoding": RuleSetting(
        rule_values.content_encoding,
        f"how the file is compressed already: {_words(rule_values.CODINGS[:-1])}; "
        f"`{rule_values.CODINGS[-1]}`: it is not compressed, although its name suggests it",
        {"enum": rule_values.CODINGS},
    ),
    "content_disposition": RuleSetting(
        rule_values.content_disposition,
        "`Content-Disposition`: `inline` or `attachment`, with a file name if you want one",
    ),
    "content_language": RuleSetting(
        rule_values.content_language, "`Content-Language`: language tags, separated by commas"
    ),
    "metadata": RuleSetting(
        rule_values.metadata,
        "a table of your own metadata: `x-amz-meta-…`",
        {"type": "object", "additionalProperties": {"type": "string"}},
    ),
    "storage_class": RuleSetting(
        rule_values.storage_class, _words(rule_values.STORAGE_CLASSES), {"enum": rule_values.STORAGE_CLASSES}
    ),
    "skip": RuleSetting(rule_values.flag, "`true`: do not publish the file", {"type": "boolean"}),
    "gzip": RuleSetting(
        rule_values.flag, "`true`: compress the file with gzip, if that saves bytes", {"type": "boolean"}
    ),
    "brotli": RuleSetting(
        rule_values.flag, "`true`: compress the file with Brotli, if that saves bytes", {"type": "boolean"}
    ),
}
"""Every setting of a rule."""

NOT_SETTINGS: Mapping[str, str] = {
    "acl": "buckets have no ACLs any more; let the bucket's policy or CloudFront's origin access control allow it",
    "expires": "every client prefers max-age in Cache-Control, which all objects have: use cache_control",
    "tagging": "a file that is sent again would lose the cleaner's tags, by which it knows since when: use metadata",
    "website_redirect_location": "only S3's website endpoint follows it: redirect at the CDN, or in the page",
}
"""What other uploaders set on an object, and this one does not -> why, and what to do instead."""
