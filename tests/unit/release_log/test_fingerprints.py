"""Names of build tools have a fingerprint, names by people have none."""

from __future__ import annotations

import random
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release_log.fingerprints import Name, PatternError, compile_pattern, split

HEX = "0123456789abcdef"
BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
MD5 = "5d41402abc4b2a76b9719d911017c592"
SHA256 = "4ea5b1c7f7a1d7c2b4f2b3d1c0ef0d7a9c6b8e1f2a3d4c5b6a7f8e9d0c1b2a3f"
DRUPAL = "xE-rWrJf-fncB6ztZfd2huxqgxu4WO-qwma6Xer30m4"
SHA512 = SHA256[::-1] + SHA256

MISTAKEN = 0.005
SECONDS = 0.5

FINGERPRINTED = [
    # (tool, path, logical path, fingerprint)
    ("webpack", "static/js/main.8e8a9f1c.js", "static/js/main.js", "8e8a9f1c"),
    ("webpack", "main.815a195fa3db3d6ae17a.js", "main.js", "815a195fa3db3d6ae17a"),
    ("webpack", "0-815a195fa3db3d6ae17a.chunk.js", "0.chunk.js", "815a195fa3db3d6ae17a"),
    ("webpack", "0.164d8b2a4aec0c9e049a.chunk.js", "0.chunk.js", "164d8b2a4aec0c9e049a"),
    ("webpack", "vendors~main.3f9c2ab1.chunk.js", "vendors~main.chunk.js", "3f9c2ab1"),
    ("webpack", "main.8e8a9f1c.js.LICENSE.txt", "main.js.LICENSE.txt", "8e8a9f1c"),
    ("webpack", "3f9c2ab1.app.js", "app.js", "3f9c2ab1"),
    ("webpack", "3f9c2ab1-app.js", "app.js", "3f9c2ab1"),
    ("webpack", "3f9c2ab1d4e5f6071829.bundle.js", "3f9c2ab1d4e5f6071829.bundle.js", "3f9c2ab1d4e5f6071829"),
    ("webpack", f"img/{MD5}.png", f"img/{MD5}.png", MD5),
    ("CRA", "static/js/runtime-main.4d8f1a2b.js", "static/js/runtime-main.js", "4d8f1a2b"),
    ("CRA", "static/js/runtime~main.a8a9905a.js.map", "static/js/runtime~main.js.map", "a8a9905a"),
    ("CRA", "static/css/2.0a1b2c3d.chunk.css", "static/css/2.chunk.css", "0a1b2c3d"),
    ("CRA", f"static/media/logo.{MD5}.svg", "static/media/logo.svg", MD5),
    ("Vue CLI", "js/chunk-vendors.62d72de1.js", "js/chunk-vendors.js", "62d72de1"),
    ("Vue CLI", "js/chunk-0b84ccaf.62d72de1.js", "js/chunk-0b84ccaf.js", "62d72de1"),
    ("Vue CLI", "js/app-legacy.3f9c2ab1.js", "js/app-legacy.js", "3f9c2ab1"),
    ("Vite", "assets/index-D-h3kQ2x.js", "assets/index.js", "D-h3kQ2x"),
    ("Vite", "assets/index-BxY_1z9Q.js", "assets/index.js", "BxY_1z9Q"),
    ("Vite", "assets/index--h3kQ2xa.js", "assets/index.js", "-h3kQ2xa"),
    ("Vite", "assets/index-h3kQ2xa-.js", "assets/index.js", "h3kQ2xa-"),
    ("Vite", "assets/index-_h3kQ2xa.js", "assets/index.js", "_h3kQ2xa"),
    ("Vite", "assets/react-CHdo91hT.svg", "assets/react.svg", "CHdo91hT"),
    ("Vite", "assets/Pair-tQZXtc9v.css", "assets/Pair.css", "tQZXtc9v"),
    ("Vite", "assets/Device-CT6D6U-f.css", "assets/Device.css", "CT6D6U-f"),
    ("Vite", "assets/DangerZone-zhCzMBiv.css", "assets/DangerZone.css", "zhCzMBiv"),
    ("Vite", "assets/Landing-DtVlV_J2.css", "assets/Landing.css", "DtVlV_J2"),
    ("Vite", "assets/legacy-CiOctGuC.js", "assets/legacy.js", "CiOctGuC"),
    ("Vite", "assets/polyfills-legacy-Co5RB00a.js", "assets/polyfills-legacy.js", "Co5RB00a"),
    ("Vite", "assets/_plugin-vue_export-helper-DlAUqK2U.js", "assets/_plugin-vue_export-helper.js", "DlAUqK2U"),
    ("Vite", "assets/OAuth2Client-D4MQFDx0.js.map", "assets/OAuth2Client.js.map", "D4MQFDx0"),
    ("Vite 2", "assets/iconfont.c2ea2ee5.eot", "assets/iconfont.eot", "c2ea2ee5"),
    ("Vite 2", "assets/custom.config.a3069685.js", "assets/custom.config.js", "a3069685"),
    ("Vite 2", "assets/editor.worker.b9d8707e.js", "assets/editor.worker.js", "b9d8707e"),
    ("Vite 3", "assets/sl-SI-legacy-94710df8.js.gz", "assets/sl-SI-legacy.js.gz", "94710df8"),
    ("Rollup", "dist/main-Bv3xK9_q.mjs", "dist/main.mjs", "Bv3xK9_q"),
    ("Rollup", "dist/main-h3kq2x9z.js", "dist/main.js", "h3kq2x9z"),
    ("Rollup", "dist/main-1f4e7a9c.js", "dist/main.js", "1f4e7a9c"),
    ("Rollup", "dist/shared-Xk29vQpLm3Za.js", "dist/shared.js", "Xk29vQpLm3Za"),
    ("esbuild", "chunk-7QX2ZGKD.js", "chunk.js", "7QX2ZGKD"),
    ("esbuild", "chunk-XYZABCDE.js", "chunk.js", "XYZABCDE"),
    ("esbuild", "logo-5DDVVVXR.png", "logo.png", "5DDVVVXR"),
    ("Bun", "chunk-k5r2v9xq.js", "chunk.js", "k5r2v9xq"),
    ("Angular CLI", "browser/main-FFHMD2TL.js", "browser/main.js", "FFHMD2TL"),
    ("Angular CLI", "browser/styles-5INURTSO.css", "browser/styles.css", "5INURTSO"),
    ("Angular CLI", "browser/chunk-7QX2ZGKD.js.map", "browser/chunk.js.map", "7QX2ZGKD"),
    ("Angular CLI", "polyfills.45732861e6a6851d.js", "polyfills.js", "45732861e6a6851d"),
    ("Angular CLI", "main-es2015.9aaa072f8c4bafbb0741.js", "main-es2015.js", "9aaa072f8c4bafbb0741"),
    ("Angular CLI", "3-es5.fe40921429666081259a.js", "3-es5.js", "fe40921429666081259a"),
    ("Parcel", "index.3f9c2ab1.js", "index.js", "3f9c2ab1"),
    ("Parcel", "index.a05cbbf2.css.map", "index.css.map", "a05cbbf2"),
    ("Parcel", "hero.2d5e7f80.webp", "hero.webp", "2d5e7f80"),
    ("Next.js", "_next/css/3f9c2ab1d4e5f607.css", "_next/css/3f9c2ab1d4e5f607.css", "3f9c2ab1d4e5f607"),
    ("Next.js", "_next/static/css/3f9c2ab1d4e5f607.css.map", "_next/static/css/3f9c2ab1d4e5f607.css.map", None),
    ("Next.js", "_next/static/chunks/main-app-5c3fbcf8aef0ecd9.js", "_next/static/chunks/main-app.js", None),
    ("Next.js", "_next/static/chunks/4bd1b696-8ec333fee4f2a1d9.js", "_next/static/chunks/4bd1b696.js", None),
    ("Next.js", "_next/static/chunks/[slug]-06b8e2d1c7f3a495.js", "_next/static/chunks/[slug].js", None),
    ("Next.js", "_next/static/chunks/pages/_app-72b849fbd24ac258.js", "_next/static/chunks/pages/_app.js", None),
    ("Next.js", "_next/media/c9a5bc6a7c948fb0-s.p.woff2", "_next/media/c9a5bc6a7c948fb0-s.p.woff2", None),
    ("Next.js", "_next/static/media/hero.2d5e7f80.png", "_next/static/media/hero.png", "2d5e7f80"),
    ("Sprockets", f"assets/application-{SHA256}.js", "assets/application.js", SHA256),
    ("Sprockets", f"assets/application-{SHA256}.js.gz", "assets/application.js.gz", SHA256),
    ("Sprockets", f"assets/application-{MD5}.css", "assets/application.css", MD5),
    ("Sprockets", f"assets/es-module-shims.min-{SHA256}.js", "assets/es-module-shims.min.js", SHA256),
    ("Sprockets", f"assets/.sprockets-manifest-{MD5}.json", "assets/.sprockets-manifest.json", MD5),
    ("Webpacker", "packs/runtime~x-62d72de1c3f9c2ab1d4e.js.map", "packs/runtime~x.js.map", "62d72de1c3f9c2ab1d4e"),
    ("Propshaft", "assets/hello_controller-549135e8.js", "assets/hello_controller.js", "549135e8"),
    ("Propshaft", "assets/application-8c0e2b7d.css", "assets/application.css", "8c0e2b7d"),
    ("Propshaft", "assets/index-3f9c2ab1d4.digested.js", "assets/index.digested.js", "3f9c2ab1d4"),
    ("Django", "static/app.55e7cbb9ba48.js", "static/app.js", "55e7cbb9ba48"),
    ("Django", "static/admin/css/base.7cbb9ba48a1e.css", "static/admin/css/base.css", "7cbb9ba48a1e"),
    ("Django", "static/vendor/jquery.min.641dd14370a1.js.gz", "static/vendor/jquery.min.js.gz", "641dd14370a1"),
    ("Phoenix", f"assets/app-{MD5}.js", "assets/app.js", MD5),
    ("Phoenix", f"favicon-{MD5}.ico", "favicon.ico", MD5),
    ("Laravel Mix", "js/app.3f9c2ab1d4e5f6071829.js", "js/app.js", "3f9c2ab1d4e5f6071829"),
    ("Laravel Elixir", "build/css/all-f3a1c0d92b.css", "build/css/all.css", "f3a1c0d92b"),
    ("Laravel Vite", "build/assets/app-l0sNRNKZ.js", "build/assets/app.js", "l0sNRNKZ"),
    ("SvelteKit", "_app/immutable/entry/start.B5yQ-8nL.js", "_app/immutable/entry/start.js", "B5yQ-8nL"),
    ("SvelteKit", "_app/immutable/nodes/0.BxY_1z9Q.js", "_app/immutable/nodes/0.js", "BxY_1z9Q"),
    ("SvelteKit", "_app/immutable/assets/_layout.Cq3VwXa7.css", "_app/immutable/assets/_layout.css", "Cq3VwXa7"),
    ("SvelteKit", "_app/immutable/chunks/CqK3x9Zb.js", "_app/immutable/chunks/CqK3x9Zb.js", "CqK3x9Zb"),
    ("SvelteKit 1", "_app/immutable/chunks/index.c6d9a4b1.js", "_app/immutable/chunks/index.js", "c6d9a4b1"),
    ("Astro", "_astro/index.DRf8L97S.js", "_astro/index.js", "DRf8L97S"),
    ("Astro", "_astro/cat.a6737dd3.png", "_astro/cat.png", "a6737dd3"),
    ("Astro", "_astro/hero.DdGyvB7F_Z1Qo2rS.webp", "_astro/hero.webp", "DdGyvB7F_Z1Qo2rS"),
    ("Astro", "_astro/hoisted.3f9c2ab1.js", "_astro/hoisted.js", "3f9c2ab1"),
    ("Nuxt", "_nuxt/entry.D7gXk2Rw.css", "_nuxt/entry.css", "D7gXk2Rw"),
    ("Nuxt", "_nuxt/BxY_1z9Q.js", "_nuxt/BxY_1z9Q.js", "BxY_1z9Q"),
    ("Nuxt 2", "_nuxt/9cdea4daa3ce167d5d79.js", "_nuxt/9cdea4daa3ce167d5d79.js", "9cdea4daa3ce167d5d79"),
    ("Nuxt 2", "_nuxt/commons.app.10495323254f5f20727d.js", "_nuxt/commons.app.js", "10495323254f5f20727d"),
    ("Gatsby", "component---src-pages-index-js-5c3fbcf8aef0ecd9fa37.js", "component---src-pages-index-js.js", None),
    ("Gatsby", "webpack-runtime-6f2b1e0f9a4c7d3e8b15.js", "webpack-runtime.js", "6f2b1e0f9a4c7d3e8b15"),
    ("Gatsby", f"static/photo-{MD5}.jpg", "static/photo.jpg", MD5),
    ("Ember", f"assets/vendor-{MD5}.js", "assets/vendor.js", MD5),
    ("Ember", "assets/chunk.143.5c3fbcf8aef0ecd9fa37.js", "assets/chunk.143.js", "5c3fbcf8aef0ecd9fa37"),
    ("Hugo", f"css/style.min.{SHA256}.css", "css/style.min.css", SHA256),
    ("Hugo", f"js/main.{SHA512}.js", "js/main.js", SHA512),
    (".NET", "_framework/blazor.webassembly.ruxj82e2ct.js", "_framework/blazor.webassembly.js", "ruxj82e2ct"),
    ("GWT", f"app/{MD5.upper()}.cache.js", f"app/{MD5.upper()}.cache.js", MD5.upper()),
    ("Hugo", f"img/a_hu{MD5}_90587_600x0_resize_q75_box.jpg", "img/a_hu_600x0_resize_q75_box.jpg", f"{MD5}_90587"),
    ("Hugo", "img/cat_hu_3f9c2ab1d4e5f607.webp", "img/cat_hu.webp", "3f9c2ab1d4e5f607"),
    ("Hugo", "img/cat_hu15210517121918042184.jpg", "img/cat_hu.jpg", "15210517121918042184"),
    ("Trunk", "app-bec6097ef300d351_bg.wasm", "app_bg.wasm", "bec6097ef300d351"),
    ("Dioxus", "main-dxh3f9c2ab1d4e5f607.css", "main.css", "dxh3f9c2ab1d4e5f607"),
    ("Drupal", f"css_{DRUPAL}.css", "css.css", DRUPAL),
    ("VitePress", "assets/guide_index.md.IoqeAtbw.lean.js", "assets/guide_index.md.lean.js", "IoqeAtbw"),
    ("VitePress", "assets/app.-zXwYx2Y.js", "assets/app.js", "-zXwYx2Y"),
    ("Cesium", "Workers/chunk-BTSYJ5XU.js", "Workers/chunk.js", "BTSYJ5XU"),
    ("Qwik", "build/q-BfVzpuTk.js", "build/q.js", "BfVzpuTk"),
    ("Stencil", "ionicons/p-c19c6b42.entry.js", "ionicons/p.entry.js", "c19c6b42"),
    ("Stencil", "ionicons/p-BdioGpgU.js", "ionicons/p.js", "BdioGpgU"),
    ("eleventy-img", "img/yL0QoCVMHj-300.avif", "img/yL0QoCVMHj-300.avif", "yL0QoCVMHj"),
    ("React Router", "assets/chunk-UIGDSWPH-DNrqB-Gc.js", "assets/chunk-UIGDSWPH.js", "DNrqB-Gc"),
    ("any", "app-12345678901234567890.js", "app.js", "12345678901234567890"),
    ("any", "bundle-3f9c2ab1", "bundle", "3f9c2ab1"),
]
"""The fingerprint is None where the logical path alone says enough."""

