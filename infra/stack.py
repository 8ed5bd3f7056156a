"""One installation: a bucket, the cleaner, and what wakes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import ArnFormat, CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs

from infra.permissions import cleaner_statements, uploader_statements
from release_log.layout import Layout

if TYPE_CHECKING:
    from pathlib import Path

    from constructs import Construct

    from infra.settings import StackSettings


class AssetCleaner(Stack):
    """The stack that ``cdk deploy`` installs."""

    def __init__(self, scope: Construct, settings: StackSettings, bundle: Path) -> None:
        """Define it.

        Args:
            scope: The app.
            settings: What to install.
            bundle: The folder with the Lambda's code.
        """
        super().__init__(
            scope,
            settings.stack_name,
            description="Deletes superseded and removed assets from S3 when nothing live needs them any more.",
        )
        self._settings = settings
        self._layout = Layout(settings.prefix)
        bucket = self._adopted_bucket(settings.bucket) if settings.bucket else self._new_bucket()
        undelivered = self._queue("Undelivered")
        failed = self._queue("FailedRuns")
        group = scheduler.CfnScheduleGroup(self, "WakeUps", name=f"{self.stack_name}-wake-ups")
        wake_up_role = self._wake_up_role(group, undelivered)
        function = self._function(bundle, bucket, failed, wake_up_role, group, undelivered)
        wake_up_role.add_to_policy(
            iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[function.function_arn])
        )
        self._wake_by_marker(bucket, function, undelivered)
        self._wake_daily(function, undelivered)
        uploader = iam.ManagedPolicy(
            self,
            "UploaderPolicy",
            # Never to be changed: another text would replace the policy, and take it from the roles that have it.
            description="Lets a build job publish releases of one site, and delete no asset",
            statements=uploader_statements(bucket.bucket_arn, self._layout),
        )
        CfnOutput(self, "BucketName", value=bucket.bucket_name)
        CfnOutput(self, "CleanerFunctionName", value=function.function_name)
        CfnOutput(self, "UploaderPolicyArn", value=uploader.managed_policy_arn)

    def _new_bucket(self) -> s3.IBucket:
        bucket = s3.Bucket(
            self,
            "Bucket",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            versioned=True,
            lifecycle_rules=[
                s3.LifecycleRule(id="AbortIncompleteUploads", abort_incomplete_multipart_upload_after=Duration.days(1)),
                # Until then a deletion can be undone. The delete marker goes after the last version under it.
                s3.LifecycleRule(
                    id="ExpireNoncurrentVersions",
                    noncurrent_version_expiration=Duration.days(self._settings.noncurrent_days),
                    expired_object_delete_marker=True,
                ),
            ],
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=RemovalPolicy.RETAIN,
        )
        # The L2 property would bring a custom resource with rights on every bucket; the template can say it by itself.
        resource = bucket.node.default_child
        resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(  # type: ignore[union-attr]
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
        )
        return bucket

    def _adopted_bucket(self, name: str) -> s3.IBucket:
        """An existing bucket with EventBridge turned on; the CDK's custom resource keeps its other notifications."""
        role = iam.Role(self, "AdoptionRole", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        arn = self.format_arn(service="s3", region="", account="", resource=name, arn_format=ArnFormat.NO_RESOURCE_NAME)
        role.add_to_policy(
            iam.PolicyStatement(actions=["s3:GetBucketNotification", "s3:PutBucketNotification"], resources=[arn])
        )
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
                resources=[
                    self.format_arn(
                        service="logs",
                        resource="log-group",
                        # CloudFormation names the handler, and cuts the stack's name to do so.
                        resource_name="/aws/lambda/AssetCleaner-*",
                        arn_format=ArnFormat.COLON_RESOURCE_NAME,
                    )
                ],
            )
        )
        bucket = s3.Bucket.from_bucket_attributes(
            self,
            "Bucket",
            bucket_name=name,
            # Without it the CDK would add rights on every bucket to the role.
            notifications_handler_role=role.without_policy_updates(),
        )
        bucket.enable_event_bridge_notification()
        return bucket

    def _queue(self, name: str) -> sqs.Queue:
        return sqs.Queue(
            self,
            name,
            retention_period=Duration.days(14),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
        )

    def _wake_up_role(self, group: scheduler.CfnScheduleGroup, undelivered: sqs.Queue) -> iam.Role:
        """Who EventBridge Scheduler is when it invokes the cleaner; only for schedules of this installation's group."""
        role = iam.Role(
            self,
            "WakeUpRole",
            assumed_by=iam.ServicePrincipal(
                "scheduler.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": self.account, "aws:SourceArn": group.attr_arn}},
            ),
        )
        role.add_to_policy(iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[undelivered.queue_arn]))
        return role

    def _function(
        self,
        bundle: Path,
        bucket: s3.IBucket,
        failed: sqs.Queue,
        wake_up_role: iam.Role,
        group: scheduler.CfnScheduleGroup,
        undelivered: sqs.Queue,
    ) -> lambda_.Function:
        log_group = logs.LogGroup(
            self, "Log", retention=logs.RetentionDays.THREE_MONTHS, removal_policy=RemovalPolicy.DESTROY
        )
        role = iam.Role(self, "CleanerRole", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group.grant_write(role)
        for statement in cleaner_statements(bucket.bucket_arn, self._layout):
            role.add_to_policy(statement)
        schedules = self.format_arn(service="scheduler", resource="schedule", resource_name=f"{group.name}/*")
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["scheduler:CreateSchedule", "scheduler:UpdateSchedule", "scheduler:DeleteSchedule"],
                resources=[schedules],
            )
        )
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["iam:PassRole"],
                resources=[wake_up_role.role_arn],
                conditions={"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}},
            )
        )
        role.add_to_policy(iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[failed.queue_arn]))
        site = {"bucket": bucket.bucket_name, "prefix": self._layout.prefix, "policy": dict(self._settings.policy)}
        return lambda_.Function(
            self,
            "Cleaner",
            # Lambda takes 256 characters; a prefix may be longer.
            description=f"Cleans {self._layout.prefix or 'the whole bucket'}"[:256],
            code=lambda_.Code.from_asset(str(bundle)),
            handler="cleaner_lambda.handler.lambda_handler",
            # Lambda has 3.14 too; 3.13 is the newest on which the tests run this bundle (infra/bundle.py).
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            # Room for a million retired assets, and more than a whole CPU: a run costs no more, as it is shorter.
            memory_size=2048,
            timeout=Duration.minutes(15),
            # Two runs at once are safe, and useless. S3's and the timers' events wait in Lambda's queue meanwhile.
            reserved_concurrent_executions=1,
            # The CDK would add more rights on the queue of failed runs than Lambda needs:
            # https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
            role=role.without_policy_updates(),
            log_group=log_group,
            retry_attempts=2,
            on_failure=destinations.SqsDestination(failed),
            environment={
                "SITES": self.to_json_string([site]),
                "WAKE_UP_GROUP": group.name or "",
                "WAKE_UP_ROLE_ARN": wake_up_role.role_arn,
                "WAKE_UP_DEAD_LETTER_ARN": undelivered.queue_arn,
            },
        )

    def _wake_by_marker(self, bucket: s3.IBucket, function: lambda_.Function, undelivered: sqs.Queue) -> None:
        rule = events.Rule(
            self,
            "MarkerRule",
            description="A release marker was written",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={
                    "bucket": {"name": [bucket.bucket_name]},
                    "object": {"key": [{"prefix": self._layout.markers}]},
                },
            ),
        )
        rule.add_target(targets.LambdaFunction(function, dead_letter_queue=undelivered, retry_attempts=24))

    def _wake_daily(self, function: lambda_.Function, undelivered: sqs.Queue) -> None:
        rule = events.Rule(
            self,
            "DailyRule",
            description="Full listing, and the backstop if an event or a wake-up is lost",
            schedule=events.Schedule.rate(Duration.days(1)),
        )
        payload = events.RuleTargetInput.from_object({"site": self._layout.prefix, "full": True})
        rule.add_target(
            targets.LambdaFunction(function, event=payload, dead_letter_queue=undelivered, retry_attempts=24)
        )
