"""The configuration file: where we look for it, its settings, and the message about each mistake in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from uploader.cli.config_file import Setting, find_config
from uploader.errors import UsageError

KINDS: dict[str, type] = {
    "bucket": str,
    "concurrency": int,
    "fingerprint_pattern": str,
    "ratio": float,
    "stage": bool,
    "words": list,
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: str, text: str) -> Path:
    """Write a file below the current directory."""
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def checked(environment: str | None = None) -> dict[str, Setting]:
    """The settings in one environment of the file that we find."""
    file = find_config(None)
    assert file is not None
    file.check(KINDS)
    return file.settings(environment)


def test_a_missing_file_is_not_an_error() -> None:
    assert find_config(None) is None


def test_uploader_toml_is_found() -> None:
    write("uploader.toml", 'bucket = "my-assets"')
    assert checked() == {"bucket": Setting("my-assets", "uploader.toml")}


def test_pyproject_toml_is_found_by_its_table() -> None:
    write("pyproject.toml", '[tool.uploader]\nbucket = "a"\n[tool.uploader.environments.production]\nbucket = "b"')
    assert checked() == {"bucket": Setting("a", "pyproject.toml [tool.uploader]")}
    where = "pyproject.toml [tool.uploader.environments.production]"
    assert checked("production") == {"bucket": Setting("b", where)}


@pytest.mark.parametrize(
    "text", ["[tool.ruff]\nline-length = 120", "[project]\nname = 'uploader'", "tool = 'uploader'"]
)
def test_a_pyproject_toml_of_other_tools_is_ignored(text: str) -> None:
    write("pyproject.toml", text)
    assert find_config(None) is None


def test_a_broken_pyproject_toml_that_does_not_name_the_uploader_is_ignored() -> None:
    write("pyproject.toml", "[tool.ruff\n")
    assert find_config(None) is None


def test_an_empty_file_is_a_configuration() -> None:
    write("uploader.toml", "")
    assert checked() == {}


def test_a_file_in_a_directory_above_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may belong to another project, with another bucket."""
    write("uploader.toml", 'bucket = "another-team"')
    Path("web").mkdir()
    monkeypatch.chdir("web")
    assert find_config(None) is None


def test_two_at_once_are_refused() -> None:
    write("uploader.toml", "")
    write("pyproject.toml", "[tool.uploader]")
    with pytest.raises(UsageError, match=r"^both uploader\.toml and \[tool\.uploader\] in pyproject\.toml exist: keep"):
        find_config(None)


def test_one_of_two_can_be_named() -> None:
    write("uploader.toml", 'bucket = "a"')
    write("pyproject.toml", '[tool.uploader]\nbucket = "b"')
    file = find_config(Path("pyproject.toml"))
    assert file is not None
    assert file.settings(None)["bucket"].value == "b"


def test_a_file_of_another_name_is_read_as_uploader_toml_is() -> None:
    file = find_config(write("deploy/web.toml", 'bucket = "a"'))
    assert file is not None
    assert file.settings(None) == {"bucket": Setting("a", "deploy/web.toml")}


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter() -> None:
    Path("uploader.toml").write_bytes(b'\xef\xbb\xbfbucket = "a"\r\nstage = true\r\n')
    assert checked()["bucket"].value == "a"


def test_an_environment_has_priority_over_the_top_level() -> None:
    write(
        "uploader.toml", 'bucket = "a"\nstage = true\n[environments.production]\nbucket = "b"\n[environments.staging]'
    )
    top = Setting(True, "uploader.toml")
    assert checked("production") == {"bucket": Setting("b", "uploader.toml [environments.production]"), "stage": top}
    assert checked("staging") == {"bucket": Setting("a", "uploader.toml"), "stage": top} == checked()


def test_the_rules_of_an_environment_replace_the_others() -> None:
    write("uploader.toml", "[[rules]]\nmatch = 'a'\n[[rules]]\nmatch = 'b'\n[[environments.x.rules]]\nmatch = 'c'")
    assert [rule["match"] for rule in checked()["rules"].value] == ["a", "b"]
    assert [rule["match"] for rule in checked("x")["rules"].value] == ["c"]


@pytest.mark.parametrize(
    ("environments", "name", "remedy"),
    [
        ("[environments.production]\n[environments.staging]", "prod", "did you mean 'production'?"),
        ("[environments.production]\n[environments.staging]", "qa", "it has production, staging"),
        ("", "production", "it has none"),
    ],
)
def test_an_unknown_environment_is_refused(environments: str, name: str, remedy: str) -> None:
    write("uploader.toml", environments)
    with pytest.raises(UsageError) as error:
        checked(name)
    assert str(error.value) == f"uploader.toml: unknown environment {name!r}: {remedy}"


