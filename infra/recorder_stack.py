"""RecorderStack: tables, buckets, the Chalice app, workflows, schedule, alarms."""

from __future__ import annotations

from typing import cast

from aws_cdk import CfnOutput, CfnParameter, Fn, RemovalPolicy, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm
from chalice.cdk import Chalice
from constructs import Construct

from chalicelib.security.secret_names import SHARED_PATTERN
from infra.access import Surroundings, grant_functions
from infra.alarms import build_alarms, build_topic
from infra.functions import build_app, build_shells
from infra.settings import Settings
from infra.storage import Storage
from infra.workflows import (
    CARRIER,
    DELIVERY,
    FINALIZATION,
    build_schedule,
    build_workflows,
    workflow_reference,
)

_NO_EXPLICIT_KEYS = '{"token_keys": [], "webhook_secrets": []}'


class RecorderStack(Stack):
    """Everything but the sink's servers; the same stack on AWS and on a local AWS."""

    def __init__(self, scope: Construct, name: str, *, settings: Settings) -> None:
        super().__init__(scope, name, description="Tapedeck: recordings, their API and callbacks")
        self.around = self._surroundings(settings)
        self.environment_of_resources = self._environment()
        """names: they never change, so another stack may take them"""
        self.environment_of_all = self.environment_of_resources | self._parameters(settings)
        shells = build_shells(self)
        grant_functions(shells, self.around)
        app = build_app(self, shells, self.environment_of_all, settings)
        workflows = build_workflows(self, app)
        build_schedule(self, app)
        self.topic = build_topic(self, settings.alarm_email)
        build_alarms(self, self.topic, app, workflows, shells["attempt"].logs)
        self._publish_url(app)
        # What a process outside Lambda needs: the sink's tasks, `make key`, the local run.
        CfnOutput(self, "SigningKey", value=self.around.storage.signing_key.key_arn)
        CfnOutput(self, "Environment", value=self.to_json_string(self.environment_of_all))

    def _surroundings(self, settings: Settings) -> Surroundings:
        return Surroundings(
            storage=Storage(self, "Storage", settings=settings),
            secret=self._secret(settings),
            # By name, because the API's URL is known last and its functions need it first.
            public_url=ssm.StringParameter.from_string_parameter_attributes(
                self, "PublicUrlByName", parameter_name=self._url_parameter_name()
            ),
            bus=events.EventBus(self, "Bus"),
            finalization=workflow_reference(self, FINALIZATION),
            delivery=workflow_reference(self, DELIVERY),
            carrier=workflow_reference(self, CARRIER),
        )

    def _secret(self, settings: Settings) -> secretsmanager.ISecret:
        """One value can be generated: both keys derive from it until explicit ones come first."""
        secret = secretsmanager.Secret(
            self,
            "Secret",
            description="Tapedeck: seed of the token key and of the webhook secret",
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template=_NO_EXPLICIT_KEYS,
                generate_string_key="seed",
                exclude_punctuation=True,
                password_length=64,
            ),
            removal_policy=RemovalPolicy.DESTROY if settings.removable else RemovalPolicy.RETAIN,
        )
        made = cast(secretsmanager.CfnSecret, secret.node.default_child)
        # Its attribute is an ARN everywhere; its reference, which Secret uses, is a name locally.
        return secretsmanager.Secret.from_secret_complete_arn(self, "SecretByArn", made.attr_id)

    def _environment(self) -> dict[str, str]:
        around, storage = self.around, self.around.storage
        return {
            "TAPEDECK_CORE_TABLE": storage.core.table_name,
            "TAPEDECK_HOT_TABLE": storage.hot.table_name,
            "TAPEDECK_MEDIA_BUCKET": storage.media.bucket_name,
            "TAPEDECK_RECORDINGS_BUCKET": storage.recordings.bucket_name,
            "TAPEDECK_FINALIZATION_ARN": around.finalization.state_machine_arn,
            "TAPEDECK_DELIVERY_ARN": around.delivery.state_machine_arn,
            "TAPEDECK_CARRIER_ARN": around.carrier.state_machine_arn,
            "TAPEDECK_EVENT_BUS": around.bus.event_bus_name,
            "TAPEDECK_SECRET_ID": around.secret.secret_arn,
            "TAPEDECK_SIGNING_KEY_ID": storage.signing_key.key_id,
            "TAPEDECK_PUBLIC_URL_PARAMETER": self._url_parameter_name(),
        }

    def _parameters(self, settings: Settings) -> dict[str, str]:
        sink_url = f"wss://{settings.sink_domain}" if settings.sink_domain else ""
        return {
            "TAPEDECK_NEWEST_GENERATION": str(settings.newest_generation),
            "TAPEDECK_SINK_URL": self._parameter(
                "SinkUrl", sink_url, "where carriers stream to, e.g. wss://sink.example.com"
            ),
            "TAPEDECK_ALLOW_HTTP": self._parameter(
                "AllowHttp", "0", "1 lets status URLs be http instead of https"
            ),
            "TAPEDECK_ALLOWED_NETWORKS": self._parameter(
                "AllowedNetworks",
                "",
                "private networks that status URLs and taps may reach, as CIDRs",
            ),
            "TAPEDECK_ALLOWED_PORTS": self._parameter(
                "AllowedPorts",
                "80,443,8080,8443",
                "ports that status URLs and taps may name; * is any",
            ),
            "TAPEDECK_CARRIER_HOSTS": self._parameter(
                "CarrierHosts", "", "more hosts, by suffix, that get carriers' credentials"
            ),
            "TAPEDECK_SHARED_CREDENTIALS": self._shared_credentials(),
            "TAPEDECK_WAIT_SCALE": self._parameter(
                "WaitScale", "1", "multiplies the waits between attempts to deliver a callback"
            ),
        }

    def _shared_credentials(self) -> str:
        """Let CloudFormation refuse what the functions couldn't read: they wouldn't start."""
        return CfnParameter(
            self,
            "SharedCredentials",
            default="",
            description="carriers' secrets that other accounts than their own may use",
            allowed_pattern=SHARED_PATTERN,
            constraint_description="account:name, account:name … without spaces",
        ).value_as_string

    def _parameter(self, name: str, default: str, description: str) -> str:
        return CfnParameter(self, name, default=default, description=description).value_as_string

    def _url_parameter_name(self) -> str:
        return f"/{self.stack_name}/public-url"

    def _publish_url(self, app: Chalice) -> None:
        api = app.get_resource("RestAPI").ref
        url = Fn.sub(
            "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/api", {"Api": api}
        )
        ssm.StringParameter(
            self,
            "PublicUrl",
            parameter_name=self._url_parameter_name(),
            string_value=url,
            description="Tapedeck: base of every URL that is given out; a custom domain goes here",
        )
        CfnOutput(self, "ApiId", value=api)
        CfnOutput(self, "ApiUrl", value=url)
