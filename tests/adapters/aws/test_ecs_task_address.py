"""How a task learns its public address: real HTTP for its metadata, moto for EC2."""

from __future__ import annotations

import json

import boto3
import pytest
from botocore.stub import Stubber

from chalicelib.adapters.aws.ecs import TaskAddress
from chalicelib.errors import Unavailable
from tests.adapters.receivers import Answer, receiver, resets, says

MAC = "0e:9e:32:c7:48:85"
METADATA = {
    "DockerId": "cd189a933e5849daa93386466019ab50-2495160603",
    "Networks": [
        {
            "NetworkMode": "awsvpc",
            "IPv4Addresses": ["10.0.2.106"],
            "MACAddress": MAC,
            "IPv4SubnetCIDRBlock": "10.0.2.0/24",
        }
    ],
}
"""an excerpt of the developer guide's example"""


def answering(content: object) -> Answer:
    body = json.dumps(content).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return says(head.encode() + body)


def learned(answer: Answer, interfaces: list[dict[str, object]]) -> str:
    """Return what a task learns from its metadata and from EC2's answer about its interface."""
    ec2 = boto3.client(
        "ec2", region_name="us-east-1", aws_access_key_id="t", aws_secret_access_key="t"
    )
    asked = {"Filters": [{"Name": "mac-address", "Values": [MAC]}]}
    with receiver(answer) as server, Stubber(ec2) as stub:
        stub.add_response("describe_network_interfaces", {"NetworkInterfaces": interfaces}, asked)
        return TaskAddress(f"http://127.0.0.1:{server.port}/v4/c-1", ec2).public_ipv4()


def test_a_task_learns_its_address_from_its_interface() -> None:
    """The metadata name the interface, EC2 the address associated with it."""

    interface: dict[str, object] = {"Association": {"PublicIp": "198.51.100.7"}}

    assert "198.51.100.7" == learned(answering(METADATA), [interface])


@pytest.mark.parametrize("interfaces", [[], [{}], [{"Association": {}}]])
def test_a_task_without_a_public_address_has_none(interfaces: list[dict[str, object]]) -> None:
    """Then its worker takes no RTP."""

    assert "" == learned(answering(METADATA), interfaces)


@pytest.mark.parametrize(
    "answer", [resets, answering({}), answering({"Networks": []}), answering([]), says(b"junk")]
)
def test_metadata_that_tell_nothing_are_an_outage(answer: Answer) -> None:
    """Whatever is wrong with them."""

    with pytest.raises(Unavailable):
        learned(answer, [])