@pytest.mark.scenario("T15")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('bukcet = "x"', "uploader.toml: unknown key 'bukcet' (its value is 'x'): did you mean 'bucket'?"),
        ("zzz = 1", "uploader.toml: unknown key 'zzz' (its value is 1): docs/configuration.md lists the keys"),
        (
            "fingerprint-pattern = 'x'",
            "uploader.toml: unknown key 'fingerprint-pattern' (its value is 'x'): did you mean 'fingerprint_pattern'?",
        ),
        (
            "[environment.production]",
            "uploader.toml: unknown key 'environment' (its value is {'production': {}}): did you mean 'environments'?",
        ),
        (
            "[environments.production]\nstaged = true",
            "uploader.toml [environments.production]: unknown key 'staged' (its value is true): did you mean 'stage'?",
        ),
        ('concurrency = "8"', "uploader.toml: concurrency = '8' is a string: give it a whole number"),
        ("concurrency = true", "uploader.toml: concurrency = true is a boolean: give it a whole number"),
        ("concurrency = 8.0", "uploader.toml: concurrency = 8.0 is a number: give it a whole number"),
        ("bucket = 8", "uploader.toml: bucket = 8 is a whole number: give it a string"),
        (
            "bucket = 2026-11-23",
            "uploader.toml: bucket = datetime.date(2026, 11, 23) is a date or time: give it a string",
        ),
        ("bucket = ['a']", "uploader.toml: bucket = ['a'] is an array: give it a string"),
        ("stage = 'yes'", "uploader.toml: stage = 'yes' is a string: give it true or false"),
        ("stage = 1", "uploader.toml: stage = 1 is a whole number: give it true or false"),
        ("ratio = true", "uploader.toml: ratio = true is a boolean: give it a number"),
        ("words = 'a'", "uploader.toml: words = 'a' is a string: give it an array of strings"),
        ("words = ['a', 1]", "uploader.toml: words = ['a', 1] is an array: give it an array of strings"),
        ("rules = 1", "uploader.toml: rules = 1 is not an array of tables: begin each rule with [[rules]]"),
        ("[rules]", "uploader.toml: rules = {} is not an array of tables: begin each rule with [[rules]]"),
        ("rules = [1]", "uploader.toml: rules = [1] is not an array of tables: begin each rule with [[rules]]"),
        ("[stage]", "uploader.toml: stage = {} is a table: give it true or false"),
        (
            "environments = 'production'",
            "uploader.toml: environments = 'production' is a string: make it a table, such as [environments]",
        ),
        (
            "[environments]\nx = 1",
            "uploader.toml: environments.x = 1 is a whole number: make it a table, such as [environments.x]",
        ),
        (f"bucket = ['{'a' * 99}']", f"uploader.toml: bucket = ['{'a' * 58}... is an array: give it a string"),
    ],
)
def test_a_mistake_is_refused_with_its_place_and_remedy(text: str, said: str) -> None:
    """We check every table, also of other environments: a mistake shows before it matters."""
    write("uploader.toml", text)
    with pytest.raises(UsageError) as error:
        checked()
    assert str(error.value) == said


@pytest.mark.parametrize("text", ["ratio = 1", "ratio = 0.5", "words = []", "words = ['a', 'b']", "stage = false"])
def test_a_value_of_the_right_type_is_accepted(text: str) -> None:
    write("uploader.toml", text)
    assert len(checked()) == 1


@pytest.mark.scenario("T15")
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            b'bucket = "a"\n\nprefix = assets',
            r"^uploader\.toml: not valid TOML: Invalid value \(at line 3, column 10\)$",
        ),
        (b"a = 1\na = 2", r"^uploader\.toml: not valid TOML: .*\(at (line 2|end of document)"),
        (b"\xff\xfe", r"^uploader\.toml: not valid TOML: .*utf-8"),
        (b"a = " + b"9" * 5000, r"^uploader\.toml: not valid TOML: "),
        (b"a = " + b"[" * 50_000, r"^uploader\.toml: not valid TOML: "),
    ],
    ids=["a value", "a key twice", "not utf-8", "a long number", "deep"],
)
def test_invalid_toml_is_an_error_with_its_line(body: bytes, said: str) -> None:
    Path("uploader.toml").write_bytes(body)
    with pytest.raises(UsageError, match=said):
        find_config(None)


def test_the_uploaders_part_of_pyproject_toml_must_be_a_table() -> None:
    write("pyproject.toml", "[tool]\nuploader = 1")
    with pytest.raises(
        UsageError, match=r"tool\.uploader = 1 is a whole number: make it a table, such as \[tool\.uploader\]"
    ):
        find_config(None)


def test_a_file_that_cannot_be_read_is_an_error() -> None:
    Path("uploader.toml").mkdir()
    with pytest.raises(
        UsageError, match=r"^uploader\.toml: cannot be read \(Is a directory\): check --config, or its permissions$"
    ):
        find_config(None)


def test_a_named_file_must_exist_and_have_the_uploaders_table() -> None:
    with pytest.raises(UsageError, match=r"^web\.toml: no such file: check --config$"):
        find_config(Path("web.toml"))
    write("pyproject.toml", "[project]")
    with pytest.raises(UsageError, match=r"^pyproject\.toml has no table \[tool\.uploader\]: add it, or"):
        find_config(Path("pyproject.toml"))
