"""The names that two packages share: each is written once, in `release_log`."""

from __future__ import annotations

import ast

import pytest

from release_log.environment import Variable
from release_log.events import CLEAN_COMPLETED, OBJECT_CREATED
from release_log.metrics import Metric
from tests.paths import ROOT

SHARED = {
    *Variable,
    *OBJECT_CREATED,
    *CLEAN_COMPLETED,
    *(metric for metric in Metric if metric not in {"Failed", "Kept"}),
}
"""Without two metrics that are also words: a state of Lambda's, and the title of a graph."""


def texts(source: str) -> set[str]:
    """Every text of a module that stands alone, docstrings included."""
    return {
        node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant) and type(node.value) is str
    }


@pytest.mark.parametrize("package", ["cleaner_lambda", "asset_cleaner_cdk", "uploader/doctor"])
def test_no_other_package_writes_them_itself(package: str) -> None:
    paths = sorted((ROOT / package).rglob("*.py"))
    assert paths
    written = {str(path.relative_to(ROOT)): texts(path.read_text(encoding="utf-8")) & SHARED for path in paths}
    assert {path: names for path, names in written.items() if names} == {}
