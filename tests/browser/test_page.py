"""The page of ``report`` in a headless Chromium; without one on this machine these tests are skipped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import sites
from tests.browser.chromium import Chromium, ChromiumError, find
from uploader.cli.report.page import page as html

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.browser.chromium import Page

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"

SITES = {"small": sites.small, "large": sites.large, "empty": sites.empty}

FRAME = 1 / 60
"""Seconds of processor time; a page is as smooth as that allows, whatever else a machine does."""

SLOW = 4
"""How many times slower than a developer's the processor of a test machine may be."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    """One browser for all tests."""
    if not AXE.exists():
        pytest.skip("no axe-core: run `make .setup/browser`")
    try:
        find()
    except ChromiumError as error:
        pytest.skip(str(error))
    with Chromium() as started:
        try:
            started.ask("Browser.getVersion")
        except ChromiumError as error:
            pytest.skip(f"{error}: install a Chromium, and name it by CHROMIUM")
        yield started


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page of each site."""
    folder = tmp_path_factory.mktemp("pages")
    for name, make in SITES.items():
        (folder / f"{name}.html").write_text(html(make()))
    return {name: folder / f"{name}.html" for name in SITES}


@pytest.fixture
def page(browser: Chromium) -> Page:
    """A new page."""
    return browser.page()


def ink(page: Page, chart: int) -> int:
    """How many of a chart's pixels have a colour."""
    found: int = page.evaluate(
        f"(() => {{ const c = document.querySelectorAll('.chart canvas')[{chart}]; const d = c.getContext('2d')"
        ".getImageData(0, 0, c.width, c.height).data; let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 0;"
        " return n; })()"
    )
    return found


@pytest.mark.parametrize(("name", "width"), [("small", 360), ("small", 1600), ("large", 360), ("empty", 1600)])
def test_it_can_be_read_by_everybody_and_asks_no_network(
    name: str, width: int, browser: Chromium, files: dict[str, Path], page: Page
) -> None:
    before = len(browser.events("Network.requestWillBeSent"))
    page.resize(width)
    for scheme in ("light", "dark"):
        page.prefer(scheme)
        page.open(files[name])
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") == width, "nothing is cut, nor scrolls sideways"
        # The page's policy allows axe no more than anybody: DevTools put it in.
        page.evaluate(AXE.read_text())
        found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations', 'incomplete']})")
        told = [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found["violations"]]
        assert told == [], json.dumps(told)
    asked = [each["request"]["url"] for each in browser.events("Network.requestWillBeSent")[before:]]
    assert {url for url in asked if not url.startswith("data:")} == {files[name].as_uri()}
    assert browser.events("Runtime.exceptionThrown") == []
    assert [each["entry"]["text"] for each in browser.events("Log.entryAdded")] == []


def test_what_comes_from_the_bucket_is_text(files: dict[str, Path], page: Page) -> None:
    page.open(files["small"])
    assert page.evaluate("typeof hostile") == "undefined"
    assert page.evaluate("document.querySelectorAll('main img').length") == 0
    assert "</script><script>parent.hostile=1" in page.evaluate("document.querySelector('#releases').innerText")


def test_a_script_that_is_put_in_does_not_run(browser: Chromium, files: dict[str, Path], page: Page) -> None:
    page.open(files["small"])
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}))"
    )
    assert page.evaluate("typeof ran") == "undefined"
    told = browser.events("Log.entryAdded")
    assert any("Content Security Policy" in each["entry"]["text"] for each in told)
    browser.forget("Log.entryAdded")


def test_the_charts_are_drawn_and_follow_the_scheme_and_the_width(files: dict[str, Path], page: Page) -> None:
    page.resize(1600)
    page.prefer("light")
    page.open(files["small"])
    assert all(ink(page, chart) > 1000 for chart in range(3))
    picture = "document.querySelectorAll('.chart canvas')[2].toDataURL()"
    light = page.evaluate(picture)
    page.prefer("dark")
    page.settle()
    assert page.evaluate(picture) != light
    page.resize(360)
    page.settle()
    page.settle()
    assert page.evaluate("document.querySelectorAll('.chart canvas')[0].clientWidth") <= 360


def test_the_keyboard_goes_from_release_to_release(files: dict[str, Path], page: Page) -> None:
    page.open(files["large"])
    page.evaluate("document.querySelector('.chart').focus()")
    chart = "document.querySelector('.chart')"
    newest = page.evaluate(f"{chart}.getAttribute('aria-valuetext')")
    assert page.evaluate(f"{chart}.getAttribute('aria-valuenow')") == page.evaluate(
        f"{chart}.getAttribute('aria-valuemax')"
    )
    page.press("ArrowLeft")
    before = page.evaluate(f"{chart}.getAttribute('aria-valuetext')")
    assert before != newest
    assert "commit " in before
    assert "new: " in before
    assert "retired: " in before
    assert page.evaluate("document.querySelector('.readout').textContent") == before
    page.press("Home")
    assert page.evaluate(f"{chart}.getAttribute('aria-valuenow')") == "1"


def test_a_pointer_shows_the_nearest_release(files: dict[str, Path], page: Page) -> None:
    page.resize(1600)
    page.open(files["large"])
    box = page.evaluate(
        "(() => { const b = document.querySelector('.u-over').getBoundingClientRect();"
        " return [b.left, b.top, b.width, b.height]; })()"
    )
    left, top, width, height = box
    page.point(left + width / 2, top + height * 0.5 / 12.4)
    page.settle()
    assert page.evaluate("document.querySelector('.readout').textContent").startswith("production: ")


def test_a_table_turns_its_pages_and_the_document_stays_small(files: dict[str, Path], page: Page) -> None:
    page.open(files["large"])
    assert page.evaluate("document.querySelectorAll('*').length") < 1500
    turn = "[...document.querySelectorAll('#releases button')].find((each) => each.textContent === 'Next rows')"
    first = page.evaluate("document.querySelector('#releases tbody th').textContent")
    page.evaluate(f"{turn}.click()")
    assert page.evaluate("document.querySelector('#releases tbody th').textContent") != first
    assert "rows 26 to 50 of 5,0" in page.evaluate("document.querySelector('#releases caption').textContent")
    assert page.evaluate("document.querySelectorAll('*').length") < 1500


def test_moving_through_five_thousand_releases_misses_no_frame(files: dict[str, Path], page: Page) -> None:
    """By the processor time of the page's main thread, which other processes do not lengthen."""
    page.resize(1600)
    page.open(files["large"])
    page.ask("Performance.enable", timeDomain="threadTicks")
    page.evaluate("document.querySelector('.chart').focus()")

    def spent() -> float:
        metrics = {each["name"]: each["value"] for each in page.ask("Performance.getMetrics")["metrics"]}
        return float(metrics["TaskDuration"])

    steps = 60
    began = spent()
    for _ in range(steps):
        page.press("ArrowLeft")
    keys = (spent() - began) / steps
    left, top = page.evaluate(
        "(() => { const b = document.querySelector('.u-over').getBoundingClientRect(); return [b.left, b.top]; })()"
    )
    began = spent()
    for step in range(steps):
        page.point(left + 10 + 15 * step, top + 5 * step)
    moves = (spent() - began) / steps
    began = spent()
    for step in range(steps // 4):
        page.resize(1600 - 20 * step)
        page.settle()
    widths = (spent() - began) / (steps // 4)
    print(f"a key {keys * 1000:.2f} ms, a move {moves * 1000:.2f} ms, a width {widths * 1000:.2f} ms")  # noqa: T201 (for who measures)
    assert max(keys, moves) < FRAME
    assert widths < FRAME * SLOW
