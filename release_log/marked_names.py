"""Names in which a build tool marks its fingerprint, so that its looks need not tell. Pure.

Each pattern is the whole base name; its group is the fingerprint.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from release_log.tokens import is_wordlike

if TYPE_CHECKING:
    from collections.abc import Callable

_SCRIPT = r"\.(?:[cm]?js|css)(?:\.map|\.gz|\.br|\.zst)*"
_ONE_WORD = re.compile(r"[A-Z]?[a-z]+[0-9]{0,2}|[0-9]+")


def _any(_: str) -> bool:
    return True


def _is_not_one_word(token: str) -> bool:
    return not _ONE_WORD.fullmatch(token)


def _is_not_words(token: str) -> bool:
    return not is_wordlike(token)


_MARKED: tuple[tuple[re.Pattern[str], Callable[[str], bool]], ...] = (
    # Hugo: photo_hu_3f9c2ab1d4e5f607.webp; the size of the file belongs to it: _hu<md5>_90587_600x0_resize_box.jpg
    (re.compile(r".+_hu_?([0-9a-f]{32}_[0-9]+|[0-9a-f]{16}|[0-9]{17,20})(?=[_.]).*"), _any),
    # Trunk: app-bec6097ef300d351_bg.wasm
    (re.compile(r".+-([0-9a-f]{15,128})_bg\.wasm(?:\.gz|\.br|\.zst)*"), _any),
    # Dioxus: main-dxh3f9c2ab1d4e5f607.css
    (re.compile(r".+-(dxh[0-9a-f]{8,16})\.[0-9a-z]+"), _any),
    # Drupal: css_xE-rWrJf-fncB6ztZfd2huxqgxu4WO-qwma6Xer30m4.css
    (re.compile(r"(?:css|js)_([0-9A-Za-z_-]{43})\.(?:css|js)(?:\.gz|\.br)?"), _any),
    # VitePress: guide_index.md.IoqeAtbw.lean.js
    (re.compile(rf".+\.md\.([0-9A-Za-z_-]{{8}})(?:\.lean)?{_SCRIPT}"), _any),
    # esbuild, Angular, Cesium: chunk-TEMPLATE.js
    (re.compile(rf"chunk-([A-Z2-7]{{8}}){_SCRIPT}"), _any),
    # Qwik and Stencil: q-BfVzpuTk.js, p-BdioGpgU.entry.js
    (re.compile(rf"[pq]-([0-9A-Za-z_-]{{8}})(?:\.entry|\.system)*{_SCRIPT}"), _is_not_one_word),
    # eleventy-img: yL0QoCVMHj-600.avif
    (re.compile(r"([0-9A-Za-z]{10})-[0-9]{1,5}\.(?:avif|gif|jpe?g|png|svg|webp)"), _is_not_words),
)


_MARKED_START = re.compile(r"chunk-|[pq]-|css_|js_|[0-9A-Za-z]{10}-[0-9]")


def _may_be_marked(base: str) -> bool:
    """Whether a name has a part of one of these forms: nearly every name has none.

    One expression for all of them would take six times as long, as it would be tried at each character.
    """
    return "_hu" in base or "_bg." in base or "-dxh" in base or ".md." in base or bool(_MARKED_START.match(base))


def find_marked(base: str) -> tuple[int, int] | None:
    """Start and end of the fingerprint in a base name that has one of these forms; else None."""
    if not _may_be_marked(base):
        return None
    for pattern, is_one in _MARKED:
        match = pattern.fullmatch(base)
        if match and is_one(match[1]):
            return match.span(1)
    return None
