"""How S3 encrypts objects, by the names that its requests have for it."""

from __future__ import annotations

SSE_S3 = "AES256"
SSE_KMS = "aws:kms"
ALGORITHMS = (SSE_S3, SSE_KMS)
