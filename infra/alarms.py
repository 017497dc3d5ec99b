"""What wakes somebody up."""

from __future__ import annotations

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_stepfunctions as sfn
from chalice.cdk import Chalice

from chalicelib.adapters.aws import counters
from chalicelib.ports.values import Figure
from infra.functions import SPECS

APP_NAME = "tapedeck"
"""as in .chalice/config.json"""

NAMESPACE = "Tapedeck"
"""of our own metrics"""

MISSING = cloudwatch.TreatMissingData
_FIVE_MINUTES = Duration.minutes(5)


def build_topic(stack: Stack, email: str) -> sns.Topic:
    """Make the topic that every alarm goes to, with an address if there is one."""
    topic = sns.Topic(stack, "Alarms", enforce_ssl=True)
    _let_alarms_publish(stack, topic)
    if email:
        topic.add_subscription(subscriptions.EmailSubscription(email))
    return topic


def _let_alarms_publish(stack: Stack, topic: sns.Topic) -> None:
    """A topic's own policy, as TLS only makes one, takes the place of the one that lets alarms."""
    alarms = stack.format_arn(
        service="cloudwatch",
        resource="alarm",
        resource_name="*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
            actions=["sns:Publish"],
            resources=[topic.topic_arn],
            conditions={"ArnLike": {"aws:SourceArn": alarms}},
        )
    )


def build_alarms(
    stack: Stack,
    topic: sns.Topic,
    app: Chalice,
    workflows: dict[str, sfn.StateMachine],
    attempt_logs: logs.ILogGroup,
) -> None:
    """Alarm on functions, workflows, the API, a sweeper that stopped, refused secrets and disabled
    receivers."""
    for spec in SPECS:
        # `attempt` raises to be called again later; a failed Delivery tells what it can't say.
        if spec.name != "attempt":
            errors = _function_metric(app, spec.resource, "Errors")
            alarm(stack, topic, f"{spec.resource}Errors", errors)
        throttles = _function_metric(app, spec.resource, "Throttles")
        alarm(stack, topic, f"{spec.resource}Throttles", throttles)
    for name, machine in workflows.items():
        title = name.capitalize()
        alarm(stack, topic, f"{title}Failed", machine.metric_failed(period=_FIVE_MINUTES))
        alarm(stack, topic, f"{title}TimedOut", machine.metric_timed_out(period=_FIVE_MINUTES))
    alarm(stack, topic, "ApiFaults", _api_faults())
    alarm(stack, topic, "SecretRefused", _refused_secrets())
    alarm(stack, topic, "ReceiverDisabled", _disabled_receivers(stack, attempt_logs))
    _alarm_on_silence(stack, topic, _function_metric(app, "Sweep", "Invocations"))


def alarm(
    stack: Stack, topic: sns.ITopic, name: str, metric: cloudwatch.IMetric, *, threshold: float = 1
) -> None:
    """Alarm as soon as a metric's sum reaches the threshold; no datapoint is a good sign."""
    made = cloudwatch.Alarm(
        stack,
        name,
        metric=metric,
        threshold=threshold,
        evaluation_periods=1,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treat_missing_data=MISSING.NOT_BREACHING,
    )
    made.add_alarm_action(actions.SnsAction(topic))


def _alarm_on_silence(stack: Stack, topic: sns.Topic, metric: cloudwatch.IMetric) -> None:
    made = cloudwatch.Alarm(
        stack,
        "SweepStopped",
        metric=metric,
        threshold=1,
        evaluation_periods=2,
        comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
        treat_missing_data=MISSING.BREACHING,
    )
    made.add_alarm_action(actions.SnsAction(topic))


def _function_metric(app: Chalice, resource: str, metric: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="AWS/Lambda",
        metric_name=metric,
        dimensions_map={"FunctionName": app.get_resource(resource).ref},
        statistic="Sum",
        period=_FIVE_MINUTES,
    )


def _disabled_receivers(stack: Stack, attempt_logs: logs.ILogGroup) -> cloudwatch.Metric:
    """Count callbacks that were given up: each says so in the log of `attempt`."""
    counted = logs.MetricFilter(
        stack,
        "CallbacksToDisabled",
        log_group=attempt_logs,
        filter_pattern=logs.FilterPattern.string_value("$.given_up", "=", "disabled"),
        metric_namespace=NAMESPACE,
        metric_name="CallbacksToDisabled",
        metric_value="1",
    )
    return counted.metric(statistic="Sum", period=_FIVE_MINUTES)


def _refused_secrets() -> cloudwatch.Metric:
    """Count what every function counts in its log: the first refusal is worth waking somebody."""
    return cloudwatch.Metric(
        namespace=counters.NAMESPACE,
        metric_name=str(Figure.REFUSED_SECRETS),
        dimensions_map=dict(counters.DIMENSIONS),
        statistic="Sum",
        period=_FIVE_MINUTES,
    )


def _api_faults() -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="AWS/ApiGateway",
        metric_name="5XXError",
        dimensions_map={"ApiName": APP_NAME, "Stage": "api"},
        statistic="Sum",
        period=_FIVE_MINUTES,
    )