PLAIN = """
logo-dark.png icon-32.png glyphicons-halflings-regular.svg bootstrap-datepicker.css jquery-3.7.1.min.js
sha256-worker.js 2024-report.pdf photo-20240115.jpg Inter-SemiBold.woff2 Roboto-BoldItalic.ttf logo-DarkMode.svg
index-worker32.js foo-my-Logo2.png fa-solid-900.woff2 inter-v12-latin-regular.woff2 bootstrap-icons.woff2 README.md
user-guide-version2.html apple-touch-icon-180x180.png messages.de-AT.json pdf.worker.min.mjs swagger-ui-bundle.js
favicon-96x96.png IMG_20240115_123456.jpg report-Q32024.pdf index.html favicon.ico robots.txt manifest.webmanifest
service-worker.js sw.js asset-manifest.json .vite/manifest.json _redirects LICENSE CNAME .well-known/security.txt
roboto-v30-latin-700italic.woff2 open-sans-v34-latin-ext_latin-regular.woff2 KaTeX_Caligraphic-Bold.woff2
KaTeX_Size1-Regular.ttf NotoSansCJKjp-DemiLight.otf SourceCodePro-BlackIt.otf.woff2 Inter-VariableFont_wght.ttf
JetBrainsMono-ExtraBoldItalic.woff2 materialdesignicons-webfont.woff2 MaterialIconsOutlined-Regular.otf
fa-brands-400.eot jquery.dataTables.min.js jquery.validate.unobtrusive.min.js angular-locale_de-at.js
bootstrap.bundle.min.js d3.v7.min.js three.module.js lodash-4.17.21.js moment-with-locales.min.js tinymce-6.8.3.zip
react-dom.production.min.js es5-shim.js core-js-3.36.0-minified.js polyfill-es2015.js main-es2015.js
ort-wasm-simd-threaded.wasm monaco-editor-0.45.0.js messages.zh-Hant-TW.json strings.sr-Latn.json app.pt-BR.js
lang-en-US-v1.js locale.es-419.json icon-Web3Modal.svg lib.OAuth2Client.js i-iOS17Pro.png logo-GitHubUI.svg
icon-I18nProvider.svg logo-JavaScript.svg video-1920x1080p60.mp4 video-1920x1080p.mp4 clip-mp4video.mp4
trailer-s01e02v3.mp4 timer-1h30m15s.svg video-h264mp4.mp4 photo-2024dec.jpg invoice-12feb2024.pdf photo-20240115a.jpg
backup-20240115123456789012.zip icon-face01.png rss-feed2024.xml product-SKU12345.jpg photo-DSCN2345.jpg
x-IMG_1234.jpg DSC00042.js Overview.js letter-TEMPLATE.docx doc-INVOICE2.pdf spec-ISO27001.pdf bg-facade.jpg
color-c0ffe.png ff0000.png 1f468-200d-1f4bb.svg emoji-1f600.svg 404.html 500.html 1234567.png
photo-550e8400-e29b-41d4-a716-44665544abcd.jpg 550e8400-e29b-41d4-a716-44665544abcd.json
_nuxt/builds/meta/7c9e6679-7425-40de-944b-e07fc1f90ae7.json static/d033e22ae348aeb5660fc2140aec3585/photo.jpg
noble-ed25519.js logo-cafe24.svg banner-ad2024.jpg router-ac1750.png theme-2196f3.css syllabus-fa2023.pdf
ikona-WyszukajKlienta.svg icon-ZhuxiBangmi.svg datasheet-LM2576HV.pdf HelveticaNeueLTStd-BlkCnObl.otf
icon-IPv6toIPv4.svg tool-Mp3toWav.js HeroBanner-600.webp event-cafe2024.jpg chip-STM32F4X.png
3f9c2ab1/app.js app-3f9c2ab1/logo.png app-deadbeef.js app-abc12.js -3f9c2ab1.js archive.tar.gz data-2024.01.15.csv
""".split()  # noqa: SIM905 - a list of one name per line would be 130 lines


