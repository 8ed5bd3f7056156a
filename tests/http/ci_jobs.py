"""The runner of a CI job, as far as its shell steps can tell: expressions, variables, files and the shell itself."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Any

import yaml

from tests.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
COMPONENT = (ROOT / "templates" / "publish.yml").read_text()


class ActionRun:
    """One use of the GitHub Action in a job.

    Attributes:
        output: What its last step printed.
        summary: The Markdown for the page of the run.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str], python: str) -> None:
        self._folder = folder
        self._environ = dict(environ)
        self._python = python
        self.output = ""
        self.summary = ""

    def run(self, **inputs: str) -> tuple[int, dict[str, str]]:
        """Run the steps until one fails; returns its exit status and the action's outputs.

        Args:
            inputs: The inputs, with underscores for hyphens.
        """
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        assert given.keys() <= ACTION["inputs"].keys()
        contexts = {"env": self._environ, "inputs": dict.fromkeys(ACTION["inputs"], "") | given}
        for step in ACTION["runs"]["steps"]:
            status, outputs = self._step(step, contexts)
            if "id" in step:
                contexts[f"steps.{step['id']}.outputs"] = outputs
            if status:
                break
        return status, {name: _evaluate(one["value"], contexts) for name, one in ACTION["outputs"].items()}

    def _step(self, step: dict[str, Any], contexts: Mapping[str, Mapping[str, str]]) -> tuple[int, dict[str, str]]:
        if "uses" in step:
            assert step["uses"].startswith("actions/setup-python@")
            return 0, {"python-path": self._python}
        assert step["shell"] == "bash"
        assert "${{" not in step["run"], "a value would become a part of the script"
        files = {name: self._folder / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for path in files.values():
            path.write_text("")
        script = self._folder / "step.sh"
        script.write_text(step["run"])
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", script],  # noqa: S607 (as GitHub's runner)
            cwd=self._folder,
            env={
                **self._environ,
                **{name: str(path) for name, path in files.items()},
                "GITHUB_ACTION_PATH": str(ROOT),
                **{name: _evaluate(value, contexts) for name, value in step.get("env", {}).items()},
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=120,
        )
        self.output = done.stdout
        self.summary = files["GITHUB_STEP_SUMMARY"].read_text()
        return done.returncode, dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text().splitlines())


def _evaluate(text: str, contexts: Mapping[str, Mapping[str, str]]) -> str:
    """A text with GitHub's expressions, of which the action uses properties and ``||``."""

    def value(expression: re.Match[str]) -> str:
        for name in expression[1].split(" || "):
            context, _, key = name.rpartition(".")
            if found := contexts.get(context, {}).get(key):
                return found
        return ""

    return re.sub(r"\$\{\{ (.*?) \}\}", value, text)


def gitlab_job(**inputs: str) -> dict[str, Any]:
    """The job that the GitLab component makes of these inputs, with underscores for hyphens."""
    spec = yaml.safe_load(COMPONENT.partition("\n---\n")[0])["spec"]["inputs"]
    given = {name.replace("_", "-"): value for name, value in inputs.items()}
    assert given.keys() <= spec.keys()
    values = {name: str(one["default"]) for name, one in spec.items()} | given
    (made,) = _interpolate(yaml.safe_load(COMPONENT.partition("\n---\n")[2]), values).values()
    return made  # type: ignore[no-any-return]  # YAML has no types


def _interpolate(node: Any, values: Mapping[str, str]) -> Any:  # noqa: ANN401 (YAML's)
    """A job with its inputs, which GitLab puts into the texts of what it has read, and not into the file."""
    if isinstance(node, dict):
        return {_interpolate(key, values): _interpolate(value, values) for key, value in node.items()}
    if isinstance(node, list):
        return [_interpolate(each, values) for each in node]
    if isinstance(node, str):
        return re.sub(r"\$\[\[ inputs\.([\w-]+) \]\]", lambda found: values[found[1]], node)
    return node
