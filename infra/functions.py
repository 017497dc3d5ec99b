"""The Lambda functions of the Chalice app: what each may use, and what each may touch."""

from __future__ import annotations

import json
import os
from contextlib import chdir
from dataclasses import dataclass

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from chalice.cdk import Chalice

from infra.lock import PACKAGING, locked
from infra.paths import BUILD, LAYER_ZIP, ROOT
from infra.settings import Settings

LOG_RETENTION = logs.RetentionDays.ONE_MONTH
AUDIT_RETENTION = logs.RetentionDays.THIRTEEN_MONTHS
"""PCI DSS 10.5.1 asks for twelve months of an audit trail"""

REQUESTS_PER_SECOND, REQUEST_BURST = 2000, 4000
"""A flood is refused there instead of taking the account's Lambdas. Ten thousand calls of a minute
have 700 webhooks a second; API Gateway lets an account's APIs have 10,000 together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSpec:
    """One Lambda function; its memory and timeout stand in .chalice/config.json."""

    name: str
    """in the app: `blueprint.lambda_function(name=…)`; api_handler is the REST API"""
    resource: str
    """its logical id in the template that Chalice writes"""
    scratch_mb: int = 512
    """size of /tmp"""
    encodes: bool = False
    """gets ffmpeg"""
    audits: bool = False
    """says who asked for what: its log is kept longer"""


SPECS = (
    FunctionSpec(name="api_handler", resource="APIHandler", audits=True),
    # Twelve hours of stereo WAV are 1.4 GB, and stand there twice while they are encoded.
    FunctionSpec(name="assemble", resource="Assemble", scratch_mb=4096, encodes=True),
    FunctionSpec(name="publish", resource="Publish"),
    FunctionSpec(name="mark_error", resource="MarkError"),
    FunctionSpec(name="attempt", resource="Attempt"),
    FunctionSpec(name="ask_carrier", resource="AskCarrier"),
    FunctionSpec(name="sweep", resource="Sweep"),
    FunctionSpec(name="hook_credentials", resource="HookCredentials"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionShell:
    """What a function stands in before there is code: its role and its log group."""

    role: iam.Role
    logs: logs.LogGroup


def build_shells(stack: Stack) -> dict[str, FunctionShell]:
    """Make a role of its own for each function, that may write to its own log and nothing else."""
    return {spec.name: _shell(stack, spec) for spec in SPECS}


def _shell(stack: Stack, spec: FunctionSpec) -> FunctionShell:
    group = logs.LogGroup(
        stack,
        f"{spec.resource}Logs",
        retention=AUDIT_RETENTION if spec.audits else LOG_RETENTION,
        removal_policy=RemovalPolicy.DESTROY,
    )
    role = iam.Role(
        stack, f"{spec.resource}Access", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")
    )
    group.grant_write(role)
    return FunctionShell(role=role, logs=group)


def build_app(
    stack: Stack,
    shells: dict[str, FunctionShell],
    environment: dict[str, str],
    settings: Settings,
) -> Chalice:
    """Package the Chalice app and include it, each function in its shell."""
    layer = _ffmpeg_layer(stack)
    # Chalice wants a region to package for any; the template names none.
    os.environ.setdefault("AWS_DEFAULT_REGION", os.environ.get("CDK_DEFAULT_REGION", "us-east-1"))
    with locked(PACKAGING), chdir(BUILD):  # Chalice leaves its chalice.out in the working directory
        app = Chalice(
            stack, "App", source_dir=str(ROOT), stage_config=_stage_config(shells, environment)
        )
    for spec in SPECS:
        _complete_function(app, spec, shells[spec.name], layer)
    if settings.reserved_concurrency:
        app.get_resource("APIHandler").add_property_override(
            "ReservedConcurrentExecutions", settings.reserved_concurrency
        )
    _shape_gateway(app)
    _shape_gateway_responses(app)
    return app


def _ffmpeg_layer(stack: Stack) -> lambda_.LayerVersion:
    """Wrap the zip that `python -m infra.layer` makes."""
    return lambda_.LayerVersion(
        stack,
        "Ffmpeg",
        code=lambda_.Code.from_asset(str(LAYER_ZIP)),
        compatible_architectures=[lambda_.Architecture.X86_64],
        description="imageio-ffmpeg with its static ffmpeg",
    )


def _stage_config(
    shells: dict[str, FunctionShell], environment: dict[str, str]
) -> dict[str, object]:
    # Chalice takes one role for all from here; each function gets its own afterwards.
    return {
        "environment_variables": environment,
        "manage_iam_role": False,
        "iam_role_arn": shells["api_handler"].role.role_arn,
    }


def _complete_function(
    app: Chalice, spec: FunctionSpec, shell: FunctionShell, layer: lambda_.LayerVersion
) -> None:
    function = app.get_resource(spec.resource)
    function.add_property_override("Role", shell.role.role_arn)
    function.add_property_override("LoggingConfig", {"LogGroup": shell.logs.log_group_name})
    function.add_property_override("EphemeralStorage", {"Size": spec.scratch_mb})
    if spec.encodes:
        function.add_property_override("Layers", [layer.layer_version_arn])
    # A policy that comes after the function would let its first calls fail.
    function.node.add_dependency(shell.role)


def _shape_gateway(app: Chalice) -> None:
    api = app.get_resource("RestAPI")
    # Without a version SAM makes a second stage, named Stage, that answers everybody too.
    api.add_property_override("OpenApiVersion", "2.0")
    api.add_property_override(
        "MethodSettings",
        [
            {
                "HttpMethod": "*",
                "ResourcePath": "/*",
                "ThrottlingRateLimit": REQUESTS_PER_SECOND,
                "ThrottlingBurstLimit": REQUEST_BURST,
            }
        ],
    )


def _shape_gateway_responses(app: Chalice) -> None:
    """Give what API Gateway answers by itself the shape of our errors.

    Its 401 asks for credentials: carriers send none before.
    """
    app.get_resource("RestAPI").add_property_override(
        "DefinitionBody.x-amazon-apigateway-gateway-responses",
        {
            "MISSING_AUTHENTICATION_TOKEN": {
                "statusCode": "404",
                "responseTemplates": _error("not_found", "there is no such path"),
            },
            "REQUEST_TOO_LARGE": {
                "responseTemplates": _error("too_large", "the body is too large")
            },
            "THROTTLED": {"responseTemplates": _error("throttled", "too many requests")},
            "DEFAULT_4XX": {"responseTemplates": _error("bad_request", "the request was refused")},
            "DEFAULT_5XX": {"responseTemplates": _error("unavailable", "try again")},
            "UNAUTHORIZED": {
                "statusCode": "401",
                "responseTemplates": _error("unauthenticated", "credentials are needed"),
                "responseParameters": {
                    "gatewayresponse.header.WWW-Authenticate": "'Basic realm=\"tapedeck\"'"
                },
            },
        },
    )


def _error(code: str, message: str) -> dict[str, str]:
    return {"application/json": json.dumps({"error": {"code": code, "message": message}})}
