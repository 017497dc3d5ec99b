"""SinkStack: what all generations of the sink share: the network, the load balancer, its name."""

from __future__ import annotations

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_logs as logs
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as route53_targets
from constructs import Construct

from infra.settings import Settings
from infra.sink_network import SinkNetwork

IDLE_TIMEOUT = Duration.seconds(4000)
"""the most an Application Load Balancer allows; held calls can be silent for long"""


class SinkStack(Stack):
    """The way in. Without a generation of workers behind it, it answers 503."""

    def __init__(self, scope: Construct, name: str, *, settings: Settings) -> None:
        super().__init__(scope, name, description="Tapedeck: the way to the sink")
        self._settings = settings
        self.network = SinkNetwork(self, "Network")
        self.cluster = ecs.Cluster(self, "Cluster", vpc=self.network.vpc)
        self.logs = logs.LogGroup(
            self,
            "Logs",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        balancer = self._balancer()
        self.listener = balancer.add_listener(
            "Https",
            port=443,
            open=False,
            certificates=[self._certificate()],
            ssl_policy=elb.SslPolicy.TLS13_RES,
            default_action=elb.ListenerAction.fixed_response(503),
        )
        self._publish_name(balancer)

    def _balancer(self) -> elb.ApplicationLoadBalancer:
        return elb.ApplicationLoadBalancer(
            self,
            "Balancer",
            vpc=self.network.vpc,
            internet_facing=True,
            idle_timeout=IDLE_TIMEOUT,
            drop_invalid_header_fields=True,
            security_group=self.network.balancer_group,
            deletion_protection=not self._settings.removable,
        )

    def _certificate(self) -> acm.ICertificate:
        given = self._settings.certificate_arn
        if given:
            return acm.Certificate.from_certificate_arn(self, "Certificate", given)
        return acm.Certificate(
            self,
            "Certificate",
            domain_name=self._settings.sink_domain,
            validation=acm.CertificateValidation.from_dns(self._zone("CertificateZone")),
        )

    def _publish_name(self, balancer: elb.ApplicationLoadBalancer) -> None:
        CfnOutput(self, "BalancerName", value=balancer.load_balancer_dns_name)
        if self._settings.hosted_zone_id:
            route53.ARecord(
                self,
                "Name",
                zone=self._zone("Zone"),
                record_name=f"{self._settings.sink_domain}.",
                target=route53.RecordTarget.from_alias(
                    route53_targets.LoadBalancerTarget(balancer)
                ),
            )

    def _zone(self, name: str) -> route53.IHostedZone:
        return route53.HostedZone.from_hosted_zone_attributes(
            self,
            name,
            hosted_zone_id=self._settings.hosted_zone_id,
            zone_name=self._settings.hosted_zone_name,
        )
