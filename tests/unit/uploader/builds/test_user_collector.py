"""The user's own collector: what it may return, and the message about each mistake in it."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.paths import ROOT
from uploader.builds.files import File
from uploader.builds.user_collector import load_collector
from uploader.errors import UploaderError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    Project = Callable[[str], str]


@pytest.fixture(autouse=True)
def current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run each test in an empty folder, and unload the modules that it imports from there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name, module in list(sys.modules.items()):
        if any(str(tmp_path) in path for path in (getattr(module, "__file__", None) or "", *_folders(module))):
            del sys.modules[name]


def _folders(module: ModuleType) -> list[str]:
    return list(getattr(module, "__path__", []))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Write a module of the user's with a given body; returns the module's name."""

    def write(body: str) -> str:
        (tmp_path / "my_build").mkdir()
        (tmp_path / "my_build" / "assets.py").write_text(f"from uploader.builds.files import File\n\n{body}\n")
        return "my_build.assets"

    return write


def refused(reference: str, directory: Path) -> str:
    """The one-line message of the refusal; it names the collector."""
    with pytest.raises(UsageError) as caught:
        load_collector(reference)(directory)
    message = str(caught.value)
    assert message.startswith(f"collector {reference!r}")
    assert "\n" not in message
    assert "Traceback" not in message
    return message


@pytest.mark.parametrize(
    "body",
    [
        "def collect(directory): return [File(str(directory / 'a.js'), 'js/a-1.js', 'js/a.js')]",
        "def collect(directory): yield File(str(directory / 'a.js'), 'js/a-1.js', 'js/a.js')",
        "def collect(directory): return (File(directory / 'a.js', 'js/a-1.js', 'js/a.js'),)",
        "@staticmethod\ndef collect(directory): return {File(str(directory / 'a.js'), 'js/a-1.js', 'js/a.js')}",
    ],
)
def test_it_may_return_any_iterable_of_files(project: Project, tmp_path: Path, body: str) -> None:
    collector = load_collector(f"{project(body)}:collect")
    assert collector(tmp_path) == [File(str(tmp_path / "a.js"), "js/a-1.js", "js/a.js")]


def test_it_may_come_from_an_installed_package(tmp_path: Path) -> None:
    assert "File" in refused("os.path:split", tmp_path)


@pytest.mark.parametrize(
    "reference", ["my_build.assets", "my_build.assets:", ":collect", "my_build:collect()", "a:b:c"]
)
def test_a_reference_of_another_form(tmp_path: Path, reference: str) -> None:
    assert "package.module:function" in refused(reference, tmp_path)


def test_no_such_module(project: Project, tmp_path: Path) -> None:
    package = project("").partition(".")[0]
    assert f"no module '{package}.asets' in {str(tmp_path)!r}" in refused(f"{package}.asets:collect", tmp_path)
    assert "no module 'nowhere'" in refused("nowhere.at.all:collect", tmp_path)


def test_no_such_function(project: Project, tmp_path: Path) -> None:
    module = project("def collect(directory): ...\nvalue = 1")
    assert "did you mean 'collect'?" in refused(f"{module}:colect", tmp_path)
    assert "'value' is not a function" in refused(f"{module}:value", tmp_path)


@pytest.mark.parametrize(
    ("body", "words", "line"),
    [
        ("import does_not_exist", "ModuleNotFoundError: No module named 'does_not_exist'", 3),
        ("def collect(directory:", "SyntaxError", 3),
        ("raise ValueError('no\\nway')", "ValueError: no way", 3),
        ("import sys\n\nsys.exit(3)", "SystemExit: 3", 5),
    ],
)
def test_a_module_that_cannot_be_imported(project: Project, tmp_path: Path, body: str, words: str, line: int) -> None:
    module = project(body)
    message = refused(f"{module}:collect", tmp_path)
    assert words in message
    assert message.endswith(f"({tmp_path / module.replace('.', '/')}.py, line {line})")


@pytest.mark.parametrize(
    ("body", "words", "line"),
    [
        ("def collect(directory):\n    return 1 / 0", "ZeroDivisionError: division by zero", 4),
        ("def collect(directory):\n    yield from ()\n    raise KeyError('app')", "KeyError: 'app'", 5),
        (
            "def collect(directory):\n    return list(map(_file, [1]))\n\ndef _file(n):\n    assert False",
            "AssertionError",
            7,
        ),
        ("import sys\ndef collect(directory):\n    sys.exit()", "SystemExit", 5),
        ("def collect(): ...", "TypeError: collect() takes 0 positional arguments but 1 was given", None),
    ],
)
def test_an_exception_inside(project: Project, tmp_path: Path, body: str, words: str, line: int | None) -> None:
    """The message has its type, its text, and the line of the user's code that raised it."""
    module = project(body)
    message = refused(f"{module}:collect", tmp_path)
    assert f"failed: {words}" in message
    assert line is None or message.endswith(f"line {line})")


def test_an_uploader_error_that_it_raises_is_passed_on(project: Project, tmp_path: Path) -> None:
    module = project(
        "from uploader.errors import UploaderError\n\ndef collect(directory): raise UploaderError('build first')"
    )
    with pytest.raises(UploaderError, match=r"^build first$"):
        load_collector(f"{module}:collect")(tmp_path)


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        ("None", "returned None"),
        ("3", "returned int"),
        ("[]", "an empty release would retire the whole site"),
        ("['a.js']", "file 1: str is not an uploader.File"),
        ("[File('a', 'a.js'), None]", "file 2: None is not an uploader.File"),
        ("[File(3, 'a.js')]", "file 1: path is int"),
        ("[File('a', '')]", "file 1: name is ''"),
        ("[File('a', '/a.js')]", "file 1: name is '/a.js'"),
        ("[File('a', directory)]", "file 1: name is "),
        ("[File('a', 'a.js', '')]", "file 1: logical is ''"),
        ("[File('a', 'a.js', 1)]", "file 1: logical is 1"),
        ("[File('a', 'a.js', None, 1)]", "file 1: fingerprinted is 1"),
    ],
)
def test_a_wrong_return_value_is_refused(project: Project, tmp_path: Path, returned: str, words: str) -> None:
    assert words in refused(f"{project(f'def collect(directory): return {returned}')}:collect", tmp_path)


def test_the_documented_example_does_what_it_says(tmp_path: Path) -> None:
    """The example of docs/builds.md, in a project of its own."""
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "builds.md").read_text(), re.DOTALL)
    for path, text in {
        "my_build/assets.py": example,
        "dist/tea@1f3a.js": "tea",
        "dist/tea@1f3a.js.map": "{}",
        "dist/index.html": "<p>",
        "dist/drafts/cup.txt": "",
        "licences/tea.txt": "MIT",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    files = load_collector("my_build.assets:collect")(tmp_path / "dist")
    assert {(file.name, file.logical) for file in files} == {
        ("tea@1f3a.js", "tea.js"),
        ("index.html", "index.html"),
        ("licences/tea.txt", None),
    }
    assert all(Path(file.path).is_file() for file in files)


def test_ctrl_c_inside_is_ctrl_c(project: Project, tmp_path: Path) -> None:
    module = project("def collect(directory): raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        load_collector(f"{module}:collect")(tmp_path)
