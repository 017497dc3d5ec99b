"""A local AWS with RecorderStack in it: what `make run` and the end-to-end tests stand on.

with local_aws(Path(".run/aws")) as aws:
    stack = deploy(aws, DeployParameters(sink_url="ws://127.0.0.1:9000"))
    stack.api_url, stack.environment
"""

from __future__ import annotations

import json
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import imageio_ffmpeg

from infra.local.build import build_assembly
from infra.local.logs import save_logs
from infra.local.ports import HOST, choose_port
from infra.local.processes import finish_step, run_step, running, wait_until_ready
from infra.local.tools import Tools, find_tools

ACCOUNT = "000000000000"
REGION = "us-east-1"
ACCESS_KEY = "test"
"""any opens a local AWS"""

STACK = "RecorderStack"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalAws:
    """A MiniStack that runs."""

    tools: Tools
    folder: Path
    """its logs and scratch files"""
    endpoint: str
    """http://127.0.0.1:port"""

    @property
    def client_options(self) -> dict[str, Any]:
        """What `boto3.client` needs to find it."""
        return {
            "endpoint_url": self.endpoint,
            "region_name": REGION,
            "aws_access_key_id": ACCESS_KEY,
            "aws_secret_access_key": ACCESS_KEY,
        }

    @property
    def environment(self) -> dict[str, str]:
        """What lets any AWS SDK find it; nothing of a real account is passed on."""
        return {**_without_aws(os.environ), **_credentials(), "AWS_ENDPOINT_URL": self.endpoint}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployParameters:
    """RecorderStack's parameters as a local run sets them."""

    sink_url: str
    allow_http: str = "1"
    allowed_networks: str = "127.0.0.0/8"
    allowed_ports: str = "*"
    carrier_hosts: str = ""
    shared_credentials: str = ""
    wait_scale: str = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedStack:
    """RecorderStack in a local AWS."""

    api_url: str
    """base of every API path, without a slash at its end"""
    environment: Mapping[str, str]
    """of a process beside Lambda: the sink, `python -m chalicelib.api.keys`"""
    outputs: Mapping[str, str]


@contextmanager
def local_aws(folder: Path) -> Iterator[LocalAws]:
    """Start MiniStack on a free port (or AWS_PORT), everything it writes under `folder`."""
    tools = find_tools()
    port = choose_port("AWS_PORT")
    folder = folder.resolve()
    scratch = folder / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    log = folder / "ministack.log"
    aws = LocalAws(tools=tools, folder=folder, endpoint=f"http://{HOST}:{port}")
    command = [tools.ministack_python, "-m", "infra.local.ministack"]
    environment = _ministack_environment(port, scratch)
    with running("The local AWS", command, log=log, environment=environment) as process:
        wait_until_ready(
            "The local AWS", process, lambda: _answers(aws.endpoint), log=log, within_s=60
        )
        try:
            yield aws
        finally:
            save_logs(aws.client_options, folder / "lambda.log")
    shutil.rmtree(scratch, ignore_errors=True)  # unpacked Lambda zips


def deploy(aws: LocalAws, parameters: DeployParameters) -> DeployedStack:
    """Bootstrap, build where sources changed, and `cdk deploy` RecorderStack."""
    log = aws.folder / "bootstrap.log"
    command = [aws.tools.cdk, "bootstrap", f"aws://{ACCOUNT}/{REGION}"]
    with running(
        "cdk bootstrap",
        command,
        log=log,
        environment=_cdk_environment(aws),
        folder=aws.folder,  # no cdk.json there: nothing is synthesized for it
    ) as bootstrap:
        assembly = build_assembly(aws.folder, aws.tools.python)
        finish_step("cdk bootstrap", bootstrap, log=log, within_s=300)
    _allow_plain_http(aws)
    outputs = _deploy_assembly(aws, assembly, parameters)
    stack = DeployedStack(
        api_url=f"{aws.endpoint}/_aws/execute-api/{outputs['ApiId']}/api",
        environment=_process_environment(aws, outputs),
        outputs=outputs,
    )
    _publish_url(aws, stack)
    return stack


def _allow_plain_http(aws: LocalAws) -> None:
    """The bootstrap's bucket refuses what comes without TLS, and a local AWS has none."""
    client = boto3.client("s3", **aws.client_options)
    client.delete_bucket_policy(Bucket=f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}")


def _deploy_assembly(aws: LocalAws, assembly: Path, parameters: DeployParameters) -> dict[str, str]:
    outputs = aws.folder / "outputs.json"
    command = [aws.tools.cdk, "deploy", STACK, "--app", str(assembly), "--method", "direct"]
    command += ["--require-approval", "never", "--progress", "events", "--ci"]
    command += ["--outputs-file", str(outputs)]
    for name, value in _stack_parameters(parameters).items():
        command += ["--parameters", f"{name}={value}"]
    log = aws.folder / "deploy.log"
    run_step("cdk deploy", command, log=log, environment=_cdk_environment(aws), within_s=300)
    found: dict[str, str] = json.loads(outputs.read_text())[STACK]
    return found


def _stack_parameters(parameters: DeployParameters) -> dict[str, str]:
    return {
        "SinkUrl": parameters.sink_url,
        "AllowHttp": parameters.allow_http,
        "AllowedNetworks": parameters.allowed_networks,
        "AllowedPorts": parameters.allowed_ports,
        "CarrierHosts": parameters.carrier_hosts,
        "SharedCredentials": parameters.shared_credentials,
        "WaitScale": parameters.wait_scale,
    }


def _process_environment(aws: LocalAws, outputs: Mapping[str, str]) -> dict[str, str]:
    """The stack prints the variables of its functions as one output."""
    printed: dict[str, str] = json.loads(outputs["Environment"])
    return {**aws.environment, **printed}


def _publish_url(aws: LocalAws, stack: DeployedStack) -> None:
    """Tell the app its own address: execute-api hosts exist on AWS only."""
    client = boto3.client("ssm", **aws.client_options)
    name = stack.environment["TAPEDECK_PUBLIC_URL_PARAMETER"]
    client.put_parameter(Name=name, Value=stack.api_url, Type="String", Overwrite=True)


def _ministack_environment(port: int, scratch: Path) -> dict[str, str]:
    return {
        **_without_aws(os.environ),
        **_credentials(),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": HOST,
        "TMPDIR": str(scratch),
        "AUTH": "true",  # a function may do what its role says, and nothing else
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        # It unpacks layers without their modes, so the layer's own ffmpeg can't be run.
        "IMAGEIO_FFMPEG_EXE": str(imageio_ffmpeg.get_ffmpeg_exe()),
    }


def _cdk_environment(aws: LocalAws) -> dict[str, str]:
    return {
        **aws.environment,
        "CDK_DISABLE_CLI_TELEMETRY": "1",
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1",
        "NODE_NO_WARNINGS": "1",
    }


def _credentials() -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
    }


def _without_aws(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith("AWS_") or name == "AWS_CA_BUNDLE"
    }


def _answers(endpoint: str) -> bool:
    try:
        with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=2) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False