def draw(alphabet: str, length: int, count: int = 2000) -> list[str]:
    """Random fingerprints, the same in each run."""
    source = random.Random(f"{alphabet}{length}")  # noqa: S311 - no secret
    return ["".join(source.choices(alphabet, k=length)) for _ in range(count)]


def share_recognised(tokens: list[str]) -> float:
    """The share of the tokens that `split` takes for fingerprints as a whole."""
    return sum(split(f"index-{token}.js") == Name("index.js", token) for token in tokens) / len(tokens)


@pytest.mark.scenario("T7", "L2")
@pytest.mark.parametrize(
    ("tool", "path", "logical", "fingerprint"), FINGERPRINTED, ids=[row[1] for row in FINGERPRINTED]
)
def test_names_of_build_tools_are_split(tool: str, path: str, logical: str, fingerprint: str | None) -> None:
    """Each tool's names are split into the fingerprint and the logical path."""
    name = split(path)
    assert name.logical == logical, tool
    assert name.fingerprint, tool
    assert fingerprint in {None, name.fingerprint}, tool


@pytest.mark.scenario("T11", "L1")
@pytest.mark.parametrize("path", PLAIN)
def test_plain_names_have_no_fingerprint(path: str) -> None:
    """A name that is taken for fingerprinted by mistake is cached for a year."""
    assert split(path) == Name(path, None)


