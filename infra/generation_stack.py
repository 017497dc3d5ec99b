"""A generation of workers: a service of its own behind the load balancer that all share.

A generation is deployed beside the one before and never changed while calls are live. It begins to
take new calls when its tasks are well; the generation before keeps the calls that it has, for as
long as they last, and is removed when it has none (docs/how-to/deploy-a-new-version.md).
"""

from __future__ import annotations

from aws_cdk import ArnFormat, CfnParameter, Duration, Size, Stack
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_iam as iam
from constructs import Construct

from chalicelib.config import LONGEST_STREAM_S, SHORTEST_STREAM_S
from infra.access import grant_sink
from infra.paths import ROOT
from infra.recorder_stack import RecorderStack
from infra.settings import Settings
from infra.sink_network import HTTP_PORT, RELAY_PORT, RTP_PORTS
from infra.sink_scaling import MIN_TASKS, build_sink_alarms, scale_on_live_calls
from infra.sink_stack import SinkStack

STOP_TIMEOUT = Duration.seconds(120)
"""the most Fargate allows; a worker needs at most 110 s to write everything (TRUST 1, row 4)"""

DRAINS_FOR = Duration.hours(1)
"""the most a load balancer allows: a task that ECS stops although it has calls (Fargate retires its
host, or a call came as it was chosen to go) keeps them for so long before SIGTERM, and gets no
other"""

SPOOL = "/var/spool/tapedeck"

_LAST_PRIORITY = 50_000
"""of a listener's rules; the least number is asked first"""


def priority_of_new_calls(number: int) -> int:
    """Return the priority of a generation's rule for paths that name none."""
    return _LAST_PRIORITY - number


