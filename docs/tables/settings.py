"""The tables of settings: the policy's, the stack's, and a rule's."""

from __future__ import annotations

from dataclasses import fields

from asset_cleaner_cdk.build_job.trusted_job import JobSettings, trusted_job
from asset_cleaner_cdk.settings.stack import OWN, SiteSettings, StackSettings
from docs.tables.markdown import code, table
from infra.parameters import PARAMETERS
from release_log.policy_settings import SETTINGS
from uploader.treatment.rule_settings import NOT_SETTINGS, RULE_SETTINGS


def policy() -> str:
    """The policy's settings, which the stack's context and the payload of an invocation take."""
    rows = [[code(name), str(field.default), field.metadata["doc"]] for name, field in SETTINGS.items()]
    return table(["setting", "default", ""], rows)


def stack(*names: str) -> str:
    """The stack's own settings, in the order of its error messages.

    Args:
        names: Only these; without any, all.
    """
    declared = {field.name: field for kind in (SiteSettings, StackSettings) for field in fields(kind)}
    rows = [[code(name), _default(declared[name].default), declared[name].metadata["doc"]] for name in names or OWN]
    return table(["setting", "default", ""], rows)


def _default(value: object) -> str:
    """A default as it is written after ``-c``; of what has no default value, or a record, nothing."""
    if isinstance(value, bool):
        return code(str(value).lower())
    return code(value) if isinstance(value, str) else str(value) if isinstance(value, int) else ""


def parameters() -> str:
    """The parameters of the plain template."""
    rows = [
        [code(each.name), "" if each.default in (None, "") else code(str(each.default)), each.doc]
        for each in PARAMETERS
    ]
    return table(["parameter", "default", ""], rows)


def subjects(*jobs: dict[str, str]) -> str:
    """The token's subject that the stack trusts, for each of some jobs.

    Args:
        jobs: The settings that name the job; `asset_cleaner_cdk.build_job` refuses those that leave one open.
    """
    trusted = [(settings, trusted_job(JobSettings(**settings))) for settings in jobs]
    rows = [
        [", ".join(code(f"{name}={value}") for name, value in settings.items()), code(job.subject)]
        for settings, job in trusted
        if job is not None
    ]
    return table(["settings", "`sub`"], rows)


def no_rule() -> str:
    """What other uploaders set on an object, and a rule cannot."""
    return table(["not a setting", "why, and what to do"], ([code(name), why] for name, why in NOT_SETTINGS.items()))


def rule() -> str:
    """The settings of a rule in the uploader's configuration file."""
    return table(["setting", ""], ([code(name), setting.doc] for name, setting in RULE_SETTINGS.items()))