@pytest.mark.parametrize(
    "path", ["", "/", "a/", ".", "..", "...", "-", "--", ".js", "-.js", "a-", "a--.js", "ä-ö.js", "٣.js"]
)
def test_odd_names_are_their_own_logical_path(path: str) -> None:
    """Empty parts, and letters and digits outside ASCII, are not fingerprints."""
    assert split(path) == Name(path, None)


@pytest.mark.parametrize(
    "path",
    [
        "index-DiwrgTda.css",
        "index-2B4XK1QT.js",
        "chunk-ygqsv36b.js",
        "photo_hu3f9c2ab1d4e5.jpg",
        "app.3f9c2a.min.js",
        "_nuxt/img/3f9c2ab.png",
    ],
)
def test_a_fingerprint_in_doubt_is_missed(path: str) -> None:
    """Real names that look like words or part numbers, or are too short: missing one only costs some caching."""
    assert split(path) == Name(path, None)


def test_versions_of_an_asset_share_their_logical_path() -> None:
    """Retention counts the versions of a logical path, so all must yield the same one."""
    assert split("js/app-3f9c2ab1.js").logical == split("js/app-0b84ccaf.js").logical == "js/app.js"


@pytest.mark.scenario("L2")
@pytest.mark.parametrize(
    ("alphabet", "length", "share"),
    [(BASE64URL, 8, 0.90), (HEX, 8, 0.95), (HEX, 20, 0.999), (BASE32, 8, 0.97)],
    ids=["base64url-8", "hex-8", "hex-20", "base32-8"],
)
def test_most_random_fingerprints_are_recognised(alphabet: str, length: int, share: float) -> None:
    """A rule against words must not miss many real fingerprints."""
    assert share_recognised(draw(alphabet, length)) >= share


