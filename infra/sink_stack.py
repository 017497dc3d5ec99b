"""SinkStack: the workers that receive streams, behind a load balancer."""

from __future__ import annotations

from aws_cdk import ArnFormat, CfnOutput, Duration, RemovalPolicy, Size, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as route53_targets
from constructs import Construct

from infra.access import grant_sink
from infra.paths import ROOT
from infra.recorder_stack import RecorderStack
from infra.settings import Settings
from infra.sink_network import HTTP_PORT, RELAY_PORT, RTP_PORTS, SinkNetwork
from infra.sink_scaling import MIN_TASKS, build_sink_alarms, scale_on_live_calls

IDLE_TIMEOUT = Duration.seconds(4000)
"""the most an Application Load Balancer allows; held calls can be silent for long"""

STOP_TIMEOUT = Duration.seconds(120)
"""the most Fargate allows; a worker needs at most 110 s to write everything (TRUST 1, row 4)"""

SPOOL = "/var/spool/tapedeck"


class SinkStack(Stack):
    """A worker is a process is a task."""

    def __init__(
        self, scope: Construct, name: str, *, settings: Settings, recorder: RecorderStack
    ) -> None:
        super().__init__(scope, name, description="Tapedeck: the sink that receives streams")
        self._settings = settings
        network = SinkNetwork(self, "Network")
        cluster = ecs.Cluster(self, "Cluster", vpc=network.vpc)
        task = self._task(recorder)
        service = self._service(cluster, task, network)
        self._protect_tasks(task.task_role, cluster)
        _let_learn_its_address(task.task_role)
        balancer = self._balancer(network)
        group = self._listen(balancer, network, service)
        scale_on_live_calls(service)
        build_sink_alarms(self, recorder.topic, group)
        self._publish_name(balancer)

    def _task(self, recorder: RecorderStack) -> ecs.FargateTaskDefinition:
        task = ecs.FargateTaskDefinition(
            self, "Task", cpu=1024, memory_limit_mib=2048, ephemeral_storage_gib=21
        )
        grant_sink(task.task_role, recorder.around)
        container = task.add_container(
            "sink",
            image=_image(),
            environment={
                **recorder.environment_of_all,
                "TAPEDECK_SINK_HOST": "0.0.0.0",  # noqa: S104  # the task's only way in
                "TAPEDECK_SINK_PORT": str(HTTP_PORT),
                "TAPEDECK_RELAY_PORT": str(RELAY_PORT),
                "TAPEDECK_RUN_DIR": SPOOL,
                "TAPEDECK_RTP_PORTS": "{}-{}".format(*RTP_PORTS),
            },
            port_mappings=[
                ecs.PortMapping(container_port=HTTP_PORT),
                ecs.PortMapping(container_port=RELAY_PORT),
            ],
            logging=ecs.LogDrivers.aws_logs(
                stream_prefix="sink",
                log_group=self._log_group(),
                mode=ecs.AwsLogDriverMode.NON_BLOCKING,  # who makes us log must not make us wait
                max_buffer_size=Size.mebibytes(4),
            ),
            health_check=_health_check(),
            stop_timeout=STOP_TIMEOUT,
            readonly_root_filesystem=True,
            linux_parameters=ecs.LinuxParameters(self, "Linux", init_process_enabled=True),
        )
        for volume, path in (("spool", SPOOL), ("scratch", "/tmp")):  # noqa: S108  # the task's own
            task.add_volume(name=volume)
            container.add_mount_points(
                ecs.MountPoint(container_path=path, source_volume=volume, read_only=False)
            )
        return task

    def _log_group(self) -> logs.LogGroup:
        return logs.LogGroup(
            self,
            "Logs",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )

    def _service(
        self, cluster: ecs.Cluster, task: ecs.FargateTaskDefinition, network: SinkNetwork
    ) -> ecs.FargateService:
        return ecs.FargateService(
            self,
            "Service",
            cluster=cluster,
            task_definition=task,
            desired_count=MIN_TASKS,
            assign_public_ip=True,
            security_groups=[network.worker_group],
            min_healthy_percent=100,
            max_healthy_percent=200,
            health_check_grace_period=Duration.seconds(60),
            circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
        )

    def _protect_tasks(self, role: iam.IRole, cluster: ecs.Cluster) -> None:
        """A worker protects itself from scale-in and deployments while it has calls."""
        tasks = self.format_arn(
            service="ecs",
            resource="task",
            resource_name=f"{cluster.cluster_name}/*",
            arn_format=ArnFormat.SLASH_RESOURCE_NAME,
        )
        role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["ecs:GetTaskProtection", "ecs:UpdateTaskProtection"], resources=[tasks]
            )
        )

    def _balancer(self, network: SinkNetwork) -> elb.ApplicationLoadBalancer:
        return elb.ApplicationLoadBalancer(
            self,
            "Balancer",
            vpc=network.vpc,
            internet_facing=True,
            idle_timeout=IDLE_TIMEOUT,
            drop_invalid_header_fields=True,
            security_group=network.balancer_group,
            deletion_protection=not self._settings.removable,
        )

    def _listen(
        self,
        balancer: elb.ApplicationLoadBalancer,
        network: SinkNetwork,
        service: ecs.FargateService,
    ) -> elb.ApplicationTargetGroup:
        listener = balancer.add_listener(
            "Https",
            port=443,
            open=False,
            certificates=[self._certificate()],
            ssl_policy=elb.SslPolicy.TLS13_RES,
        )
        group = elb.ApplicationTargetGroup(
            self,
            "Workers",
            vpc=network.vpc,
            port=HTTP_PORT,
            protocol=elb.ApplicationProtocol.HTTP,
            load_balancing_algorithm_type=elb.TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS,
            deregistration_delay=Duration.seconds(30),
            health_check=elb.HealthCheck(path="/healthz", interval=Duration.seconds(10)),
        )
        group.add_target(service)
        listener.add_target_groups("Default", target_groups=[group])
        return group

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


def _let_learn_its_address(role: iam.IRole) -> None:
    """A worker asks which public address its network interface has: EC2 knows no narrower right."""
    role.add_to_principal_policy(
        iam.PolicyStatement(actions=["ec2:DescribeNetworkInterfaces"], resources=["*"])
    )


def _image() -> ecs.ContainerImage:
    return ecs.ContainerImage.from_asset(
        str(ROOT),
        file="infra/sink/Dockerfile",
        platform=ecr_assets.Platform.LINUX_AMD64,
        # Nothing else decides whether the image is built again.
        exclude=["*", "!chalicelib", "!infra", "infra/*", "!infra/sink", "**/__pycache__"],
    )


def _health_check() -> ecs.HealthCheck:
    question = (
        f"import urllib.request as r; r.urlopen('http://127.0.0.1:{HTTP_PORT}/healthz', timeout=3)"
    )
    return ecs.HealthCheck(
        command=["CMD", "python", "-c", question],
        interval=Duration.seconds(15),
        timeout=Duration.seconds(5),
        retries=3,
        start_period=Duration.seconds(15),
    )
