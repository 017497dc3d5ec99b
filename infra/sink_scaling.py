"""How many workers there are, and what wakes somebody up.

The sink writes its figures as embedded metrics, one log line a minute and task: namespace Tapedeck,
dimensions Service=sink and Generation, metrics LiveCalls and Degraded.
"""

from __future__ import annotations

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_sns as sns

from infra.alarms import NAMESPACE, alarm

MIN_TASKS = 2
"""one lives when the other dies"""

MAX_TASKS = 40

CALLS_PER_TASK = 175
"""One core records far more, but no more should die at once; 250 is the most (TRUST 1, row 7)."""

MOST_CALLS_PER_TASK = 250


def scale_on_live_calls(service: ecs.FargateService, generation: int) -> None:
    """Add workers as calls come, remove them slowly: a protected task leaves when its calls end."""
    scaling = service.auto_scale_task_count(min_capacity=MIN_TASKS, max_capacity=MAX_TASKS)
    scaling.scale_to_track_custom_metric(
        "LiveCalls",
        metric=sink_metric("LiveCalls", "Average", generation),
        target_value=CALLS_PER_TASK,
        scale_out_cooldown=Duration.seconds(60),
        scale_in_cooldown=Duration.minutes(15),
    )


def build_sink_alarms(
    stack: Stack, topic: sns.ITopic, workers: elb.ApplicationTargetGroup, generation: int
) -> None:
    """Alarm on sick workers, on more calls than should die at once, and on `degraded`."""
    alarm(stack, topic, "SickWorkers", workers.metrics.unhealthy_host_count())
    alarm(stack, topic, "Degraded", sink_metric("Degraded", "Maximum", generation))
    alarm(
        stack,
        topic,
        "CrowdedWorker",
        sink_metric("LiveCalls", "Maximum", generation),
        threshold=MOST_CALLS_PER_TASK,
    )


def sink_metric(name: str, statistic: str, generation: int) -> cloudwatch.Metric:
    """Return one of the sink's own metrics over a generation's tasks."""
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=name,
        dimensions_map={"Service": "sink", "Generation": str(generation)},
        statistic=statistic,
        period=Duration.minutes(1),
    )