@pytest.mark.scenario("L1")
def test_few_names_of_two_words_are_taken_for_fingerprints() -> None:
    """At most one in two hundred English words in camel case is mistaken."""
    words = (  # noqa: SIM905 - as above
        "account avatar banner basket billing border bottom button calendar camera card chart chat check close cloud "
        "color column cover credit dark data default delete detail dialog down drop edit empty error event fade "
        "filter flag folder footer form full gallery grid group header heart help hero home hover icon image info "
        "item label large left light line link list loader login logo main map menu message mobile modal more move "
        "night open order page panel phone photo play plus print profile query quick rating report right round "
        "save scroll search select send share shop sidebar sign slide small social sort star start status step store "
        "table task team text theme thumb time title toggle tool top track trash upload user video view wide window"
    ).split()
    names = [f"icon-{first.title()}{second.title()}.svg" for first in words for second in words]
    assert sum(split(name).fingerprint is not None for name in names) / len(names) <= MISTAKEN


@given(
    token=st.text(BASE64URL, min_size=8, max_size=8), stem=st.sampled_from(["index-{}.js", "a/b.{}.css.map", "{}.js"])
)
def test_a_token_is_taken_whole_or_in_part_or_not_at_all(token: str, stem: str) -> None:
    """Without a fingerprint the path is unchanged; with one, only it and one separator are removed."""
    path = stem.format(token)
    name = split(path)
    if name.fingerprint is None or name.logical == path:
        assert name.logical == path
    else:
        assert name.fingerprint in token
        assert len(name.logical) + len(name.fingerprint) + 1 == len(path)
        cut = path.rindex(name.fingerprint)
        assert name.logical in {
            path[: cut - 1] + path[cut + len(name.fingerprint) :],
            path[:cut] + path[cut + len(name.fingerprint) + 1 :],
        }


