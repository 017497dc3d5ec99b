"""The composition root: which adapter stands behind which port. Everything is made on first use.

What is heavy is imported inside the property that needs it: a Lambda function that answers a
webhook pays for the database's client, and for nothing else.
"""

from __future__ import annotations

import json
import time
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import uuid4

from chalicelib import config
from chalicelib.config import required
from chalicelib.deployment_keys import DeploymentKeys, parse_keys
from chalicelib.recording.lifecycle import Writer
from chalicelib.services import instructions
from chalicelib.services.instructions import Deployment
from chalicelib.wiring_rows import RowPorts, client, now

if TYPE_CHECKING:
    from chalicelib import ports as port
    from chalicelib.recording.model import Recording
    from chalicelib.services.commands import Commands
    from chalicelib.services.control import Control
    from chalicelib.services.publish import Publishing
    from chalicelib.services.sweep import Sweeping
    from chalicelib.services.transition import Transitions

# ruff: noqa: PLC0415  # adapters are imported where they are made; see above


class Ports(RowPorts):
    """The ports of one process, made as its settings say; a test puts fakes in their places."""

    # --- what moves calls and recordings

    @cached_property
    def transitions(self) -> Transitions:
        """The one place that moves a recording."""
        from chalicelib.services.transition import Transitions

        return Transitions(
            recordings=self.recordings,
            profiles=self.profiles,
            workflows=self.workflows,
            public_url=self.public_url,
            download_token=self._download_token,
        )

    @cached_property
    def control(self) -> port.CallControl:
        """The sink's door to calls."""
        return self._control(Writer.OWNER)

    @cached_property
    def live_recordings(self) -> port.LiveRecordings:
        """The sink's door to recordings whose call streams."""
        from chalicelib.services.live import Live

        return Live(calls=self.calls, transitions=self.transitions)

    @cached_property
    def commands(self) -> Commands:
        """What tells a live call's worker what to do."""
        from chalicelib.services.commands import Commands

        return Commands(
            calls=self.calls,
            transitions=self.transitions,
            mailbox=self.mailbox,
            now=now,
            wait=time.sleep,
            new_id=lambda: str(uuid4()),
        )

    @cached_property
    def publishing(self) -> Publishing:
        """What ends a finalization."""
        from chalicelib.services.publish import Publishing

        return Publishing(
            calls=self.calls,
            transitions=self.transitions,
            renditions=self.renditions,
            now=now,
        )

    @cached_property
    def sweeping(self) -> Sweeping:
        """What the sweeper works with."""
        from chalicelib.services.sweep import Sweeping

        return Sweeping(
            control=self._control(Writer.SWEEPER),
            due_work=self.due_work,
            outbox=self.outbox,
            leases=self.leases,
            live_streams=self.live_streams,
            media=self.media,
            now=now,
            wait=time.sleep,
        )

    def _control(self, writer: Writer) -> Control:
        from chalicelib.services.control import Control

        return Control(
            calls=self.calls,
            call_life=self.call_life,
            profiles=self.profiles,
            transitions=self.transitions,
            writer=writer,
        )

    def _download_token(self, recording: Recording, at: datetime) -> str:
        expires_at = at + self.settings.download_token_for
        return instructions.download_token(recording, self.token_keys(), expires_at)

    # --- bytes

    @cached_property
    def media(self) -> port.MediaStore:
        """Journal and segments."""
        from chalicelib.adapters.s3 import TASK_CONFIG, S3MediaStore

        bucket = required(self.settings.media_bucket, "MEDIA_BUCKET")
        return S3MediaStore(client("s3", TASK_CONFIG), bucket)

    @cached_property
    def sink_media(self) -> port.MediaStore:
        """Journal and segments, for a writer that retries by itself."""
        from chalicelib.adapters.s3 import SINK_CONFIG, S3MediaStore

        bucket = required(self.settings.media_bucket, "MEDIA_BUCKET")
        return S3MediaStore(client("s3", SINK_CONFIG), bucket)

    @cached_property
    def renditions(self) -> port.RenditionStore:
        """Finished audio and manifests."""
        from chalicelib.adapters.s3 import TASK_CONFIG, S3RenditionStore

        bucket = required(self.settings.recordings_bucket, "RECORDINGS_BUCKET")
        return S3RenditionStore(client("s3", TASK_CONFIG), bucket)

    @cached_property
    def encoder(self) -> port.Encoder:
        """WAV by ourselves, the rest by ffmpeg."""
        from chalicelib.adapters.encoder import FileEncoder

        return FileEncoder()

    # --- services of the cloud

    @cached_property
    def workflows(self) -> port.Workflows:
        """Finalization and Delivery."""
        from chalicelib.adapters.stepfunctions import StepFunctions

        finalization = required(self.settings.finalization_arn, "FINALIZATION_ARN")
        delivery = required(self.settings.delivery_arn, "DELIVERY_ARN")
        return StepFunctions(client("stepfunctions"), finalization, delivery)

    @cached_property
    def event_bus(self) -> port.EventBus:
        """EventBridge."""
        from chalicelib.adapters.eventbridge import EventBridge

        return EventBridge(client("events"), self.settings.event_bus)

    @cached_property
    def sender(self) -> port.Sender:
        """One guarded POST."""
        from chalicelib.adapters.http import GuardedSender

        return GuardedSender(self.settings.url_policy)

    @cached_property
    def secrets(self) -> port.Secrets:
        """Secrets Manager."""
        from chalicelib.adapters.secrets import SecretsManager

        return SecretsManager(client("secretsmanager"))

    @cached_property
    def parameters(self) -> port.Parameters:
        """SSM."""
        from chalicelib.adapters.parameters import ParameterStore

        return ParameterStore(client("ssm"))

    @cached_property
    def task_protection(self) -> port.TaskProtection | None:
        """The task's agent; none outside ECS."""
        from chalicelib.adapters.task_protection import EcsAgent

        uri = self.settings.ecs_agent_uri
        return EcsAgent(uri) if uri else None

    # --- what a deployment knows of itself

    def public_url(self) -> str:
        """Return the API's public base, up to and with its stage."""
        name = required(self.settings.public_url_parameter, "PUBLIC_URL_PARAMETER")
        return self.parameters.get(name).rstrip("/")

    def token_keys(self) -> list[bytes]:
        """Return the keys of capability tokens, newest first."""
        return list(self._keys().token_keys)

    def webhook_secrets(self) -> list[str]:
        """Return the secrets that sign status callbacks, newest first."""
        return list(self._keys().webhook_secrets)

    def signing_key(self, secret_id: str) -> str:
        """Return a carrier's signing key: a secret's text, or its JSON's `signing_key`."""
        text = self.secrets.get(secret_id)
        return str(json.loads(text)["signing_key"]) if text.startswith("{") else text

    def deployment(self) -> Deployment:
        """Return what URLs and tokens are made of."""
        return Deployment(
            public_url=self.public_url(),
            sink_url=required(self.settings.sink_url, "SINK_URL"),
            token_keys=self.token_keys(),
        )

    def _keys(self) -> DeploymentKeys:
        return parse_keys(self.secrets.get(required(self.settings.secret_id, "SECRET_ID")))


_installed: Ports | None = None


def ports() -> Ports:
    """Return this process's ports."""
    return _installed or install(Ports(config.settings()))


def install(ports_: Ports) -> Ports:
    """Make these the process's ports, and return them."""
    global _installed  # noqa: PLW0603  # the one place that holds a process together
    _installed = ports_
    return ports_


def uninstall() -> None:
    """Forget the process's ports: the next to ask gets new ones."""
    global _installed  # noqa: PLW0603  # as above
    _installed = None
