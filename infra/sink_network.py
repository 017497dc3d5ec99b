"""The sink's network: public subnets only, no NAT, no interface endpoints."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

HTTP_PORT = 8080
"""the load balancer reaches a worker here"""

RELAY_PORT = 8081
"""workers reach each other here"""

RTP_PORTS = (20000, 21999)
"""RTP taps come straight to a worker's public address, on even ports: 1,000 of them, twice what
250 calls need; below those that Linux gives to outgoing sockets"""


class SinkNetwork(Construct):
    """A VPC, and one security group for the load balancer, one for the workers."""

    def __init__(self, scope: Construct, name: str) -> None:
        super().__init__(scope, name)
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            max_azs=2,
            nat_gateways=0,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="public", subnet_type=ec2.SubnetType.PUBLIC, map_public_ip_on_launch=False
                )
            ],
            gateway_endpoints={
                "S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3),
                "DynamoDb": ec2.GatewayVpcEndpointOptions(
                    service=ec2.GatewayVpcEndpointAwsService.DYNAMODB
                ),
            },
        )
        self.balancer_group = self._group("Balancer", "carriers to the load balancer")
        self.worker_group = self._group(
            "Worker", "load balancer, RTP and other workers to a worker"
        )
        self._open_ports()

    def _group(self, name: str, description: str) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(
            self,
            name,
            vpc=self.vpc,
            description=f"{Stack.of(self).stack_name}: {description}",
            allow_all_outbound=name == "Worker",
        )

    def _open_ports(self) -> None:
        self.balancer_group.add_ingress_rule(
            ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "carriers, wss"
        )
        http = ec2.Port.tcp(HTTP_PORT)
        self.balancer_group.add_egress_rule(self.worker_group, http, "workers")
        self.worker_group.add_ingress_rule(self.balancer_group, http, "load balancer")
        self.worker_group.add_ingress_rule(
            self.worker_group, ec2.Port.tcp(RELAY_PORT), "other workers"
        )
        self.worker_group.add_ingress_rule(
            ec2.Peer.any_ipv4(), ec2.Port.udp_range(*RTP_PORTS), "RTP taps"
        )