class GenerationStack(Stack):
    """A worker is a process is a task."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        settings: Settings,
        recorder: RecorderStack,
        sink: SinkStack,
    ) -> None:
        number = settings.sink_generation
        super().__init__(scope, name, description=f"Tapedeck: generation {number} of the sink")
        self._number = number
        self._sink = sink
        task = self._task(recorder)
        _protect_tasks(self, task.task_role, sink.cluster)
        _let_learn_its_address(task.task_role)
        group = self._group()
        own = self._take_what_names_it(group)
        service = self._service(task)
        service.node.add_dependency(own)  # ECS wants a group that a load balancer has
        group.add_target(service)
        if not settings.sink_on_trial:
            self._take_new_calls(group).node.add_dependency(service)
        scale_on_live_calls(service, number)
        build_sink_alarms(self, recorder.topic, group, number)

    def _task(self, recorder: RecorderStack) -> ecs.FargateTaskDefinition:
        task = ecs.FargateTaskDefinition(
            self, "Task", cpu=1024, memory_limit_mib=2048, ephemeral_storage_gib=21
        )
        grant_sink(task.task_role, recorder.around)
        container = task.add_container(
            "sink",
            image=_image(),
            environment=self._environment(recorder),
            port_mappings=[
                ecs.PortMapping(container_port=HTTP_PORT),
                ecs.PortMapping(container_port=RELAY_PORT),
            ],
            logging=ecs.LogDrivers.aws_logs(
                stream_prefix=f"sink-{self._number}",
                log_group=self._sink.logs,
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

    def _environment(self, recorder: RecorderStack) -> dict[str, str]:
        return {
            **recorder.environment_of_resources,
            **self._parameters(),
            "TAPEDECK_GENERATION": str(self._number),
            "TAPEDECK_SINK_HOST": "0.0.0.0",  # noqa: S104  # the task's only way in
            "TAPEDECK_SINK_PORT": str(HTTP_PORT),
            "TAPEDECK_RELAY_PORT": str(RELAY_PORT),
            "TAPEDECK_RUN_DIR": SPOOL,
            "TAPEDECK_RTP_PORTS": "{}-{}".format(*RTP_PORTS),
        }

    def _parameters(self) -> dict[str, str]:
        """A generation's own: what one stack takes from another can't be changed there later."""
        return {
            "TAPEDECK_ALLOW_HTTP": self._parameter("AllowHttp", "0", "1 lets taps go to ws://"),
            "TAPEDECK_ALLOWED_NETWORKS": self._parameter(
                "AllowedNetworks", "", "private networks that taps may reach, as CIDRs"
            ),
            "TAPEDECK_ALLOWED_PORTS": self._parameter(
                "AllowedPorts", "80,443,8080,8443", "ports that taps may name; * is any"
            ),
            "TAPEDECK_STREAM_SECONDS": self._stream_seconds(),
        }

    def _stream_seconds(self) -> str:
        """A value out of bounds is refused before a task begins: its process would be, too."""
        return CfnParameter(
            self,
            "StreamSeconds",
            type="Number",
            default=LONGEST_STREAM_S,
            min_value=SHORTEST_STREAM_S,
            max_value=LONGEST_STREAM_S,
            description="how long a carrier may stream on one socket or RTP port, in seconds",
        ).value_as_string

    def _parameter(self, name: str, default: str, description: str) -> str:
        return CfnParameter(self, name, default=default, description=description).value_as_string

    def _service(self, task: ecs.FargateTaskDefinition) -> ecs.FargateService:
        return ecs.FargateService(
            self,
            "Service",
            cluster=self._sink.cluster,
            task_definition=task,
            desired_count=MIN_TASKS,
            assign_public_ip=True,
            security_groups=[self._sink.network.worker_group],
            min_healthy_percent=100,
            max_healthy_percent=200,
            health_check_grace_period=Duration.seconds(60),
            circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
        )

    def _group(self) -> elb.ApplicationTargetGroup:
        return elb.ApplicationTargetGroup(
            self,
            "Workers",
            vpc=self._sink.network.vpc,
            port=HTTP_PORT,
            protocol=elb.ApplicationProtocol.HTTP,
            load_balancing_algorithm_type=elb.TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS,
            deregistration_delay=DRAINS_FOR,
            health_check=elb.HealthCheck(path="/healthz", interval=Duration.seconds(10)),
        )

    def _take_what_names_it(self, group: elb.ApplicationTargetGroup) -> elb.ApplicationListenerRule:
        """A path that names the generation leads to it, newest or not: it can be tried before it
        takes other calls, and its group stays the load balancer's for as long as it has any."""
        return elb.ApplicationListenerRule(
            self,
            "Named",
            listener=self._sink.listener,
            priority=self._number,
            conditions=[elb.ListenerCondition.path_patterns([f"/g{self._number}/*"])],
            target_groups=[group],
        )

    def _take_new_calls(self, group: elb.ApplicationTargetGroup) -> elb.CfnListenerRule:
        """Every other path leads to the newest generation: its rule is asked before the others'."""
        return elb.CfnListenerRule(
            self,
            "Newest",
            listener_arn=self._sink.listener.listener_arn,
            priority=priority_of_new_calls(self._number),
            conditions=[
                elb.CfnListenerRule.RuleConditionProperty(
                    field="path-pattern",
                    path_pattern_config=elb.CfnListenerRule.PathPatternConfigProperty(
                        values=["/*"]
                    ),
                )
            ],
            actions=[
                elb.CfnListenerRule.ActionProperty(
                    type="forward", target_group_arn=group.target_group_arn
                )
            ],
        )


def _protect_tasks(stack: Stack, role: iam.IRole, cluster: ecs.ICluster) -> None:
    """A worker protects itself from scale-in while it has calls, and asks whether it is to go."""
    tasks = stack.format_arn(
        service="ecs",
        resource="task",
        resource_name=f"{cluster.cluster_name}/*",
        arn_format=ArnFormat.SLASH_RESOURCE_NAME,
    )
    role.add_to_principal_policy(
        iam.PolicyStatement(
            actions=["ecs:GetTaskProtection", "ecs:UpdateTaskProtection", "ecs:DescribeTasks"],
            resources=[tasks],
        )
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
