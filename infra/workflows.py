"""Finalization, Delivery, questions to carriers, and the sweep every minute."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from aws_cdk import aws_stepfunctions as sfn
from chalice.cdk import Chalice

from infra.grants import allow

FINALIZATION = "finalization"
DELIVERY = "delivery"
CARRIER = "carrier"

_FOLDER = Path(__file__).resolve().parent


def workflow_reference(stack: Stack, workflow: str) -> sfn.IStateMachine:
    """Return a workflow by its name.

    A function starts workflows and workflows call functions: the name breaks the circle.
    """
    arn = stack.format_arn(
        service="states",
        resource="stateMachine",
        resource_name=_name(stack, workflow),
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
    return sfn.StateMachine.from_state_machine_arn(stack, f"{workflow}-by-name", arn)


def build_workflows(stack: Stack, app: Chalice) -> dict[str, sfn.StateMachine]:
    """Make the state machines from their ASL files."""
    return {
        FINALIZATION: _workflow(stack, app, FINALIZATION, ("Assemble", "Publish", "MarkError")),
        DELIVERY: _workflow(stack, app, DELIVERY, ("Attempt",)),
        CARRIER: _workflow(stack, app, CARRIER, ("AskCarrier",)),
    }


def build_schedule(stack: Stack, app: Chalice) -> scheduler.Schedule:
    """Sweep every minute; a sweep that can't start is not worth repeating, the next one is near."""
    sweep = lambda_.Function.from_function_attributes(
        stack,
        "SweepReference",
        function_arn=app.get_resource("Sweep").get_att("Arn").to_string(),
        same_environment=True,  # so that its invocation can be granted
    )
    return scheduler.Schedule(
        stack,
        "SweepSchedule",
        schedule=scheduler.ScheduleExpression.rate(Duration.minutes(1)),
        target=targets.LambdaInvoke(sweep, retry_attempts=0, max_event_age=Duration.minutes(1)),
    )


def _workflow(
    stack: Stack, app: Chalice, workflow: str, functions: tuple[str, ...]
) -> sfn.StateMachine:
    arns = {name: app.get_resource(name).get_att("Arn").to_string() for name in functions}
    role = _role(stack, workflow)
    allow(role, ("lambda:InvokeFunction",), *arns.values())
    return sfn.StateMachine(
        stack,
        workflow.capitalize(),
        state_machine_name=_name(stack, workflow),
        state_machine_type=sfn.StateMachineType.STANDARD,
        definition_body=sfn.DefinitionBody.from_string(
            (_FOLDER / f"{workflow}.asl.json").read_text()
        ),
        definition_substitutions={f"{name}Arn": arn for name, arn in arns.items()},
        role=role,
        logs=sfn.LogOptions(
            destination=logs.LogGroup(
                stack,
                f"{workflow.capitalize()}Logs",
                log_group_name=f"/aws/vendedlogs/states/{_name(stack, workflow)}",
                retention=logs.RetentionDays.ONE_MONTH,
                removal_policy=RemovalPolicy.DESTROY,
            ),
            level=sfn.LogLevel.ERROR,
            include_execution_data=False,
        ),
    )


def _role(stack: Stack, workflow: str) -> iam.Role:
    return iam.Role(
        stack,
        f"{workflow.capitalize()}Access",
        assumed_by=iam.ServicePrincipal("states.amazonaws.com"),
    )


def _name(stack: Stack, workflow: str) -> str:
    return f"{stack.stack_name}-{workflow}"
