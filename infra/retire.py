"""Remove a generation of workers: what `make retire` does once it has no calls.

python -m infra.retire 1
"""

from __future__ import annotations

import sys
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, WaiterError

from infra.settings import generation_stack_name

DRAINS_FOR_S = 30
"""nobody is left to wait for: the usual hour is for tasks that still have calls"""

_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"


def main(number: str) -> int | str:
    """Remove the stack; return the exit code, or a sentence that says what went wrong."""
    clients = boto3.client("cloudformation"), boto3.client("elbv2")
    name = generation_stack_name(int(number))
    try:
        retire(name, *clients)
    except (BotoCoreError, ClientError, WaiterError) as error:
        return f"{name} couldn't be removed: {error}"
    return 0


def retire(name: str, cloudformation: Any, balancers: Any) -> None:
    """Delete a generation's stack, and return when it is gone. Raises what boto3 raises."""
    for resource in cloudformation.describe_stack_resources(StackName=name)["StackResources"]:
        if resource["ResourceType"] == _GROUP:
            balancers.modify_target_group_attributes(
                TargetGroupArn=resource["PhysicalResourceId"],
                Attributes=[
                    {"Key": "deregistration_delay.timeout_seconds", "Value": str(DRAINS_FOR_S)}
                ],
            )
    cloudformation.delete_stack(StackName=name)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
