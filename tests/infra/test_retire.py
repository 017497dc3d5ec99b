"""`make retire`, against moto."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from infra.retire import main
from infra.settings import generation_stack_name

TEMPLATE = {
    "Resources": {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        "Workers": {
            "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
            "Properties": {
                "Name": "workers",
                "Port": 8080,
                "Protocol": "HTTP",
                "TargetType": "ip",
                "VpcId": {"Ref": "Vpc"},
            },
        },
    }
}


@pytest.fixture
def cloudformation(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An account in which generation 3 is deployed."""
    for name, value in (
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("cloudformation")
        client.create_stack(StackName=generation_stack_name(3), TemplateBody=json.dumps(TEMPLATE))
        yield client


def test_a_generation_is_removed(cloudformation: Any) -> None:
    """Its stack is gone when the command ends; nobody waited an hour for its idle tasks."""
    balancers = boto3.client("elbv2")
    (group,) = balancers.describe_target_groups()["TargetGroups"]

    assert 0 == main("3")

    with pytest.raises(ClientError, match="does not exist"):
        cloudformation.describe_stacks(StackName="SinkGeneration3")
    # moto deletes the stack, and forgets the group.
    told = balancers.describe_target_group_attributes(TargetGroupArn=group["TargetGroupArn"])
    attributes = {one["Key"]: one["Value"] for one in told["Attributes"]}
    assert "30" == attributes["deregistration_delay.timeout_seconds"]


def test_a_generation_that_isn_t_there(cloudformation: Any) -> None:
    """It is said so, and nothing else goes."""

    said = main("4")

    assert str(said).startswith("SinkGeneration4 couldn't be removed: ")
    assert cloudformation.describe_stacks(StackName="SinkGeneration3")["Stacks"]
