"""The ports of a process that are services of the cloud, beside its tables and buckets."""

from __future__ import annotations

import sys
from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.config import required
from chalicelib.wiring_rows import RowPorts, client, now

if TYPE_CHECKING:
    from chalicelib.ports import aws as port

# ruff: noqa: PLC0415  # adapters are imported where they are made: see wiring.py


class CloudPorts(RowPorts):
    """What starts executions, tells, and keeps settings."""

    @cached_property
    def workflows(self) -> port.Workflows:
        """Finalization, Delivery and questions to carriers."""
        from chalicelib.adapters.aws.stepfunctions import StepFunctions

        finalization = required(self.settings.finalization_arn, "FINALIZATION_ARN")
        delivery = required(self.settings.delivery_arn, "DELIVERY_ARN")
        carrier = required(self.settings.carrier_arn, "CARRIER_ARN")
        return StepFunctions(client("stepfunctions"), finalization, delivery, carrier)

    @cached_property
    def event_bus(self) -> port.EventBus:
        """EventBridge."""
        from chalicelib.adapters.aws.eventbridge import EventBridge

        return EventBridge(client("events"), self.settings.event_bus)

    @cached_property
    def secrets(self) -> port.Secrets:
        """Secrets Manager."""
        from chalicelib.adapters.aws.settings_store import SecretsManager

        return SecretsManager(client("secretsmanager"))

    @cached_property
    def counters(self) -> port.Counters:
        """CloudWatch, through the log."""
        from chalicelib.adapters.aws.counters import LoggedCounters

        return LoggedCounters(sys.stdout.write, now)

    @cached_property
    def parameters(self) -> port.Parameters:
        """SSM."""
        from chalicelib.adapters.aws.settings_store import ParameterStore

        return ParameterStore(client("ssm"))

    @cached_property
    def task_protection(self) -> port.TaskProtection | None:
        """The task's agent; none outside ECS."""
        from chalicelib.adapters.aws.ecs import EcsAgent

        uri = self.settings.ecs_agent_uri
        return EcsAgent(uri) if uri else None

    @cached_property
    def task_state(self) -> port.TaskState | None:
        """What ECS wants of the task; none outside ECS."""
        from chalicelib.adapters.aws.ecs import EcsTask

        uri = self.settings.ecs_metadata_uri
        return EcsTask(uri, client("ecs")) if uri else None
