"""The installations that cdk-nag and cfn-lint examine as a whole; two of them have snapshots."""

from __future__ import annotations

from typing import Any

VARIATIONS: dict[str, dict[str, Any]] = {
    "new": {},
    "existing": {"bucket": "my-bucket", "alarm_email": "web@example.org"},
    "whole-bucket": {"prefix": "", "name": "blog", "distribution": "true"},
    "sites": {
        "sites": [
            {"prefix": "assets/"},
            {"prefix": "shop/", "version_limit": 5},
            {"prefix": "assets/", "bucket": "blog-assets"},
        ],
        "gitlab": "group/project",
        "gitlab_branch": "main",
        "distribution_id": "E2QWRUHAPOMQZL",
    },
    "everything": {
        "kms_key_arn": "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d-4e5f-6789-abcd-ef0123456789",
        "permissions_boundary": "arn:aws:iam::123456789012:policy/web",
        "tags": "team=web,stage=live",
        "schedule": "cron(0 3 * * ? *)",
        "memory": "4096",
        "timeout": "600",
        "concurrency": "1",
        "ledger_format": "2",
        "alarm_email": "web@example.org",
        "distribution": "true",
        "cors_origins": "https://www.example.com",
        "domain_name": "assets.example.com",
        "certificate_arn": "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d-4e5f-6789-abcd-ef0123456789",
        "access_logs": "true",
        "github": "owner/repo",
        "github_branch": "main",
    },
}

SNAPSHOTS = ("new", "everything")
"""The variations whose whole template a person has reviewed."""
