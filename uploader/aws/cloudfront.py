"""CloudFront: one request, and why it was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import ClientError

from uploader.aws.access import first_line
from uploader.aws.boto3_chain import NO_ANSWER, open_session
from uploader.aws.refusals import CLOUDFRONT, explain
from uploader.errors import UploaderError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from uploader.aws.access import Access


def create_invalidation(access: Access, distribution: str, reference: str, paths: Sequence[str]) -> str:
    """Have a distribution drop its copies; returns the invalidation's id.

    Args:
        access: Whose credentials are used.
        distribution: The distribution's id.
        reference: The caller's: with the same one and the same paths, CloudFront makes no second invalidation.
        paths: The paths, percent-encoded.

    Raises:
        UploaderError: CloudFront refused, or cannot be reached.
    """
    config = Config(connect_timeout=10, read_timeout=30, retries={"mode": "standard", "max_attempts": 6})
    batch = {"Paths": {"Quantity": len(paths), "Items": list(paths)}, "CallerReference": reference}
    try:
        client = open_session(access).client("cloudfront", region_name=access.region, config=config)
        answer = client.create_invalidation(DistributionId=distribution, InvalidationBatch=batch)
    except ClientError as error:
        raise explain(
            CLOUDFRONT,
            code=error.response.get("Error", {}).get("Code", ""),
            text=str(error),
            action="cloudfront:CreateInvalidation",
            target=f"arn:aws:cloudfront::*:distribution/{distribution}",
            distribution=distribution,
            who=access.who,
        ) from error
    except NO_ANSWER as error:
        raise UploaderError(first_line(error)) from error
    invalidation_id: str = answer["Invalidation"]["Id"]
    return invalidation_id
