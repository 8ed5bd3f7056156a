"""Check the values of a rule's settings when we read the rule, and not when S3 or a browser refuses them."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING, NoReturn

from uploader.nearest import nearest
from uploader.treatment.cache_control import problem_of
from uploader.treatment.globs import GlobError, translate

if TYPE_CHECKING:
    from collections.abc import Collection

CODINGS = ("gzip", "br", "zstd", "deflate", "identity")

STORAGE_CLASSES = (
    "STANDARD",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER_IR",
    "REDUCED_REDUNDANCY",
)
"""The storage classes whose objects S3 serves at once: https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html"""

ARCHIVES = ("GLACIER", "DEEP_ARCHIVE")
"""Storage classes from which an object cannot be read until somebody has brought it back."""

METADATA_BYTES = 2048
"""S3's limit for all names and values together, the user's and ours:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html"""

OWN_METADATA = ("digest", "encode", "headers", "writer")
"""The names in an object's metadata that the uploader itself uses."""

_OWN_BYTES = 256
"""The bytes that we reserve for the uploader's own names and values."""

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
_KINDS = (
    "application",
    "audio",
    "chemical",
    "font",
    "haptics",
    "image",
    "message",
    "model",
    "multipart",
    "text",
    "video",
)
"""https://www.iana.org/assignments/media-types, and `chemical`, which chemists use without a registration."""

_CHARSET = re.compile(r';\s*charset="?([^";\s]*)', re.IGNORECASE)
_DISPOSITION = re.compile(rf"(inline|attachment)(\s*;\s*{_TOKEN}=.+)*", re.IGNORECASE)
_LANGUAGE = r"([A-Za-z]{2,3}|[ix](?=-))(-[A-Za-z0-9]{1,8})*"
"""The standard has room for longer languages, and none has been registered: https://www.rfc-editor.org/rfc/rfc5646"""

_LANGUAGES = re.compile(rf"{_LANGUAGE}(\s*,\s*{_LANGUAGE})*")
_METADATA_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


class ValueRefusedError(ValueError):
    """The value is not valid. The message follows the setting's name: what is wrong, and what to write instead."""


def hint(name: str, known: Collection[str]) -> str:
    """The end of a message about an unknown name: the most similar known name, or all known names."""
    plain = {each.lower(): each for each in known}
    near = nearest(name, plain)
    return f"did you mean {plain[near]!r}?" if near else f"use one of {', '.join(known)}"


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
    """A text that HTTP accepts as the value of a header."""
    if not isinstance(value, str):
        _refuse(value, "is not text: put it in quotes")
    if not value.strip():
        _refuse(value, "is empty: leave the setting out to keep the default")
    if value != value.strip():
        _refuse(value, "begins or ends with a space: remove the space")
    if not value.isascii() or not value.isprintable():
        _refuse(value, "has a character that a header cannot hold: use printable ASCII only, on one line")
    return value


def cache_control(value: object) -> str:
    """Directives, separated by commas."""
    text = header(value)
    problem = problem_of(text)
    if problem is not None:
        _refuse(value, problem)
    return text


def content_type(value: object) -> str:
    """A MIME type, with its parameters."""
    text = header(value)
    if not _TYPE.fullmatch(text):
        _refuse(value, "is not a MIME type such as 'text/html; charset=utf-8'")
    kind = text.partition("/")[0].lower()
    if kind not in _KINDS and not kind.startswith("x-"):
        _refuse(value, f"is not a MIME type: {hint(kind, _KINDS)}")
    charset = _CHARSET.search(text)
    if charset and not _is_charset(charset[1]):
        _refuse(value, f"has the unknown charset {charset[1]!r}: write charset=utf-8")
    return text


def _is_charset(name: str) -> bool:
    try:
        return codecs.lookup(name)._is_text_encoding  # noqa: SLF001 (`rot13` and `zip` are not)
    except LookupError:
        return False


def content_encoding(value: object) -> str:
    """A content coding that browsers know."""
    text = header(value)
    if text not in CODINGS:
        _refuse(value, f"is not a content coding: {hint(text, CODINGS)}")
    return text


def content_disposition(value: object) -> str:
    """``inline`` or ``attachment``, with a file name if the user gives one."""
    if isinstance(value, str) and not value.isascii():
        _refuse(value, "has a letter that a header cannot hold: write filename*=UTF-8''na%C3%AFve.pdf instead")
    text = header(value)
    if not _DISPOSITION.fullmatch(text):
        _refuse(value, "is neither inline nor attachment, as in 'attachment; filename=\"report.pdf\"'")
    return text


def content_language(value: object) -> str:
    """Language tags, separated by commas."""
    text = header(value)
    if not _LANGUAGES.fullmatch(text):
        _refuse(value, "is not a language tag such as 'de' or 'pt-BR', nor a list of them with commas")
    return text


def storage_class(value: object) -> str:
    """A storage class whose objects S3 serves at once."""
    text = header(value)
    if text in ARCHIVES:
        _refuse(
            value,
            "is an archive, which browsers cannot fetch from: GLACIER_IR is the coldest class that S3 serves at once",
        )
    if text not in STORAGE_CLASSES:
        _refuse(value, f"is not a storage class: {hint(text, STORAGE_CLASSES)}")
    return text


def metadata(value: object) -> tuple[tuple[str, str], ...]:
    """The user's own metadata, sorted by name."""
    if not isinstance(value, dict):
        _refuse(value, 'is not a table, as in { team = "web" }')
    for name, text in value.items():
        if not _METADATA_NAME.fullmatch(name):
            _refuse(name, "is not a name for metadata: use lower-case letters, digits, dots, hyphens and underscores")
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
        msg = (
            f"has {size:,} bytes of names and values, and S3 has room for {most} beside the uploader's own: shorten it"
        )
        raise ValueRefusedError(msg)
    return tuple(sorted(value.items()))


def flag(value: object) -> bool:
    """``true`` or ``false``."""
    if not isinstance(value, bool):
        _refuse(value, "is neither true nor false")
    return value


def _refuse(value: object, why: str) -> NoReturn:
    msg = f"{value!r} {why}"
    raise ValueRefusedError(msg)
