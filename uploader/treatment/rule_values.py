"""What may stand in a rule: each value is checked where it is written, not when S3 or a browser refuses it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from uploader.nearest import nearest
from uploader.treatment.globs import GlobError, translate

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

CODINGS = ("gzip", "br", "zstd", "deflate", "identity")

STORAGE_CLASSES = (
    "STANDARD",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER_IR",
    "REDUCED_REDUNDANCY",
)
"""Those that S3 serves at once: https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html"""

_ARCHIVES = ("GLACIER", "DEEP_ARCHIVE")

METADATA_BYTES = 2048
"""S3's limit for all names and values together, ours included:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html"""

OWN_METADATA = ("digest", "encode", "headers", "writer")
"""What the uploader stores with an object itself."""

_OWN_BYTES = 256
"""Room for those."""

_HEADERS = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "storage-class",
)

_TOKEN = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"  # noqa: S105 (https://www.rfc-editor.org/rfc/rfc9110#name-tokens)
_TYPE = re.compile(rf'{_TOKEN}/{_TOKEN}(\s*;\s*{_TOKEN}=({_TOKEN}|"[^"]*"))*')
_DISPOSITION = re.compile(rf"(inline|attachment)(\s*;\s*{_TOKEN}=.+)*", re.IGNORECASE)
_LANGUAGES = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*(\s*,\s*[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*)*")
_METADATA_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


class ValueRefusedError(ValueError):
    """The message goes on from the setting's name: what is wrong with its value, and what to write instead."""


def hint(name: str, known: Collection[str]) -> str:
    """The known name that was meant, if one is near, else all of them; for the end of a message."""
    plain = {each.lower(): each for each in known}
    near = nearest(name, plain)
    return f"did you mean {plain[near]!r}?" if near else f"known: {', '.join(known)}"


def globs(value: object) -> tuple[str, ...]:
    """One glob, or a list of them."""
    given = value if isinstance(value, list) else [value]
    if not given:
        _refuse(value, "names no file: give a glob such as '*.html', or a list of them")
    for glob in given:
        if not isinstance(glob, str):
            _refuse(value, "is not a glob such as '*.html', nor a list of them")
        try:
            translate(glob)
        except GlobError as error:
            _refuse(glob, str(error))
    return tuple(given)


def header(value: object) -> str:
    """What HTTP takes for the value of a header."""
    if not isinstance(value, str):
        _refuse(value, "is not text: put it in quotes")
    if not value.strip():
        _refuse(value, "is empty: leave the setting out, and it stays as it is without a rule")
    if value != value.strip():
        _refuse(value, "begins or ends with a space: take it off")
    if not value.isascii() or not value.isprintable():
        _refuse(value, "has a character that a header cannot hold: keep to printable ASCII, on one line")
    return value


def content_type(value: object) -> str:
    """A MIME type, with its parameters."""
    text = header(value)
    if not _TYPE.fullmatch(text):
        _refuse(value, "is not a MIME type such as 'text/html; charset=utf-8'")
    return text


def content_encoding(value: object) -> str:
    """A content coding that browsers know."""
    text = header(value)
    if text not in CODINGS:
        _refuse(value, f"is no content coding: {hint(text, CODINGS)}")
    return text


def content_disposition(value: object) -> str:
    """``inline`` or ``attachment``, with a file name if need be."""
    if isinstance(value, str) and not value.isascii():
        _refuse(value, "has a letter that a header cannot hold: write filename*=UTF-8''na%C3%AFve.pdf instead")
    text = header(value)
    if not _DISPOSITION.fullmatch(text):
        _refuse(value, "is neither inline nor attachment, as in 'attachment; filename=\"report.pdf\"'")
    return text


def content_language(value: object) -> str:
    """Language tags, with commas between them."""
    text = header(value)
    if not _LANGUAGES.fullmatch(text):
        _refuse(value, "is no language tag such as 'de' or 'pt-BR', nor several with commas between them")
    return text


def storage_class(value: object) -> str:
    """A storage class of S3 whose objects can be served."""
    text = header(value)
    if text in _ARCHIVES:
        _refuse(
            value, "is an archive, which no browser can fetch from: GLACIER_IR is the coldest that is served at once"
        )
    if text not in STORAGE_CLASSES:
        _refuse(value, f"is no storage class: {hint(text, STORAGE_CLASSES)}")
    return text


def metadata(value: object) -> tuple[tuple[str, str], ...]:
    """The user's own metadata, sorted."""
    if not isinstance(value, dict):
        _refuse(value, 'is not a table, as in { team = "web" }')
    for name, text in value.items():
        if not _METADATA_NAME.fullmatch(name):
            _refuse(name, "is no name for metadata: use small letters, digits, dots, hyphens and underscores")
        if name in OWN_METADATA:
            _refuse(name, "is the uploader's own: choose another name")
        if name in _HEADERS:
            _refuse(name, f"is a header: use the setting {name.replace('-', '_')} instead")
        try:
            header(text)
        except ValueRefusedError as error:
            msg = f"{name!r}: {error}"
            raise ValueRefusedError(msg) from error
    size = sum(len(name) + len(text) for name, text in value.items())
    if size > METADATA_BYTES - _OWN_BYTES:
        most = f"{METADATA_BYTES - _OWN_BYTES:,}"
        msg = f"has {size:,} bytes of names and values, and S3 has room for {most} beside our own: shorten it"
        raise ValueRefusedError(msg)
    return tuple(sorted(value.items()))


def flag(value: object) -> bool:
    """``true`` or ``false``."""
    if not isinstance(value, bool):
        _refuse(value, "is neither true nor false")
    return value


class RuleSetting(NamedTuple):
    """A setting that a rule may have.

    Attributes:
        check: Checks its value, and returns it as a `Rule` holds it.
        doc: What it says, for docs/headers.md.
    """

    check: Callable[[object], object]
    doc: str


def _words(texts: Sequence[str]) -> str:
    """Some words in a sentence of the documents."""
    *most, last = (f"`{text}`" for text in texts)
    return f"{', '.join(most)} or {last}"


RULE_SETTINGS: Mapping[str, RuleSetting] = {
    "match": RuleSetting(globs, "which files: a glob, or a list of globs"),
    "cache_control": RuleSetting(header, "`Cache-Control`"),
    "content_type": RuleSetting(
        content_type, "`Content-Type`, exactly as you write it: with a charset, if you want one"
    ),
    "content_encoding": RuleSetting(
        content_encoding,
        f"how the file is compressed already: {_words(CODINGS[:-1])}; "
        f"`{CODINGS[-1]}`: it is not compressed, although its name suggests it",
    ),
    "content_disposition": RuleSetting(
        content_disposition, "`Content-Disposition`: `inline` or `attachment`, with a file name if you want one"
    ),
    "content_language": RuleSetting(content_language, "`Content-Language`: language tags, separated by commas"),
    "metadata": RuleSetting(metadata, "a table of your own metadata: `x-amz-meta-…`"),
    "storage_class": RuleSetting(storage_class, _words(STORAGE_CLASSES)),
    "skip": RuleSetting(flag, "`true`: do not publish the file"),
    "gzip": RuleSetting(flag, "`true`: compress the file with gzip, if that saves bytes"),
    "brotli": RuleSetting(flag, "`true`: compress the file with Brotli, if that saves bytes"),
}
"""Every setting of a rule."""


def _refuse(value: object, why: str) -> NoReturn:
    msg = f"{value!r} {why}"
    raise ValueRefusedError(msg)