@given(st.text(max_size=80))
def test_any_text_is_split_and_the_folders_stay(path: str) -> None:
    """No name makes `split` raise, and only the base name changes."""
    name = split(path)
    assert name.logical.rpartition("/")[0] == path.rpartition("/")[0]
    assert (name.fingerprint or "") in path


@pytest.mark.parametrize("unit", ["a", "-", ".", "A1", "a-", "a.b-", "a1b2c3d4-", "x.a1", "Ab1-_", "0x0"])
def test_the_longest_names_are_split_at_once(unit: str) -> None:
    """No expression backtracks without bound: a key has up to 1,024 bytes, and a site up to millions of keys."""
    began = time.perf_counter()
    split(unit * (1024 // len(unit)))
    assert time.perf_counter() - began < SECONDS


@pytest.mark.parametrize(
    ("text", "path", "logical", "fingerprint"),
    [
        (r"-(?P<fingerprint>v\d+)\.", "js/app-v12.js", "js/app.js", "v12"),
        (r"-(v\d+)\.", "js/app-v12.js", "js/app.js", "v12"),
        (r"_(?P<fingerprint>[a-z]{5})\.", "app_qwert.js", "app.js", "qwert"),
        (r"^(?P<fingerprint>[a-z]{5})-", "qwert-app.js", "app.js", "qwert"),
        (r"\.(?P<fingerprint>[a-z]{5})-", "app.qwert-x.js", "app-x.js", "qwert"),
        (r"app(?P<fingerprint>\d+)", "app17.js", "app.js", "17"),
        (r"(x|y)-(?P<fingerprint>\d+)", "x-17.js", "x.js", "17"),
        (r"^(?P<fingerprint>[a-z]{5})\.", "qwert.css", "qwert.css", "qwert"),
        (r"^(?P<fingerprint>[a-z]{5})$", "qwert", "qwert", "qwert"),
    ],
)
def test_a_users_pattern_takes_its_group_and_one_separator(
    text: str, path: str, logical: str, fingerprint: str
) -> None:
    """The separator before the fingerprint is removed, or else the one after it; a path without a name left stays."""
    assert split(path, compile_pattern(text)) == Name(logical, fingerprint)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (r"-(?P<fingerprint>v\d+)\.", "app-3f9c2ab1.js"),
        (r"-(?P<fingerprint>v\d+)\.", "dir-v1.x/app.js"),
        (r"app(-(?P<fingerprint>v\d+))?", "app.js"),
        (r"app-(?P<fingerprint>\d*)", "app-x.js"),
    ],
    ids=["built-in recognition is off", "folders are not searched", "group took no part", "group is empty"],
)
def test_a_users_pattern_overrides_the_built_in_recognition(text: str, path: str) -> None:
    """A name without a match has no fingerprint, whatever it looks like."""
    assert split(path, compile_pattern(text)) == Name(path, None)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("-(?P<fingerprint>[0-9", "Python's re syntax"),
        ("(?P<fingerprint>a{99999999999999999999})", "Python's re syntax"),
        ("-[0-9a-f]{8}", r"put (?P<fingerprint>...) around it"),
        ("(a)-(b)", r"put (?P<fingerprint>...) around it"),
        ("-(?P<hash>[0-9a-f]{8})", r"put (?P<fingerprint>...) around it"),
    ],
)
def test_a_pattern_that_cannot_serve_is_refused_with_the_remedy(text: str, remedy: str) -> None:
    """One line with the value and the remedy."""
    with pytest.raises(PatternError, match=re.escape(remedy)) as caught:
        compile_pattern(text)
    assert repr(text) in str(caught.value)
    assert "\n" not in str(caught.value)
